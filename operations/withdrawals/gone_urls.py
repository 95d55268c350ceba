"""URLs that contained a withdrawn name: they return 410, so that search engines soon drop them.

A redirect would tell everyone which text had the name in its URL. Only keyed hashes of the URLs are stored.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from blog.models.redirect import normalise_path
from core.changes import content_changed
from core.models import SiteSettings
from operations.models import GoneUrl, Withdrawal, WithdrawalFlags
from operations.withdrawals.encryption import keyed_hash

# How many levels of a path are checked, because pages and feeds of a listing are below its URL.
_MAX_SEGMENTS: Final = 12


def mark_as_gone(withdrawal: Withdrawal, paths: Iterable[str]) -> None:
    """Make these paths return 410 from now on. The caller expires cached pages."""
    digests = {keyed_hash(_normal(path)) for path in paths}
    if digests:
        GoneUrl.objects.bulk_create([GoneUrl(withdrawal=withdrawal, digest=digest) for digest in sorted(digests)])
        WithdrawalFlags.objects.update_or_create(pk=1, defaults={"has_gone_urls": True})


def forget_gone(withdrawal: Withdrawal) -> None:
    """Make the URLs of this withdrawal return 404, or whatever is there again."""
    withdrawal.gone_urls.all().delete()
    WithdrawalFlags.objects.update_or_create(pk=1, defaults={"has_gone_urls": GoneUrl.objects.exists()})
    content_changed()


def is_gone(path: str, site: SiteSettings) -> bool:
    """Return whether the URL with this path, or one of its parents, contained a withdrawn name.

    No query if there are no such URLs, and otherwise one after each change.
    """
    flags = getattr(site, "withdrawal_flags", None)
    if flags is None or not flags.has_gone_urls:
        return False
    gone = site.remember(lambda: frozenset(GoneUrl.objects.values_list("digest", flat=True)), "gone URLs")
    return any(keyed_hash(each) in gone for each in _with_parents(_normal(path)))


def _normal(path: str) -> str:
    return normalise_path(path).strip("/").casefold()


def _with_parents(path: str) -> Iterator[str]:
    return accumulate(path.split("/")[:_MAX_SEGMENTS], "{}/{}".format)
