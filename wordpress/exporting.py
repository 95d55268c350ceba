"""Moving out: this site as a WordPress export (WXR 1.2), for WordPress and for our own importer.

Source: what WordPress writes (Tools, Export) and what its importer reads.
"""

import datetime as dt
import html
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from blog.models import Category, Page, Post, Status
from blog.rendering import MORE_PLACEHOLDER
from blog.site import SiteSettings, absolute_url
from comments.models import Comment
from comments.models import Status as CommentStatus
from library.models import Document, Picture
from tags.models import Tag, TagAlias, TaggedPost
from wordpress.file_numbers import FileNumbers, highest_number, missing_with_parents, uploads_with_origins
from wordpress.lookups import highest_key
from wordpress.models import Attachment
from wordpress.originals import META_KEY, mark, packed, readable
from wordpress.plain import moment, plain, plain_lines
from wordpress.records import ALT, CATEGORY, TAG, THUMBNAIL
from wordpress.trees import parents_first

_CHUNK: Final = 200
_NO_DATE: Final = "0000-00-00 00:00:00"
_COMMENT_STATUSES: Final = {
    CommentStatus.APPROVED: "1",
    CommentStatus.PENDING: "0",
    CommentStatus.SPAM: "spam",
    CommentStatus.TRASH: "trash",
}
_LOCAL_ADDRESS = re.compile(r"""((?:src|href|poster)=")(/(?!/))""")
_HEAD: Final = """\
<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="Broadside" -->
<rss version="2.0"
\txmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
\txmlns:content="http://purl.org/rss/1.0/modules/content/"
\txmlns:wfw="http://wellformedweb.org/CommentAPI/"
\txmlns:dc="http://purl.org/dc/elements/1.1/"
\txmlns:wp="http://wordpress.org/export/1.2/">
<channel>
"""


def export_site(
    write: Callable[[str], object],
    *,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> int:
    """Give `write` the export of all that is here, piece by piece; returns the number of items.

    Memory holds some posts at a time, whatever their number. `note` is told, a line each, what is said in another way.
    """
    writer = _Writer(write, note or (lambda _line: None))
    total = sum(model._default_manager.count() for model in (Post, Page, Picture, Document))
    total += Attachment.objects.without_file().count()
    writer.head()
    done = 0
    for item in writer.items():
        write(item)
        done += 1
        if progress:
            progress(done, max(total, done))
    write("</channel>\n</rss>\n")
    return done


class _Writer:
    def __init__(self, write: Callable[[str], object], note: Callable[[str], None]) -> None:
        self._write = write
        self._note = note
        self._logins: dict[int, str] = {}
        # WordPress numbers all items together, we posts and pages each by themselves.
        self._free = max(highest_key(Post), highest_key(Page), highest_number()) + 1
        self._page_numbers: dict[int, int] = {}
        self._files = FileNumbers(self._next)

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
        self._write(_HEAD)
        for name, value in channel.items():
            self._write(f"\t<{name}>{escape(readable(value))}</{name}>\n")
        for people in User.objects.order_by("pk").iterator(_CHUNK):
            self._write(self._author(people))
        for category in _parents_first():
            self._write(_category(category))
        for tag in Tag.objects.order_by("pk").iterator(_CHUNK):
            self._write(_tag(tag.pk, tag.slug, tag.name, tag.description))
        self._aliases()

    def _author(self, user: User) -> str:
        self._logins[user.pk] = user.username
        values = {
            "author_id": user.pk,
            "author_login": user.username,
            "author_email": user.email,
            "author_display_name": html.escape(str(user), quote=False),
            "author_first_name": user.first_name,
            "author_last_name": user.last_name,
        }
        return f"\t<wp:author>{_elements(values)}</wp:author>\n"

    def _aliases(self) -> None:
        """Old addresses of tags: WXR has no word for them, and a second tag of the name would be a second tag."""
        number = TagAlias.objects.count()
        if number:
            text = ngettext(
                "%d old address of a tag is not in the export: the format has no word for it.",
                "%d old addresses of tags are not in the export: the format has no word for them.",
                number,
            )
            self._note(text % number)

    # Items

    def items(self) -> Iterator[str]:
        comments: Prefetch[Any] = Prefetch("comments", Comment.objects.order_by("pk"))
        tagged: Prefetch[Any] = Prefetch("tagged_posts", TaggedPost.objects.order_by("pk").select_related("tag"))
        categories: Prefetch[Any] = Prefetch("categories", Category.objects.order_by("pk"))
        posts = Post.objects.order_by("pk").defer("lead_html", "extract")
        for post in posts.prefetch_related(comments, tagged, categories).iterator(_CHUNK):
            yield self._entry(post)
        post_numbers = Post.objects.filter(pk__in=Page.objects.values("pk")).values_list("pk", flat=True)
        for pk in post_numbers.order_by("pk"):
            self._page_numbers[pk] = self._next()
        pages = Page.objects.order_by("pk").defer("lead_html", "extract")
        for page in pages.prefetch_related(comments).iterator(_CHUNK):
            yield self._entry(page)
        models: tuple[type[Picture | Document], ...] = (Picture, Document)
        for model in models:
            for upload, origin, parent in uploads_with_origins(model):
                yield self._upload(upload, origin, parent)
        for attachment, parent in missing_with_parents():
            yield self._attachment(attachment, self._files.of_missing(attachment), parent)

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
        content = entry.source if entry.markup == "wordpress" else _as_blocks(entry)
        title = html.escape(entry.title, quote=False)
        excerpt = html.escape(entry.excerpt, quote=False)
        slug = percent_encoded(entry.slug)
        original = self._original(entry, numbers, local, utc, content)
        if original:
            original = {"mark": mark(title, content, excerpt, slug), "date": str(local), **original}
        if readable(content) != content.replace("\r\n", "\n").replace("\r", "\n"):
            self._note(
                _("%(kind)s %(id)d “%(title)s”: control characters, which XML cannot hold, were left out of the text.")
                % {"kind": entry._meta.verbose_name, "id": entry.pk, "title": entry}
            )
        return _item(
            title,
            absolute_url(entry.get_absolute_url()),
            self._logins.get(entry.author_id, ""),
            entry.guid,
            content,
            excerpt,
            {
                "post_id": numbers["post_id"],
                "post_date": _text(local),
                "post_date_gmt": _text(utc),
                "post_modified": _text(_local(entry.modified_at)),
                "post_modified_gmt": _text(_utc(entry.modified_at)),
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
                *([_meta("postmeta", META_KEY, packed(original))] if original else []),
                *(_comment(comment) for comment in entry.comments.all()),
            ],
        )

    def _thumbnail(self, entry: Post | Page) -> Iterator[str]:
        if entry.featured_picture_id:
            yield _meta("postmeta", THUMBNAIL, str(self._files.of(Picture, entry.featured_picture_id)))

    def _original(
        self, entry: Post | Page, numbers: dict[str, int], local: dt.datetime, utc: dt.datetime | None, content: str
    ) -> dict[str, Any]:
        """What a reader of the WXR would not get back as it is here."""
        values: dict[str, Any] = {}
        if numbers["id"] != numbers["post_id"] or numbers["parent"] != numbers["post_parent"]:
            values["numbers"] = numbers
        if entry.markup != "wordpress" or readable(content) != content:
            values |= {"markup": entry.markup, "source": entry.source}
        if entry.language:
            values["language"] = entry.language
        if plain(html.escape(readable(entry.title), quote=False)) != entry.title:
            values["title"] = entry.title
        if plain_lines(html.escape(readable(entry.excerpt), quote=False)) != entry.excerpt:
            values["excerpt"] = entry.excerpt
        written_at = moment(local)
        undated = utc is None and entry.status in {Status.DRAFT, Status.PENDING, Status.TRASH}
        if entry.published_at != (None if undated else written_at):
            values["published_at"] = _exact(entry.published_at)
        if entry.created_at != written_at:
            values["created_at"] = _exact(entry.created_at)
        if entry.modified_at != moment(_local(entry.modified_at).replace(microsecond=0)):
            values["modified_at"] = _exact(entry.modified_at)
        return values

    def _upload(self, upload: Picture | Document, origin: Attachment | None, parent: Post | Page | None) -> str:
        """A picture or document, with what came with it if it was imported."""
        url = upload.file.url
        url = url if "://" in url else absolute_url(url)
        said = Attachment(
            url=url,
            guid=(origin.guid or origin.url) if origin else url,
            link=origin.link if origin else url,
            title=upload.title,
            caption=upload.caption if isinstance(upload, Picture) else origin.caption if origin else "",
            alt=upload.alt if isinstance(upload, Picture) else origin.alt if origin else "",
            description=origin.description if origin else "",
            menu_order=origin.menu_order if origin else 0,
            uploaded_by_id=upload.uploaded_by_id,
            uploaded_at=upload.uploaded_at,
        )
        return self._attachment(said, self._files.of(type(upload), upload.pk), parent, str(upload.file.name))

    def _attachment(self, said: Attachment, number: int, parent: Post | Page | None, file: str = "") -> str:
        key = parent.pk if parent else 0
        post_parent = self._page_numbers.get(key, key) if isinstance(parent, Page) else key
        local = _local(said.uploaded_at or timezone.now()).replace(microsecond=0)
        title, caption, description, alt = (
            html.escape(text, quote=False) for text in (said.title, said.caption, said.description, said.alt)
        )
        original: dict[str, Any] = {
            name: text
            for name, text, read in (
                ("title", said.title, plain(readable(title))),
                ("alt", said.alt, plain(readable(alt))),
                ("caption", said.caption, plain_lines(readable(caption))),
                ("description", said.description, plain_lines(readable(description))),
            )
            if text != read
        }
        if said.uploaded_at and said.uploaded_at != moment(local):
            original["uploaded_at"] = _exact(said.uploaded_at)
        if original:
            original = {"mark": mark(title, description, caption, ""), "date": str(local), **original}
        if key != post_parent:
            original["numbers"] = {"id": number, "post_id": number, "parent": key, "post_parent": post_parent}
        return _item(
            title,
            said.link,
            self._logins.get(said.uploaded_by_id or 0, ""),
            said.guid,
            description,
            caption,
            {
                "post_id": number,
                "post_date": _text(local if said.uploaded_at else None),
                "post_date_gmt": _text(_utc(said.uploaded_at).replace(microsecond=0) if said.uploaded_at else None),
                "comment_status": "closed",
                "ping_status": "closed",
                "post_name": "",
                "status": "inherit",
                "post_parent": post_parent,
                "menu_order": said.menu_order,
                "post_type": "attachment",
                "post_password": "",
                "is_sticky": 0,
                "attachment_url": said.url,
            },
            [
                *([_meta("postmeta", "_wp_attached_file", file)] if file else []),
                *([_meta("postmeta", ALT, alt)] if alt else []),
                *([_meta("postmeta", META_KEY, packed(original))] if original else []),
            ],
        )


# What entries become


def _status(entry: Post | Page) -> str:
    if entry.status == Status.PUBLISHED:
        return "future" if entry.is_scheduled else "publish"
    return str(entry.status)


def _dates(entry: Post | Page) -> tuple[dt.datetime, dt.datetime | None]:
    """The date on the site's clock and in UTC. Of what has no moment the first is that of its making."""
    local = _local(entry.published_at or entry.created_at).replace(microsecond=0)
    if entry.published_at is None:
        return local, None
    if isinstance(entry, Post) and entry.published_on:
        # The day of the address, although the clock of the site may have been another then.
        local = dt.datetime.combine(entry.published_on, local.time())
    return local, _utc(entry.published_at).replace(microsecond=0)


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


def _term_ref(taxonomy: str, slug: str, name: str) -> str:
    nicename = quoteattr(percent_encoded(slug))
    return (
        f'\t\t<category domain="{taxonomy}" nicename={nicename}>{_cdata(html.escape(name, quote=False))}</category>\n'
    )


def _comment(comment: Comment) -> str:
    local = _local(comment.created_at).replace(microsecond=0)
    name, email, website = (html.escape(text, quote=False) for text in (comment.name, comment.email, comment.website))
    content = comment.text if comment.is_html else html.escape(comment.text, quote=False)
    values = {
        "comment_id": comment.pk,
        "comment_author": name,
        "comment_author_email": email,
        "comment_author_url": website,
        "comment_author_IP": "",
        "comment_date": _text(local),
        "comment_date_gmt": _text(_utc(comment.created_at)),
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
        original["created_at"] = _exact(comment.created_at)
    meta = ""
    if original:
        meta = _meta(
            "commentmeta", META_KEY, packed({"mark": mark(name, email, website, content, str(local)), **original})
        )
    return f"\t\t<wp:comment>{_elements(values)}{meta}</wp:comment>\n"


# Terms


def _parents_first() -> Iterator[Category]:
    categories = {category.pk: category for category in Category.objects.order_by("pk").select_related("parent")}
    order, _circular = parents_first({pk: category.parent_id for pk, category in categories.items()})
    for pk in order:
        yield categories[pk]


def _category(category: Category) -> str:
    values = {
        "term_id": category.pk,
        "category_nicename": percent_encoded(category.slug),
        "category_parent": percent_encoded(category.parent.slug) if category.parent else "",
        "cat_name": html.escape(category.name, quote=False),
        "category_description": html.escape(category.description, quote=False),
    }
    return f"\t<wp:category>{_elements(values)}</wp:category>\n"


def _tag(pk: int, slug: str, name: str, description: str) -> str:
    values = {
        "term_id": pk,
        "tag_slug": percent_encoded(slug),
        "tag_name": html.escape(name, quote=False),
        "tag_description": html.escape(description, quote=False),
    }
    return f"\t<wp:tag>{_elements(values)}</wp:tag>\n"


# XML


def _item(
    title: str, link: str, creator: str, guid: str, content: str, excerpt: str, wp: dict[str, object], inside: list[str]
) -> str:
    return (
        f"\t<item>\n\t\t<title>{_cdata(title)}</title>\n\t\t<link>{escape(readable(link))}</link>\n"
        f"\t\t<dc:creator>{_cdata(creator)}</dc:creator>\n"
        f'\t\t<guid isPermaLink="false">{escape(readable(guid))}</guid>\n\t\t<description></description>\n'
        f"\t\t<content:encoded>{_cdata(content)}</content:encoded>\n"
        f"\t\t<excerpt:encoded>{_cdata(excerpt)}</excerpt:encoded>\n"
        f"\t\t{_elements(wp)}\n{''.join(inside)}\t</item>\n"
    )


def _elements(values: dict[str, Any]) -> str:
    return "".join(f"<wp:{name}>{_cdata(str(value))}</wp:{name}>" for name, value in values.items())


def _meta(kind: str, key: str, value: str) -> str:
    return f"\t\t<wp:{kind}>{_elements({'meta_key': key, 'meta_value': value})}</wp:{kind}>\n"


def _cdata(text: str) -> str:
    return "<![CDATA[" + readable(text).replace("]]>", "]]]]><![CDATA[>") + "]]>"


def percent_encoded(slug: str) -> str:
    """`slug` as WordPress stores it: percent-encoded in small letters."""
    return re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), quote(slug, safe="", errors="replace"))


# Moments


def _local(moment: dt.datetime) -> dt.datetime:
    # The export does not say which of two hours a clock shows twice: readers take the first.
    return timezone.make_naive(moment).replace(fold=0)


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _text(moment: dt.datetime | None) -> str:
    return moment.isoformat(" ", "seconds") if moment else _NO_DATE


def _exact(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment else None
