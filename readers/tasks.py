"""The worker's daily task for reader figures (`manage.py worker`)."""

from django.tasks import task
from django.utils.translation import gettext_lazy as _

from core.tasks import TaskKind, daily
from readers import retention


@TaskKind(_("Adding up old reader figures"), schedule=daily(4, 25), deletes_old=True)
@task()
def tidy_figures() -> None:
    """Sum up old figures by month, and delete those of deleted entries; all of them if no readers are counted."""
    retention.tidy()
