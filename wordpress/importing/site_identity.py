"""Identifying the blog that an export comes from, whatever its URL is at the time.

All records about a blog have its `site`: the URL that it had when it was first imported. Another spelling of this URL
(`https://`, `www.`) means the same blog. So does an entirely different URL, such as a domain in place of
NAME.wordpress.com, if most of the first entries of the export are here with the same IDs. FORMER_HOSTS is ignored,
because owners who import two blogs list the hosts of both.
"""

from collections import Counter
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet

from core.bulk import fetch_rows
from core.http import host_of
from wordpress.importing.analysis import Analysis
from wordpress.importing.limits import max_length
from wordpress.importing.matching import identify
from wordpress.importing.report import PAGES, POSTS
from wordpress.importing.spool import Spool
from wordpress.models import Attachment, ImportedItem

# How many posts and how many pages of an export are compared. They are the oldest, because WordPress sorts by ID.
_COMPARED: Final = 500


def identify_site(analysis: Analysis, spool: Spool) -> str:
    """Return the name under which the export's blog is recorded here, or will be."""
    exported = analysis.base_url[: max_length(ImportedItem, "site")]
    return find_site_by_url(exported) or _find_site_by_entries(analysis, spool) or exported


def find_site_by_url(url: str) -> str:
    """Return the name under which the blog with this URL, in any spelling, is recorded here; empty if it is not."""
    tables: tuple[QuerySet[Any], ...] = (ImportedItem.objects.order_by(), Attachment.objects.order_by())
    if any(table.filter(site=url).exists() for table in tables):
        return url
    # Reads whole tables, but only if the blog seems to be new.
    sites = sorted({site for table in tables for site in table.values_list("site", flat=True).distinct()})
    return next((site for site in sites if _normalise(site) == _normalise(url)), "")


def _normalise(url: str) -> str:
    """Return the part that all spellings of a blog's URL have in common."""
    host = host_of(url).removeprefix("www.")
    return host + urlsplit(url.strip()).path.rstrip("/") if host else url


def _find_site_by_entries(analysis: Analysis, spool: Spool) -> str:
    """Return the site that most of the export's first entries came from, with the same IDs; an empty string if none."""
    if host_of(analysis.base_url) == settings.SITE_HOST:
        # The export comes from this very site, so its entries and files are the ones here.
        return ""
    first = [*islice(spool.posts, _COMPARED), *spool.pages.outlines[:_COMPARED]]
    entries = [keyed for keyed in first if keyed.item.recorded_id and not keyed.is_repeated]
    wordpress_ids = {
        identity.pk: keyed.item.recorded_id
        for identity, keyed in zip(identify(entries, analysis.base_url), entries, strict=True)
        if identity.known and identity.pk
    }
    columns = ("object_pk", "wordpress_id", "site")
    recorded = fetch_rows(ImportedItem, "object_pk", wordpress_ids, *columns, kind__in=[POSTS, PAGES])
    found = Counter(site for pk, wordpress_id, site in recorded if wordpress_ids[pk] == wordpress_id)
    site, most = found.most_common(1)[0] if found else ("", 0)
    return site if most * 2 > len(entries) else ""
