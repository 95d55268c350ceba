"""What the worker (`manage.py worker`) does for comments every day."""

import datetime as dt

from django.tasks import task
from django.utils.translation import gettext_lazy as _

from comments import tidying
from core.tasks import task_kind


@task_kind(_("Deleting old spam and what commenters left"), time_limit=dt.timedelta(hours=6))
@task()
def tidy_comments() -> None:
    """Delete old spam, trash, e-mail addresses and other expired data."""
    tidying.tidy()
