"""The worker: running tasks and the schedule (`manage.py worker`)."""
