"""What the worker does for accounts: send the link for a forgotten password."""

import datetime as dt
import logging
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.tasks import task
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from accounts.password_links import RESET_VALID_FOR, password_link
from core.models import SiteSettings

# While the mail server is unavailable, the e-mail is tried again this often, this much later.
_ATTEMPTS: Final = 5
_RETRY_AFTER: Final = dt.timedelta(minutes=5)

_log = logging.getLogger(__name__)


@task()
def send_password_link(user_pk: int, attempt: int = 1) -> None:
    """Send `user_pk` a link to set a password. With 0, which stands for a name that belongs to nobody, do nothing.

    The web server leaves it to the worker, so that its answer takes the same time for every name.
    """
    user = User.objects.filter(pk=user_pk, is_active=True, is_staff=True).exclude(email="").first()
    if user is None or "default" not in mailers:
        return
    try:
        with mailers.default as connection:
            connection.send_messages([_email(user)])
    except OSError as error:
        _log.warning("The link for a password could not be sent (%s).", type(error).__name__)
        if attempt < _ATTEMPTS:
            send_password_link.using(run_after=timezone.now() + _RETRY_AFTER).enqueue(user_pk, attempt + 1)


def _email(user: User) -> EmailMessage:
    site = SiteSettings.current()
    context = {
        "user": user,
        "site": site,
        "url": password_link(user),
        "hours": RESET_VALID_FOR // dt.timedelta(hours=1),
    }
    # The title is one line, and a header escapes what it contains.
    subject = gettext("Set a new password")
    return EmailMessage(
        subject=f"[{' '.join(site.title.split())}] {subject}",
        body=render_to_string("accounts/mail/password_link.txt", context).strip() + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
