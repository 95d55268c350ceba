"""Export this site as a WordPress export (WXR 1.2), for WordPress and for our own importer.

Source: what WordPress writes (Tools → Export) and what its importer reads.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _

from accounts.models import User
from blog.enclosures import enclosures_by_post
from blog.models import Category, Entry, Page, Post, Redirect
from comments.models import Comment
from core.models import SiteSettings
from media.models import Document, Picture
from tags.models import TaggedPost
from wordpress.exporting.attachment_writer import attachment_items
from wordpress.exporting.block_writer import block_items
from wordpress.exporting.entry_writer import EntryWriter
from wordpress.exporting.ids import ExportIds
from wordpress.exporting.term_writer import author_and_term_elements
from wordpress.importing.database import disable_mmap
from wordpress.models import Attachment
from wordpress.wxr.elements import HEAD
from wordpress.wxr.extensions import clean_for_xml

# Related rows form reference cycles, which stay in memory until the garbage collector runs. So only a few at a time.
_CHUNK_SIZE: Final = 50


def export_wxr(
    write: Callable[[str], object],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda line: None,
) -> int:
    """Pass the export to `write` piece by piece, and return the number of items.

    Only a few posts are in memory at a time. `warn` takes a line about everything that the export does not contain.
    """
    disable_mmap()
    write(HEAD)
    for element in _channel_elements():
        write(element)
    warn(_("The export does not contain passwords, roles, the site settings or the moderation history."))
    for element in author_and_term_elements(warn):
        write(element)
    total = sum(model._default_manager.count() for model in (Entry, Picture, Document))
    total += Attachment.objects.without_file().count()
    done = 0
    for item in _items(warn):
        write(item)
        done += 1
        progress(done, max(total, done))
    write("</channel>\n</rss>\n")
    return done


def _channel_elements() -> Iterator[str]:
    site = SiteSettings.current()
    values = {
        "title": site.title,
        "link": settings.SITE_URL,
        "description": site.tagline,
        "pubDate": http_date(timezone.now().timestamp()),
        "language": settings.LANGUAGE_CODE,
        "wp:wxr_version": "1.2",
        "wp:base_site_url": settings.SITE_URL,
        "wp:base_blog_url": settings.SITE_URL,
    }
    for name, value in values.items():
        yield f"\t<{name}>{escape(clean_for_xml(value))}</{name}>\n"


def _items(warn: Callable[[str], None]) -> Iterator[str]:
    logins: dict[int, str] = dict(User.objects.values_list("pk", "username"))
    ids = ExportIds()
    writer = EntryWriter(logins, ids, warn)
    for entry in _entries():
        yield writer.item(entry)
    yield from block_items(ids)
    yield from attachment_items(logins, ids)


def _entries() -> Iterator[Entry]:
    comments: Prefetch[Any] = Prefetch("comments", Comment.objects.order_by("pk"))
    redirects: Prefetch[Any] = Prefetch("redirects", Redirect.objects.order_by("pk"))
    tagged: Prefetch[Any] = Prefetch("tagged_posts", TaggedPost.objects.order_by("pk").select_related("tag"))
    categories: Prefetch[Any] = Prefetch("categories", Category.objects.order_by("pk"))
    posts = Post.objects.prefetch_related(comments, tagged, categories, redirects, "enclosures")
    pages = Page.objects.prefetch_related(comments, redirects)
    for entries in (posts, pages):
        for entry in entries.order_by("pk").defer("lead_html", "auto_excerpt").iterator(_CHUNK_SIZE):
            if isinstance(entry, Post):
                # This takes a query only for posts with audio or video.
                entry.enclosed = enclosures_by_post([entry])[entry.pk]
            yield entry
