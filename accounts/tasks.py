"""What the worker does for accounts: send the link for a forgotten password, and delete expired rows."""

from django.core.mail import mailers
from django.tasks import task
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.audit.recording import count
from accounts.audit.retention import delete_expired
from accounts.models import User
from accounts.password_links import Kind, make_link, send_link
from accounts.sessions import SessionStore
from core.tasks import PASSING, TaskKind, daily


class UnsentLinkError(Exception):
    """The mail server did not accept the e-mail with the link."""


@TaskKind(_("Sending a password reset link"), retry_on=(UnsentLinkError, *PASSING))
@task()
def send_password_link(user_pk: int) -> None:
    """Send `user_pk` a link to set a password. With 0, which stands for a name without an account, do nothing.

    The web server leaves it to the worker, so that its answer takes the same time for every name. Raises
    UnsentLinkError.
    """
    user = User.objects.filter(pk=user_pk, is_active=True, is_staff=True).exclude(email="").first()
    if user is None or "default" not in mailers:
        return
    # A new link for each attempt, because no table may contain one that works.
    if not send_link(user, make_link(user, Kind.REQUESTED), Kind.REQUESTED):
        raise UnsentLinkError
    count(Action.PASSWORD_FORGOTTEN, user)


@TaskKind(_("Deleting expired sessions"), schedule=daily(4, 20))
@task()
def delete_expired_sessions() -> None:
    """Delete sessions that have expired, as `manage.py clearsessions` does."""
    SessionStore.clear_expired()


@TaskKind(_("Deleting old records of the audit log"), schedule=daily(4, 25), deletes_old=True)
@task()
def delete_old_audit_records() -> None:
    """Delete records that are older than AUDIT_KEEP_DAYS and AUDIT_KEEP_FAILED_DAYS say."""
    delete_expired()
