"""Export this site as WXR 1.2. Source: the files that WordPress writes (Tools → Export) and its importer reads."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Max, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import to_locale

from accounts.models import User
from blog.models import Category, Entry, Page, Post, Redirect, Status
from comments.models import Comment
from core.models import SiteSettings
from media.models import Document, Picture
from tags.models import Tag, TaggedPost
from wordpress.exporting.attachments import attachment_items
from wordpress.exporting.comments import with_comments
from wordpress.exporting.ids import ExportIds
from wordpress.exporting.items import block_items, entry_item, warn_about_control_characters
from wordpress.exporting.menus import Menu, menu_items, menu_terms, own_menus
from wordpress.exporting.preserved import Preserved, preserved_item_elements, preserved_term_elements
from wordpress.exporting.translations import translation_terms
from wordpress.importing.database import tune_for_bulk
from wordpress.importing.page_types import page_types_here
from wordpress.importing.preserved import preserved_items
from wordpress.models import Attachment
from wordpress.wxr import elements
from wordpress.wxr.access import restricts_term
from wordpress.wxr.elements import text_to_html
from wordpress.wxr.extensions import EXTENSION_KEY, FINAL_STATUSES, PAGE_TYPE_KEY, clean_for_xml, to_json
from wordpress.wxr.post_types import PAGE_TYPES
from wordpress.wxr.records import parents_first

_TERM_CHUNK_SIZE: Final = 200


def export_wxr(
    write: Callable[[str], object], *, progress: Callable[[int, int], None], warn: Callable[[str], None]
) -> int:
    """Pass the export to `write` piece by piece, and return its number of items.

    `warn` is called with one line for each loss of data.
    """
    tune_for_bulk(writes=False)
    warn(_("The export does not contain accounts' passwords, roles, the site settings or the moderation history."))
    write(elements.HEAD)
    site = SiteSettings.current()
    menus = own_menus(site)
    other_terms = chain(translation_terms(), preserved_term_elements(), menu_terms(menus))
    terms = chain(_category_elements(warn), _tag_elements(warn), other_terms)
    for element in chain(_channel_elements(site), _author_elements(warn), terms):
        write(element)
    write(elements.GENERATOR)
    total = sum(rows.count() for rows in (Entry.objects, Picture.objects.served(), Document.objects.served()))
    total += Attachment.objects.from_items().without_file().count()
    total += preserved_items().count()
    done = 0
    for done, item in enumerate(_items(warn, menus), start=1):
        for part in item:
            write(part)
        progress(done, max(total, done))
    write("</channel>\n</rss>\n")
    return done


def _channel_elements(site: SiteSettings) -> Iterator[str]:
    values = {
        "title": site.title,
        "link": settings.SITE_URL,
        "description": site.tagline,
        "pubDate": elements.format_rss_date(_last_change()),
        "language": to_locale(settings.LANGUAGE_CODE).replace("_", "-"),
        "wp:wxr_version": "1.2",
        "wp:base_site_url": settings.SITE_URL,
        "wp:base_blog_url": settings.SITE_URL,
    }
    for name, value in values.items():
        yield f"\t<{name}>{escape(clean_for_xml(value))}</{name}>\n"
    folders = (redirect.path for redirect in Redirect.objects.filter(path__endswith="/*") if redirect.folder)
    yield elements.meta_field("channelmeta", *FINAL_STATUSES)
    yield elements.legacy_url_fields("channelmeta", folders)
    for name in sorted(page_types_here() - PAGE_TYPES.keys()):
        yield elements.meta_field("channelmeta", PAGE_TYPE_KEY, name)


def _last_change() -> dt.datetime:
    """Return when a post or page was last changed, in UTC. With the current time, no two exports would be the same."""
    changed = Entry.objects.filter(modified_at__lte=timezone.now())
    latest: dt.datetime | None = changed.aggregate(latest=Max("modified_at"))["latest"]
    return elements.utc_time(latest or dt.datetime.fromtimestamp(0, dt.UTC))


def _author_elements(warn: Callable[[str], None]) -> Iterator[str]:
    for user in User.objects.order_by("pk").prefetch_related("redirects").iterator(_TERM_CHUNK_SIZE):
        warn_about_control_characters(warn, user, user.display_name, user.bio)
        values = {
            "wp:author_id": user.pk,
            "wp:author_login": user.username,
            "wp:author_email": user.email,
            "wp:author_display_name": text_to_html(str(user)),
            "wp:author_first_name": text_to_html(user.first_name),
            "wp:author_last_name": text_to_html(user.last_name),
        }
        # WordPress ignores this: its exports have no meta fields for authors.
        extension = {"display_name": text_to_html(user.display_name), "slug": user.slug, "bio": user.bio}
        meta = elements.meta_field("authormeta", EXTENSION_KEY, to_json(extension))
        old_urls = elements.legacy_url_fields("authormeta", (old.path for old in user.redirects.all()))
        yield f"\t<wp:author>{elements.in_order(values)}\n{meta}{old_urls}\t</wp:author>\n"


def _category_elements(warn: Callable[[str], None]) -> Iterator[str]:
    categories = (
        Category.objects.order_by("pk").select_related("parent").prefetch_related("redirects", "preserved").in_bulk()
    )
    order, _circular = parents_first({pk: category.parent_id for pk, category in categories.items()})
    for category in (categories[pk] for pk in order):
        preserved = Preserved(category)
        warn_about_control_characters(warn, category, category.name, category.description)
        values = {
            "wp:term_id": category.pk,
            "wp:category_nicename": elements.percent_encoded(category.slug),
            "wp:category_parent": elements.percent_encoded(category.parent.slug) if category.parent else "",
            "wp:cat_name": preserved.line("name", category.name),
            "wp:category_description": preserved.lines("description", category.description),
            **preserved.wp_elements(),
        }
        old_urls = elements.legacy_url_fields("termmeta", (old.path for old in category.redirects.all()))
        meta = _term_meta(preserved, partial(Post.objects.in_category, category))
        yield f"\t<wp:category>{elements.in_order(values)}{old_urls}{meta}</wp:category>\n"


def _tag_elements(warn: Callable[[str], None]) -> Iterator[str]:
    for tag in Tag.objects.order_by("pk").prefetch_related("aliases", "preserved").iterator(_TERM_CHUNK_SIZE):
        preserved = Preserved(tag)
        warn_about_control_characters(warn, tag, tag.name, tag.description)
        values = {
            "wp:term_id": tag.pk,
            "wp:tag_slug": elements.percent_encoded(tag.slug),
            "wp:tag_name": preserved.line("name", tag.name),
            "wp:tag_description": preserved.lines("description", tag.description),
            **preserved.wp_elements(),
        }
        old_urls = elements.legacy_url_fields("termmeta", (f"/tag/{alias.slug}/" for alias in tag.aliases.all()))
        meta = _term_meta(preserved, partial(Post.objects.filter, tagged_posts__tag=tag))
        yield f"\t<wp:tag>{elements.in_order(values)}{old_urls}{meta}</wp:tag>\n"


def _term_meta(preserved: Preserved, posts: Callable[[], QuerySet[Post]]) -> str:
    """Return the meta fields of a term. `posts` returns those that are filed under it.

    If every reader can see one of them here, values that restrict access are dropped.
    """
    open_to_all = [field for field in preserved.meta if not restricts_term(*field)]
    if len(open_to_all) < len(preserved.meta) and posts().filter(status=Status.PUBLISHED).exists():
        preserved.meta = open_to_all
    return "".join(preserved.meta_elements("termmeta"))


def _items(warn: Callable[[str], None], menus: Sequence[Menu]) -> Iterator[Iterable[str]]:
    """Yield each item in its parts."""
    logins: dict[int, str] = dict(User.objects.values_list("pk", "username"))
    ids = ExportIds()
    comments = Comment.objects.select_related("preserved")
    redirects: Prefetch[Any] = Prefetch("redirects", Redirect.objects.order_by("pk"))
    tagged: Prefetch[Any] = Prefetch("tagged_posts", TaggedPost.objects.order_by("pk").select_related("tag"))
    categories: Prefetch[Any] = Prefetch("categories", Category.objects.order_by("pk"))
    posts = Post.objects.prefetch_related(tagged, categories, redirects, "enclosures", "preserved")
    pages = Page.objects.prefetch_related(redirects, "preserved")
    for entries in (posts, pages):
        for entry, its_comments in with_comments(entries.defer("lead_html", "auto_excerpt"), comments, "pk"):
            yield entry_item(entry, its_comments, logins, ids, warn)
    yield from block_items(ids)
    yield from attachment_items(logins, ids)
    yield from preserved_item_elements(ids)
    yield from menu_items(menus, ids)
