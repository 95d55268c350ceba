"""People's sessions: a table with the user of each, so that people can list and end theirs.

It stores when a session was first and last used and the name of the browser, but no IP address. The key that the
browser sends is stored only as a hash, so anyone who can read the database can't use the sessions in it.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import Error, IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import browsers
from accounts.models import Session, User
from core.middleware import Middleware
from core.outages import is_outage
from core.prepared import Prepared
from core.text import is_storable

# The precision of the time of the last use. A higher one would cost a write for each page.
_EXACT_TO: Final = dt.timedelta(minutes=5)
# Seconds for sessions of people who have not logged in: between password and second factor, or during an invitation.
ANONYMOUS_AGE: Final = 15 * 60
_DEVICE: Final = "device"
_STARTED_AT: Final = "started_at"
_PUBLIC_ID: Final = "public_id"

# Every admin page reads one.
_unexpired = Prepared[Session](lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now))


class SessionStore(db.SessionStore):
    """Django's sessions in the database, which also store their user (settings.SESSION_ENGINE)."""

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def _validate_session_key(self, key: str) -> bool:
        # A cookie in quotation marks can contain any character.
        return bool(super()._validate_session_key(key)) and is_storable(key)  # type: ignore[misc]  # missing in the stubs

    def _get_session_from_db(self) -> Any:
        now = timezone.now()
        row = next(iter(_unexpired(stored_key(self.session_key or ""), now)), None)
        if row is None:
            self._session_key = None
        elif row.user_id and row.last_used_at < now - _EXACT_TO:
            try:
                with transaction.atomic():
                    Session.objects.filter(pk=row.pk).update(last_used_at=now)
            except Error as error:
                # People may still read while nothing can be written.
                if not is_outage(error):
                    raise
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.session_key = stored_key(row.session_key)
        user_pk = data.get(SESSION_KEY)
        row.user_id = int(user_pk) if user_pk else None
        row.device = data.get(_DEVICE, "")
        row.last_used_at = timezone.now()
        started_at = data.get(_STARTED_AT)
        row.started_at = dt.datetime.fromtimestamp(started_at, dt.UTC) if started_at else row.last_used_at
        public_id = data.get(_PUBLIC_ID)
        row.public_id = uuid.UUID(public_id) if public_id else uuid.uuid4()
        return row

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            # Django takes every failure to mean that the session was ended in the meantime.
            if error.__context__ is not None and is_outage(error.__context__):
                raise error.__context__ from None
            raise

    def cycle_key(self) -> None:
        if _PUBLIC_ID in self:
            # The new row is stored before the old one is deleted, and no two rows can have the same public ID.
            self[_PUBLIC_ID] = str(uuid.uuid4())
        super().cycle_key()

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(stored_key(key))

    def get_session_cookie_age(self) -> int:
        return super().get_session_cookie_age() if self.get(SESSION_KEY) else ANONYMOUS_AGE


def stored_key(session_key: str) -> str:
    """Return what is stored in place of the key of a session, which has the same length at most (40 characters)."""
    return blake2b(session_key.encode(), digest_size=20).hexdigest()


def to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page, because the session was ended while `request` was being answered."""
    response = redirect_to_login(request.get_full_path())
    response.delete_cookie(settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_PATH)
    return response


class ErasedAccountsMiddleware(Middleware):
    """Sends people to the login page whose account is erased while they save something."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # What they save refers to their account.
        is_conflict = isinstance(exception, IntegrityError) and request.user.is_authenticated
        is_erased = is_conflict and not User.objects.filter(pk=request.user.pk).exists()
        return to_login(request) if is_erased else None


def begin(request: HttpRequest, seconds: int) -> None:
    """Store the browser of someone who has just logged in, and for how long they stay logged in at most."""
    now = timezone.now()
    request.session[_DEVICE] = browsers.describe(request)[:100]
    request.session[_STARTED_AT] = now.timestamp()
    request.session[_PUBLIC_ID] = str(uuid.uuid4())
    # A datetime, because a number of seconds would start again whenever the session is saved.
    request.session.set_expiry(now + dt.timedelta(seconds=seconds))
    Session.objects.filter(expire_date__lt=now).delete()


def of(user: User) -> QuerySet[Session]:
    """Return the sessions of a person that have not expired, most recently used first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_used_at", "pk")


def end(people: Iterable[User], keep: HttpRequest | None = None) -> int:
    """End the sessions of these people, except the one that sent the request `keep`, and return how many there were."""
    rows = Session.objects.filter(user__in=people)
    if keep is not None:
        rows = rows.exclude(pk=stored_key(keep.session.session_key or ""))
    return rows.delete()[0]


def is_current(session: Session, request: HttpRequest) -> bool:
    return session.pk == stored_key(request.session.session_key or "")
