"""The worker's daily task for writing (`manage.py worker`)."""

from django.tasks import task
from django.utils.translation import gettext_lazy as _

from blog.editing import autosaves
from core.tasks import TaskKind, daily


@TaskKind(_("Deleting old unsaved texts"), schedule=daily(4, 35), deletes_old=True)
@task()
def delete_old_autosaves() -> None:
    """Delete unsaved texts whose form was last open long ago."""
    autosaves.delete_old()
