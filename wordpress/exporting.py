"""Moving out: this site as a WordPress export (WXR 1.2), for WordPress and for our own importer.

Source: what WordPress writes (Tools, Export) and what its importer reads.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _

from accounts.models import User
from blog.enclosures import enclosed_with
from blog.models import Category, OldAddress, Page, Post, Status
from blog.rendering import MORE_PLACEHOLDER
from blog.site import SiteSettings, absolute_url
from comments.models import Comment
from comments.models import Status as CommentStatus
from library.models import Document, Picture
from tags.models import TaggedPost
from wordpress.enclosures import enclosure_fields
from wordpress.exporting_files import Files
from wordpress.exporting_fragments import Blocks
from wordpress.exporting_terms import people_and_terms
from wordpress.file_numbers import highest_number
from wordpress.former import OLD_SLUG_KEY
from wordpress.fragments import notes_field
from wordpress.lookups import highest_key
from wordpress.models import Attachment
from wordpress.originals import META_KEY, mark, packed, readable
from wordpress.origins import Origin
from wordpress.plain import moment, plain, plain_lines
from wordpress.records import CATEGORY, ENCLOSURE, FOOTNOTES, TAG, THUMBNAIL
from wordpress.sqlite import map_nothing
from wordpress.trashed import DESIRED_SLUG_KEY, as_wordpress_has_it
from wordpress.wxr import (
    HEAD,
    address_fields,
    as_html,
    cdata,
    elements,
    exact,
    item,
    local_time,
    meta_field,
    percent_encoded,
    text_of,
    utc_time,
)

# Rows that refer to each other stay until Python looks for such, so a few at a time.
_CHUNK: Final = 50
_COMMENT_STATUSES: Final = {
    CommentStatus.APPROVED: "1",
    CommentStatus.PENDING: "0",
    CommentStatus.SPAM: "spam",
    CommentStatus.TRASH: "trash",
}
_POST_PATH = re.compile(r"/[0-9]{4}/[0-9]{2}/[0-9]{2}/([^/]+)/")
_LOCAL_ADDRESS = re.compile(r"""((?:src|href|poster)=")(/(?!/))""")


def export_site(
    write: Callable[[str], object],
    *,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> int:
    """Give `write` the export of all that is here, piece by piece; returns the number of items.

    Memory holds some posts at a time, whatever their number. `note` is told, a line each, what is said in another way.
    """
    map_nothing()
    writer = _Writer(write, note or (lambda _line: None))
    total = sum(model._default_manager.count() for model in (Post, Page, Picture, Document))
    total += Attachment.objects.without_file().count()
    writer.head()
    done = 0
    for text in writer.items():
        write(text)
        done += 1
        if progress:
            progress(done, max(total, done))
    write("</channel>\n</rss>\n")
    return done


class _Writer:
    def __init__(self, write: Callable[[str], object], note: Callable[[str], None]) -> None:
        self._write = write
        self._note = note
        self._logins: dict[int, str] = dict(User.objects.values_list("pk", "username"))
        # WordPress numbers all items together, we posts and pages each by themselves.
        self._blocks = Blocks(self._next)
        numbers = (highest_key(Post), highest_key(Page), highest_number(), self._blocks.highest_number)
        self._free = max(numbers) + 1
        self._page_numbers: dict[int, int] = {}
        self._files = Files(self._logins, self._page_numbers, self._next)

    # The channel

    def head(self) -> None:
        site = SiteSettings.current()
        channel = {
            "title": site.title,
            "link": settings.SITE_URL,
            "description": site.tagline,
            "pubDate": http_date(timezone.now().timestamp()),
            "language": settings.LANGUAGE_CODE,
            "wp:wxr_version": "1.2",
            "wp:base_site_url": settings.SITE_URL,
            "wp:base_blog_url": settings.SITE_URL,
        }
        self._write(HEAD)
        for name, value in channel.items():
            self._write(f"\t<{name}>{escape(readable(value))}</{name}>\n")
        for element in people_and_terms(self._note):
            self._write(element)

    # Items

    def items(self) -> Iterator[str]:
        comments: Prefetch[Any] = Prefetch("comments", Comment.objects.order_by("pk"))
        tagged: Prefetch[Any] = Prefetch("tagged_posts", TaggedPost.objects.order_by("pk").select_related("tag"))
        old: Prefetch[Any] = Prefetch("old_addresses", OldAddress.objects.order_by("pk"))
        categories: Prefetch[Any] = Prefetch("categories", Category.objects.order_by("pk"))
        posts = Post.objects.order_by("pk").defer("lead_html", "extract")
        for post in posts.prefetch_related(comments, tagged, categories, old, "enclosures").iterator(_CHUNK):
            # It asks the database about those only that have recordings.
            post.enclosed = enclosed_with([post])[post.pk]
            yield self._entry(post)
        post_numbers = Post.objects.filter(pk__in=Page.objects.values("pk")).values_list("pk", flat=True)
        for pk in post_numbers.order_by("pk"):
            self._page_numbers[pk] = self._next()
        pages = Page.objects.order_by("pk").defer("lead_html", "extract")
        for page in pages.prefetch_related(comments, old).iterator(_CHUNK):
            yield self._entry(page)
        yield from self._blocks.items()
        yield from self._files.items()

    def _next(self) -> int:
        self._free += 1
        return self._free - 1

    def _entry(self, entry: Post | Page) -> str:
        is_page = isinstance(entry, Page)
        parent = entry.parent_id or 0 if isinstance(entry, Page) else 0
        numbers = {
            "id": entry.pk,
            "parent": parent,
            "post_id": self._page_numbers.get(entry.pk, entry.pk) if is_page else entry.pk,
            "post_parent": self._page_numbers.get(parent, parent),
        }
        local, utc = _dates(entry)
        origin = Origin(entry)
        is_original = entry.markup == "wordpress"
        content = self._blocks.renumbered(entry.source, origin) if is_original else _as_blocks(entry)
        title = as_html(entry.title)
        excerpt = as_html(entry.excerpt)
        in_trash = entry.status == Status.TRASH
        slug, desired = as_wordpress_has_it(entry.slug) if in_trash else (percent_encoded(entry.slug), "")
        original = self._original(entry, numbers, local, utc, content)
        if original:
            original = {"mark": mark(title, content, excerpt, slug), "date": str(local), **original}
        if readable(content) != content.replace("\r\n", "\n").replace("\r", "\n"):
            self._note(
                _("%(kind)s %(id)d “%(title)s”: control characters, which XML cannot hold, were left out of the text.")
                % {"kind": entry._meta.verbose_name, "id": entry.pk, "title": entry}
            )
        return item(
            title,
            absolute_url(entry.get_absolute_url()),
            self._logins.get(entry.author_id, ""),
            entry.guid,
            content,
            excerpt,
            {
                "post_id": numbers["post_id"],
                "post_date": text_of(local),
                "post_date_gmt": text_of(utc),
                "post_modified": text_of(local_time(entry.modified_at)),
                "post_modified_gmt": text_of(utc_time(entry.modified_at)),
                "comment_status": "open" if entry.comments_open else "closed",
                "ping_status": "closed",
                "post_name": slug,
                "status": _status(entry),
                "post_parent": numbers["post_parent"],
                "menu_order": entry.menu_order if isinstance(entry, Page) else 0,
                "post_type": "page" if is_page else "post",
                "post_password": "",
                "is_sticky": int(isinstance(entry, Post) and entry.sticky),
            },
            [
                *(_filed(entry) if isinstance(entry, Post) else []),
                *self._thumbnail(entry),
                *([meta_field("postmeta", META_KEY, packed(original))] if original else []),
                _old_addresses(entry),
                *(meta_field("postmeta", ENCLOSURE, field) for field in _enclosures(entry)),
                *([meta_field("postmeta", DESIRED_SLUG_KEY, desired)] if desired else []),
                *([meta_field("postmeta", FOOTNOTES, notes)] if (notes := notes_field(content, origin)) else []),
                *(_comment(comment) for comment in entry.comments.all()),
            ],
        )

    def _thumbnail(self, entry: Post | Page) -> Iterator[str]:
        if entry.featured_picture_id:
            yield meta_field("postmeta", THUMBNAIL, str(self._files.number(Picture, entry.featured_picture_id)))

    def _original(
        self, entry: Post | Page, numbers: dict[str, int], local: dt.datetime, utc: dt.datetime | None, content: str
    ) -> dict[str, Any]:
        """What a reader of the WXR would not get back as it is here."""
        values: dict[str, Any] = {}
        if numbers["id"] != numbers["post_id"] or numbers["parent"] != numbers["post_parent"]:
            values["numbers"] = numbers
        if entry.markup != "wordpress" or readable(content) != content:
            values |= {"markup": entry.markup, "source": content if entry.markup == "wordpress" else entry.source}
        if entry.language:
            values["language"] = entry.language
        if plain(readable(as_html(entry.title))) != entry.title:
            values["title"] = entry.title
        if plain_lines(readable(as_html(entry.excerpt))) != entry.excerpt:
            values["excerpt"] = entry.excerpt
        if isinstance(entry, Post) and entry.enclosed.in_text:
            values["enclosures"] = len(entry.enclosures.all())
        written_at = moment(local)
        undated = utc is None and entry.status in {Status.DRAFT, Status.PENDING, Status.TRASH}
        if entry.published_at != (None if undated else written_at):
            values["published_at"] = exact(entry.published_at)
        if entry.created_at != written_at:
            values["created_at"] = exact(entry.created_at)
        if entry.modified_at != moment(local_time(entry.modified_at).replace(microsecond=0)):
            values["modified_at"] = exact(entry.modified_at)
        return values


# What entries become


def _status(entry: Post | Page) -> str:
    if entry.status == Status.PUBLISHED:
        return "future" if entry.is_scheduled else "publish"
    return str(entry.status)


def _dates(entry: Post | Page) -> tuple[dt.datetime, dt.datetime | None]:
    """The date on the site's clock and in UTC. Of what has no moment the first is that of its making."""
    local = local_time(entry.published_at or entry.created_at).replace(microsecond=0)
    if entry.published_at is None:
        return local, None
    if isinstance(entry, Post) and entry.published_on:
        # The day of the address, although the clock of the site may have been another then.
        local = dt.datetime.combine(entry.published_on, local.time())
    return local, utc_time(entry.published_at).replace(microsecond=0)


def _as_blocks(entry: Post | Page) -> str:
    """What readers see, as one block of HTML: WordPress knows no Markdown and must make no paragraphs in it."""
    body = entry.body_html.replace(MORE_PLACEHOLDER, "<!--more-->")
    if not body:
        return ""
    body = _LOCAL_ADDRESS.sub(lambda match: f"{match[1]}{absolute_url(match[2])}", body)
    return f"<!-- wp:html -->\n{body}\n<!-- /wp:html -->"


def _filed(post: Post) -> Iterator[str]:
    for category in post.categories.all():
        yield _term_ref(CATEGORY, category.slug, category.name)
    for tagged in post.tagged_posts.all():
        yield _term_ref(TAG, tagged.tag.slug, tagged.tag.name)


def _old_addresses(entry: Post | Page) -> str:
    """Where it was before, in our words, and where WordPress has a word for it, in that too."""
    paths = [old.path for old in entry.old_addresses.all()]
    former = (slug[1] for path in paths if (slug := _POST_PATH.fullmatch(path)))
    slugs = dict.fromkeys(slug for slug in former if isinstance(entry, Post) and slug != entry.slug)
    fields = (meta_field("postmeta", OLD_SLUG_KEY, percent_encoded(slug)) for slug in slugs)
    return address_fields("postmeta", paths) + "".join(fields)


def _enclosures(entry: Post | Page) -> Iterator[str]:
    return enclosure_fields(entry) if isinstance(entry, Post) else iter(())


def _term_ref(taxonomy: str, slug: str, name: str) -> str:
    nicename = quoteattr(percent_encoded(slug))
    return f'\t\t<category domain="{taxonomy}" nicename={nicename}>{cdata(as_html(name))}</category>\n'


def _comment(comment: Comment) -> str:
    local = local_time(comment.created_at).replace(microsecond=0)
    name, email, website = (as_html(text) for text in (comment.name, comment.email, comment.website))
    content = comment.text if comment.is_html else as_html(comment.text)
    values = {
        "comment_id": comment.pk,
        "comment_author": name,
        "comment_author_email": email,
        "comment_author_url": website,
        "comment_author_IP": "",
        "comment_date": text_of(local),
        "comment_date_gmt": text_of(utc_time(comment.created_at)),
        "comment_content": content,
        "comment_approved": _COMMENT_STATUSES[CommentStatus(comment.status)],
        "comment_type": comment.kind,
        "comment_parent": comment.parent_id or 0,
        "comment_user_id": comment.user_id or 0,
    }
    original: dict[str, Any] = {}
    if not comment.is_html or readable(content) != content:
        original |= {"text": comment.text, "is_html": comment.is_html}
    if comment.created_at != moment(local):
        original["created_at"] = exact(comment.created_at)
    meta = ""
    if original:
        meta = meta_field(
            "commentmeta", META_KEY, packed({"mark": mark(name, email, website, content, str(local)), **original})
        )
    return f"\t\t<wp:comment>{elements(values)}{meta}</wp:comment>\n"
