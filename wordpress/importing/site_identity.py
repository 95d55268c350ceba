"""Which blog an export is of, whatever URL the blog has at the time.

What is recorded about a blog has its `site`: the URL that it had when it was first imported. If the URL is later
written in another way (`https://`, `www.`), it is the same blog. It may also have an entirely different one, such as
its own domain in place of NAME.wordpress.com. Its entries (wordpress.importing.matching) and their IDs stay the same,
so an export is of a known blog if most of its first entries are here with the IDs that they had there. FORMER_HOSTS
does not matter: an owner who imports two blogs names the hosts of both.
"""

from collections import Counter
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from core.http import host_of
from wordpress.bulk import fetch_rows
from wordpress.importing.analysis import Analysis
from wordpress.importing.limits import max_length
from wordpress.importing.matching import identify
from wordpress.importing.report import PAGES, POSTS
from wordpress.importing.spool import Spool
from wordpress.models import Attachment, ImportedItem

# How many posts and how many pages of an export are compared: the oldest, as WordPress sorts them by ID.
_COMPARED: Final = 500


def identify_site(analysis: Analysis, spool: Spool) -> str:
    """Return the name under which the export's blog is recorded here, or will be."""
    exported = analysis.base_url[: max_length(ImportedItem, "site")]
    if ImportedItem.objects.filter(site=exported).exists() or Attachment.objects.filter(site=exported).exists():
        return exported
    same_url = (site for site in _recorded_sites() if _normalise(site) == _normalise(exported))
    return next(same_url, "") or _find_site_by_entries(analysis, spool) or exported


def _recorded_sites() -> list[str]:
    """Return all sites that were imported. This reads whole tables, and is needed only if a blog seems to be new."""
    of_items = ImportedItem.objects.order_by().values_list("site", flat=True).distinct()
    return sorted({*of_items, *Attachment.objects.order_by().values_list("site", flat=True).distinct()})


def _normalise(url: str) -> str:
    """Return what all spellings of a blog's URL have in common."""
    host = host_of(url).removeprefix("www.")
    return host + urlsplit(url.strip()).path.rstrip("/") if host else url


def _find_site_by_entries(analysis: Analysis, spool: Spool) -> str:
    """Return the site from which most of the export's first entries came, with the same IDs; empty if there is none."""
    if host_of(analysis.base_url) in settings.BROADSIDE_OWN_HOSTS:
        # An export of this very site: its files are those here, not those there.
        return ""
    entries = [keyed for keyed in spool.first_entries(_COMPARED) if keyed.item.id and not keyed.key.is_repeated]
    wordpress_ids = {
        identity.pk: keyed.item.id
        for identity, keyed in zip(identify(entries, analysis.base_url), entries, strict=True)
        if identity.known and identity.pk
    }
    columns = ("object_pk", "wordpress_id", "site")
    recorded = fetch_rows(ImportedItem, "object_pk", wordpress_ids, *columns, kind__in=[POSTS, PAGES])
    found = Counter(site for pk, wordpress_id, site in recorded if wordpress_ids[pk] == wordpress_id)
    site, most = found.most_common(1)[0] if found else ("", 0)
    return site if most * 2 > len(entries) else ""
