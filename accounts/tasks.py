"""What the worker does for accounts: send the link for a forgotten password."""

import datetime as dt
from typing import Final

from django.core.mail import mailers
from django.tasks import task
from django.utils import timezone

from accounts.actions import Action
from accounts.audit.recording import count
from accounts.models import User
from accounts.password_links import Kind, make_link, send_link

# While the mail server is unavailable, the e-mail is tried again this often, this much later.
_ATTEMPTS: Final = 5
_RETRY_AFTER: Final = dt.timedelta(minutes=5)


@task()
def send_password_link(user_pk: int, attempt: int = 1) -> None:
    """Send `user_pk` a link to set a password. With 0, which stands for a name without an account, do nothing.

    The web server leaves it to the worker, so that its answer takes the same time for every name.
    """
    user = User.objects.filter(pk=user_pk, is_active=True, is_staff=True).exclude(email="").first()
    if user is None or "default" not in mailers:
        return
    if attempt == 1:
        count(Action.PASSWORD_FORGOTTEN, user)
    # A new link each time, because no table may hold one that works.
    is_sent = send_link(user, make_link(user, Kind.REQUESTED), Kind.REQUESTED)
    if not is_sent and attempt < _ATTEMPTS:
        send_password_link.using(run_after=timezone.now() + _RETRY_AFTER).enqueue(user_pk, attempt + 1)
