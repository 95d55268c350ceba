"""The processes of a site (`manage.py serve`). Nothing here imports Django, to save memory."""
