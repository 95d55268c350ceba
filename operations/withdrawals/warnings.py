"""Warning people that what they write contains a withdrawn name, as long as the name is known.

The names are in the cache, encrypted, so that this takes no query. If they are missing there, names that come back are
still replaced within a day (operations.withdrawals.tasks).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from blog.editing.advice import Draft
from core.middleware import Middleware
from core.site import is_in_admin
from operations.withdrawals.encryption import UnreadableError, decrypt, encrypt
from operations.withdrawals.lifecycle import in_force, secret_of
from operations.withdrawals.matching import Name

_KEY: Final = "operations.withdrawals.names"
# In seconds. The names are stored again every day.
_STORED_FOR: Final = 3 * 24 * 60 * 60


def remember_names() -> None:
    """Store the names that are currently withdrawn for `has_withdrawn_name`."""
    spellings = []
    for withdrawal in in_force():
        try:
            spellings += secret_of(withdrawal).spellings
        except UnreadableError:
            continue
    if spellings:
        cache.set(_KEY, encrypt(spellings), _STORED_FOR)
    else:
        cache.delete(_KEY)


def has_withdrawn_name(texts: Iterable[str]) -> bool:
    """Return whether one of these texts contains a withdrawn name."""
    sealed = cache.get(_KEY)
    if not sealed:
        return False
    try:
        name = Name(decrypt(sealed))
    except UnreadableError:
        return False
    return any(name.find(text) for text in texts)


def check_draft(draft: Draft) -> Iterator[str]:
    """Yield advice for the author of a draft."""
    entry = draft.entry
    if has_withdrawn_name([entry.title, entry.slug, entry.source, entry.excerpt, *draft.tags]):
        yield _text()


class WithdrawnNamesMiddleware(Middleware):
    """Warns people who have saved a withdrawn name in any form of the admin."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A form redirects only after it was saved.
        if request.method == "POST" and response.status_code == 302 and _is_checked(request):
            texts = (str(text) for _field, values in request.POST.lists() for text in values)
            if has_withdrawn_name(texts):
                messages.warning(request, _text())
        return response


def _is_checked(request: HttpRequest) -> bool:
    if not is_in_admin(request):
        return False
    user: Any = getattr(request, "user", None)
    # On the page about withdrawals, the name is typed on purpose.
    is_own = request.path.startswith(reverse("admin:operations_withdrawal_changelist"))
    return not is_own and user is not None and user.is_staff


def _text() -> str:
    return gettext(
        "This contains a name that was withdrawn from the site. Remove it, or it will be replaced within a day."
    )
