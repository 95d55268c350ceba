"""URLs with a withdrawn name in them: answered 410, so that search engines forget them soon.

A redirect would tell everyone which text had the name in its URL. The URLs themselves are not stored, only keyed hashes
of them.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from blog.models.redirect import normalise_path
from core.changes import content_changed
from core.memory import remembered
from core.models import SiteSettings
from operations.models import GoneUrl, Withdrawal, WithdrawalFlags
from operations.withdrawals.encryption import keyed_hash

# Further pages and feeds are below the URL of a listing.
_MAX_SEGMENTS: Final = 12


def mark_as_gone(withdrawal: Withdrawal, paths: Iterable[str]) -> None:
    """Answer 410 at these paths from now on. The caller makes cached pages expire."""
    digests = {keyed_hash(_normal(path)) for path in paths}
    if digests:
        GoneUrl.objects.bulk_create([GoneUrl(withdrawal=withdrawal, digest=digest) for digest in sorted(digests)])
        WithdrawalFlags.objects.update_or_create(pk=1, defaults={"has_gone_urls": True})


def forget_gone(withdrawal: Withdrawal) -> None:
    """Answer the URLs of this withdrawal as if they had never existed, or show what is there again."""
    withdrawal.gone_urls.all().delete()
    WithdrawalFlags.objects.update_or_create(pk=1, defaults={"has_gone_urls": GoneUrl.objects.exists()})
    content_changed()


def is_gone(path: str, site: SiteSettings) -> bool:
    """Return whether a withdrawn name was in the URL with this path, or in that of what it belongs to.

    No query if there are no such URLs, and otherwise one after each change.
    """
    flags = getattr(site, "withdrawal_flags", None)
    if flags is None or not flags.has_gone_urls:
        return False
    gone = remembered(site, lambda: frozenset(GoneUrl.objects.values_list("digest", flat=True)), "gone URLs")
    return any(keyed_hash(each) in gone for each in _with_parents(_normal(path)))


def _normal(path: str) -> str:
    return normalise_path(path).strip("/").casefold()


def _with_parents(path: str) -> Iterator[str]:
    return accumulate(path.split("/")[:_MAX_SEGMENTS], "{}/{}".format)
