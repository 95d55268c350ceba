"""Which blog an export is of, whatever address the blog has at the time.

What is remembered of a blog stands under its `site`: the address that it had when it was first brought in. Later the
address may be written in another way (`https://`, `www.`), and then it is the same blog. It may also be another one,
such as a domain in place of NAME.wordpress.com. What stays even then are its texts (wordpress.identity) and their
numbers. So an export is of a blog that is known if most of its first texts are here, each with the number that it had
there. FORMER_HOSTS is not asked: whoever brings in two blogs names the hosts of both.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from blog.models import Page, Post
from wordpress.hosts import host_of
from wordpress.identity import Identities
from wordpress.lookups import rows
from wordpress.models import Attachment, ImportedItem
from wordpress.records import Item
from wordpress.reports import PAGES, POSTS
from wordpress.survey import Survey, reason_to_skip

_MAX_LENGTH: Final = 500
# So many texts of an export are looked at: the oldest, as WordPress writes them by number.
_ENOUGH: Final = 500


def site_of(survey: Survey, items: Iterable[Item]) -> str:
    """What the blog of this export, which holds `items`, is remembered under here, or will be."""
    said = survey.base_url[:_MAX_LENGTH]
    if ImportedItem.objects.filter(site=said).exists() or Attachment.objects.filter(site=said).exists():
        return said
    alike = (site for site in _sites_here() if _without_writing(site) == _without_writing(said))
    return next(alike, "") or _site_with_texts(survey, items) or said


def _sites_here() -> list[str]:
    """All that are remembered. It reads the whole tables, and is asked only of a blog that seems to be new."""
    of_items = ImportedItem.objects.order_by().values_list("site", flat=True).distinct()
    return sorted({*of_items, *Attachment.objects.order_by().values_list("site", flat=True).distinct()})


def _without_writing(address: str) -> str:
    """What all ways to write the address of one blog have in common."""
    host = host_of(address).removeprefix("www.")
    return host + urlsplit(address.strip()).path.rstrip("/") if host else address


def _site_with_texts(survey: Survey, items: Iterable[Item]) -> str:
    """The site that most of the export's first texts came from under the same numbers; empty if there is none."""
    if host_of(survey.base_url) in settings.BROADSIDE_OWN_HOSTS:
        # An export of this very site: its files are those here, not those there.
        return ""
    texts = list(islice((item for item in items if item.id and not reason_to_skip(item)), _ENOUGH))
    found: Counter[str] = Counter()
    for kind, model in ((POSTS, Post), (PAGES, Page)):
        of_kind = [item for item in texts if item.type == kind]
        identities = Identities(model, survey.highest_item, survey.base_url).of(of_kind)
        here = {identity.pk: item.id for identity, item in zip(identities, of_kind, strict=True) if identity.known}
        remembered = rows(ImportedItem, "object_pk", here, "object_pk", "wordpress_id", "site", kind=kind)
        found.update(site for key, number, site in remembered if here[key] == number)
    site, most = found.most_common(1)[0] if found else ("", 0)
    return site if most * 2 > len(texts) else ""
