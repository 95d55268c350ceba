"""Reading WordPress exports (WXR 1.0 to 1.2, without a schema) as a stream, with only one item in memory at a time."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from django.utils.translation import gettext as _
from lxml import etree

from core.file_errors import describe_file_error
from core.slugs import slug_before_trash, slug_from_export, slugify
from wordpress.wxr import dates, extensions, php_values, values
from wordpress.wxr.children import (
    AUTHOR_ELEMENTS,
    TERM_ELEMENTS,
    Children,
    author_of,
    comment_of,
    term_of,
    term_ref,
    text_of,
    usual_name,
)
from wordpress.wxr.markup_repair import UNDECLARED
from wordpress.wxr.other_files import PLAIN_FEED
from wordpress.wxr.post_types import PAGE_TYPES, can_be_pages, path_above, type_and_custom_type
from wordpress.wxr.reblogs import with_reblogged_post
from wordpress.wxr.records import (
    CO_AUTHOR_PREFIX,
    CO_AUTHORS,
    COMMENT_STATUSES_KEY,
    DESIRED_SLUG_KEY,
    LANGUAGE,
    Comment,
    Item,
    Meta,
    Record,
    TermRef,
)
from wordpress.wxr.repair import InvalidExportError, RepairedSource

# The limit for one item with all its comments. The largest real ones take a few megabytes.
_MAX_ITEM_BYTES: Final = 64 * 1024 * 1024
# The maximum number of categories and tags that are read from one item. No real item has as many.
MAX_TERMS: Final = 10_000
# In characters, of all that apply to one element. Whatever writes it as text goes through all of them.
_MAX_NAMESPACES: Final = 4 * 1024
# Files with more errors are rejected.
_MAX_ERRORS: Final = 1000
# No real site has as many distinct meta keys.
_MAX_KEYS: Final = 1000
# The status of comments that were trashed together with their post.
_TRASHED_WITH_POST: Final = "post-trashed"
_ENTRY_TYPES: Final = {"post", "page"}
# The elements of items with a field in `Item`.
_ITEM_ELEMENTS: Final = {
    *("title", "link", "pubDate", "dc:creator", "guid", "description", "content:encoded", "excerpt:encoded"),
    *("wp:post_id", "wp:post_date", "wp:post_date_gmt", "wp:post_modified", "wp:post_modified_gmt", "wp:post_name"),
    *("wp:comment_status", "wp:status", "wp:post_parent", "wp:menu_order", "wp:post_type", "wp:post_password"),
    *("wp:is_sticky", "wp:attachment_url"),
}
# A query without which a link leads to the same text: WPML can add the language, and Medium and others where readers
# come from.
_REDUNDANT_QUERY = re.compile(r"\?(?:(?:lang|source|utm_\w++)=[^&#]*+(?:&|$))++$")


class Export:
    """One export file. The attributes about the blog are complete once `records` has been read to the end."""

    def __init__(self, path: Path, markups: Container[str] = (), page_types: Iterable[str] = ()) -> None:
        """Set up reading.

        `markups` are the markups whose sources are read from our own exports instead of the HTML. `page_types` are
        custom types whose items are read as pages, in addition to those that always are and those that one of our own
        exports lists.
        """
        self.path = path
        self.source = RepairedSource()
        self.version = self.base_url = self.site_url = ""
        # The blog's title and tagline as plain text, and its language code. None of them is validated.
        self.title = self.tagline = self.language = ""
        # The folders that the blog was in, such as `/blog/*` (in our own exports only).
        self.legacy_urls: list[str] = []
        # The meta fields of comments and terms, counted by owner (`comment`, `term`) and key.
        self.other_meta: Counter[tuple[str, str]] = Counter()
        # How many terms beyond MAX_TERMS were left out, by title or ID of the item, for at most _MAX_KEYS items.
        self.surplus_terms: Counter[str] = Counter()
        self._markups = markups
        self._page_types = {*PAGE_TYPES, *page_types}
        self._has_final_statuses = False
        # How many terms were removed from the item being read, and those of its comments that have been read.
        self._removed_terms = 0
        self._comments: list[Comment] = []
        # The logins of authors, by everything that a plugin for several authors may name them by.
        self._logins: dict[str, str] = {}
        # The usual names of all elements read so far, by tag and prefix.
        self._names: dict[tuple[str, str | None], str] = {}

    def records(self) -> Iterator[Record]:
        """Yield all records in file order. Raises InvalidExportError with a message that includes the path."""
        try:
            with self.path.open("rb") as file:
                yield from self._read(file)
        except OSError as error:
            raise InvalidExportError(describe_file_error(error, self.path)) from error
        except InvalidExportError as error:
            raise InvalidExportError(f"{self.path}: {error}") from error.__cause__

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        parser: Any = etree.XMLPullParser(
            events=("start", "start-ns", "end-ns"),
            tag=("rss", "channel"),
            # Without a document type, only XML's own entities exist. With this option, errors name unknown entities.
            resolve_entities="internal",  # type: ignore[arg-type]  # the stubs don't know this value
            no_network=True,
            load_dtd=False,
            # Allows texts over 10 MB. The attacks that this makes possible need a document type, which is rejected.
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
            encoding="utf-8",
        )
        channels: list[Any] = []
        namespaces: list[int] = []
        item_start = 0
        try:
            for chunk in self.source.chunks(file):
                parser.feed(chunk)
                for event, value in parser.read_events():
                    if event == "start":
                        _note_start(value, channels)
                    else:
                        _note_namespace(value, namespaces)
                for record in self._take_records(channels, may_be_open=True):
                    item_start = self.source.bytes_read
                    yield record
                if self.source.bytes_read - item_start > _MAX_ITEM_BYTES:
                    raise InvalidExportError(_("An item is larger than %d MB.") % (_MAX_ITEM_BYTES // 2**20))
                # The parser only logs some errors, and then stops reading.
                if _first_fatal_error(parser):
                    break
            parser.close()
        except etree.XMLSyntaxError as error:
            _raise_if_fatal(parser, error, self.source)
        yield from self._take_records(channels, may_be_open=False)
        if not channels:
            raise InvalidExportError(_("This is not a WordPress export: it has no <channel>."))
        if not any(name.startswith("wp:") for name in self._names.values()):
            raise InvalidExportError(str(PLAIN_FEED))

    def _take_records(self, channels: list[Any], *, may_be_open: bool) -> Iterator[Record]:
        """Yield the records in `channels` and remove their elements.

        `may_be_open` means that the last element of the last channel may be incomplete.
        """
        for channel in channels:
            parts = list(channel)
            last = parts.pop() if may_be_open and channel is channels[-1] and parts else None
            for part in parts:
                record = self._read_element(part)
                # Removing an element that contains others takes quadratic time.
                part.clear()
                channel.remove(part)
                if record is not None:
                    yield record
            # Only now, as it is the next item to be read.
            if last is not None:
                # The last term of an incomplete item may be incomplete too.
                self._remove_surplus_terms(last, until=-1)
                if self._name(last) == "item":
                    self._take_comments(last)
        # The others are complete.
        for channel in channels[:-1]:
            channel.getparent().remove(channel)
        del channels[:-1]

    def _remove_surplus_terms(self, item: Any, *, until: int | None = None) -> None:
        """Remove terms beyond MAX_TERMS, up to the index `until`, from an item, as they might not fit into memory."""
        for term in list(item.iterchildren("category"))[MAX_TERMS:until]:
            item.remove(term)
            self._removed_terms += 1

    def _take_comments(self, item: Any) -> None:
        """Read the comments of an incomplete item, and remove their elements, which take four times as much memory."""
        post_type = next(item.iterchildren("{*}post_type"), None)
        if post_type is None or post_type.getnext() is None or self._name(post_type) != "wp:post_type":
            # How comments are read depends on the type, which usually comes before them.
            return
        is_whole = type_and_custom_type(text_of(post_type), self._page_types)[0] not in _ENTRY_TYPES
        for comment in list(item.iterchildren(post_type.tag.removesuffix("post_type") + "comment")):
            if comment.getnext() is not None:
                self._comments.append(self._comment(comment, is_whole=is_whole))
                comment.clear()
                item.remove(comment)

    def _read_element(self, element: Any) -> Record | None:
        """Return the record in `element`, a child of the channel. If it is about the whole export, store its value."""
        name = self._name(element)
        if name == "item":
            return self._item(element)
        if name in AUTHOR_ELEMENTS:
            fields = self._children(element)
            author = author_of(fields, self._meta(fields, "author"))
            names = (author.display_name, slugify(author.login), author.login)
            self._logins |= dict.fromkeys(names, author.login)
            return author
        if name in TERM_ELEMENTS:
            fields = self._children(element)
            return term_of(name, fields, self._meta(fields, "term"))
        if name == "wp:wxr_version":
            self.version = text_of(element).strip()
        elif name == "wp:base_blog_url" or (name == "link" and not self.base_url):
            self.base_url = text_of(element).strip()
        elif name == "wp:base_site_url":
            self.site_url = text_of(element).strip()
        elif name == "title":
            self.title = self.title or values.plain_line(text_of(element))
        elif name == "description":
            self.tagline = self.tagline or values.plain_line(text_of(element))
        elif name == "language":
            self.language = self.language or text_of(element).strip()
        elif name == "wp:channelmeta":
            field = self._meta_field(element)
            self.legacy_urls += extensions.find_legacy_urls((field,))
            self._page_types |= extensions.find_page_types((field,))
            self._has_final_statuses |= field == extensions.FINAL_STATUSES
        return None

    def _name(self, element: Any) -> str:
        """Return the name of `element` with the usual prefix, such as `wp:post_id`; empty for foreign namespaces."""
        tag, prefix = element.tag, element.prefix
        name = self._names.get((tag, prefix))
        if name is None:
            name = self._names[tag, prefix] = usual_name(tag, prefix)
            if name and tag.startswith("{" + UNDECLARED):
                self.source.repairs.add("prefixes", element.sourceline or 0)
        return name

    def _item(self, element: Any) -> Item:
        self._remove_surplus_terms(element)
        fields = self._children(element)
        refs = [
            term_ref(each.get("domain", ""), each.get("nicename", ""), text_of(each))
            for each in fields.elements("category")
        ]
        # WordPress 2.x wrote each term twice, first without its slug. Terms of other taxonomies may have the same name.
        with_slugs = {(ref.taxonomy, ref.name) for ref in refs if ref.slug}
        meta = self._meta(fields, "post")
        date, date_gmt = fields.date("wp:post_date"), fields.date("wp:post_date_gmt")
        if not date and not date_gmt:
            date_gmt = dates.parse_rss_date(fields.text("pubDate"))
            date = None if date_gmt else fields.date("pubDate")
        is_dated = date or date_gmt
        link, guid = _REDUNDANT_QUERY.sub("", fields.text("link").strip()), fields.text("guid").strip()
        item_type, custom_type = type_and_custom_type(fields.text("wp:post_type"), self._page_types)
        is_entry = item_type in _ENTRY_TYPES
        comments, self._comments = self._comments, []
        comments += (self._comment(each, is_whole=not is_entry) for each in fields.elements("wp:comment"))
        language = next((ref.slug for ref in refs if ref.taxonomy == LANGUAGE), "")
        item_id, recorded_id = fields.item_ids(link, guid)
        item = Item(
            id=item_id,
            recorded_id=recorded_id,
            type=item_type,
            # WordPress's database ignores case.
            status=fields.text("wp:status").strip().lower(),
            title=fields.text("title"),
            slug=fields.text("wp:post_name").strip(),
            link=link,
            author=self._author(fields.text("dc:creator").strip(), refs),
            date=date,
            date_gmt=date_gmt,
            unclear_date="" if is_dated else fields.unclear_date("wp:post_date", "wp:post_date_gmt", "pubDate"),
            published_at=fields.time("wp:post_date") or dates.aware_datetime(date, date_gmt),
            modified_at=fields.time("wp:post_modified"),
            content=fields.content(),
            excerpt=fields.text("excerpt:encoded"),
            parent=values.recorded_id(fields.text("wp:post_parent")),
            menu_order=values.parse_integer(fields.text("wp:menu_order")),
            sticky=fields.text("wp:is_sticky").strip() == "1",
            password=fields.text("wp:post_password").strip(),
            comment_status=fields.text("wp:comment_status").strip(),
            guid=guid,
            # Old versions of WordPress wrote an empty element for a deleted category.
            terms=tuple(ref for ref in refs if ref.slug or (ref.name and (ref.taxonomy, ref.name) not in with_slugs)),
            meta=meta,
            comments=tuple(comments),
            attachment_url=fields.text("wp:attachment_url").strip(),
            legacy_urls=extensions.find_legacy_urls(meta),
            elements=fields.texts(except_for=_ITEM_ELEMENTS if is_entry else ()),
            custom_type=custom_type,
            path_above=path_above(link, self.base_url, language) if can_be_pages(custom_type or item_type) else None,
            has_final_status=self._has_final_statuses,
        )
        if self._removed_terms and len(self.surplus_terms) < _MAX_KEYS:
            self.surplus_terms[values.plain_line(item.title)[:200] or str(item.id)] += self._removed_terms
        self._removed_terms = 0
        return _as_before_trash(with_reblogged_post(extensions.with_extension(item, self._markups)))

    def _author(self, creator: str, refs: Sequence[TermRef]) -> str:
        """Return the login of an item's author: who created it, unless a plugin says that only others wrote it."""
        logins = [self._logins.get(ref.name) or _co_author(ref.slug) for ref in refs if ref.taxonomy == CO_AUTHORS]
        logins = [self._logins.get(login, login) for login in logins if login]
        # WXR 1.0 has no list of authors.
        return logins[0] if logins and creator in self._logins and creator not in logins else creator

    def _comment(self, element: Any, *, is_whole: bool) -> Comment:
        """Return a comment, with the texts of all its elements if `is_whole`."""
        fields = self._children(element)
        return comment_of(fields, self._meta(fields, "comment"), is_whole=is_whole)

    def _children(self, element: Any) -> Children:
        children = Children()
        for child in element:
            children.setdefault(self._name(child), []).append(child)
        return children

    def _meta(self, children: Children, owner: str) -> Meta:
        """Return the meta fields among the children of an element. Those of comments and terms are counted."""
        meta = tuple(filter(any, map(self._meta_field, children.elements(f"wp:{owner}meta"))))
        for key, _value in meta if owner in {"comment", "term"} else ():
            if (owner, key) in self.other_meta or len(self.other_meta) < _MAX_KEYS:
                self.other_meta[owner, key] += 1
        return meta

    def _meta_field(self, element: Any) -> tuple[str, str]:
        field = self._children(element)
        return field.text("wp:meta_key").strip(), field.text("wp:meta_value")


def _co_author(slug: str) -> str:
    """Return the login in the slug of an author's term; empty if it may be a term of a taxonomy with the same name."""
    return slug.removeprefix(CO_AUTHOR_PREFIX) if slug.startswith(CO_AUTHOR_PREFIX) else ""


def _note_start(element: Any, channels: list[Any]) -> None:
    """Add a channel to `channels`, unless it is within another one, which can't be taken apart while it is read."""
    if element.tag != "channel":
        if element.getroottree().docinfo.internalDTD is not None:
            raise InvalidExportError(_("The file has a document type (DOCTYPE)."))
    elif element.getparent() is element.getroottree().getroot():
        channels.append(element)


def _note_namespace(declaration: tuple[str, str] | None, lengths: list[int]) -> None:
    """Add the length of a declaration to those of all that are in scope, or remove the last one if it is None."""
    if declaration is None:
        lengths.pop()
        return
    lengths.append((lengths[-1] if lengths else 0) + sum(map(len, declaration)))
    if lengths[-1] > _MAX_NAMESPACES:
        raise InvalidExportError(_("The file declares too many namespaces."))


def _first_fatal_error(parser: Any) -> Any:
    """Return the log entry of the first error that the parser could not recover from, if any."""
    log = parser.feed_error_log
    return next((entry for entry in log if entry.level_name == "FATAL"), log[-1] if len(log) > _MAX_ERRORS else None)


def _raise_if_fatal(parser: Any, error: etree.XMLSyntaxError, source: RepairedSource) -> None:
    """Raise InvalidExportError unless the parser could recover from all errors without losing anything."""
    fatal = _first_fatal_error(parser)
    if fatal or not parser.feed_error_log:
        line, column, message = (fatal.line, fatal.column, fatal.message) if fatal else (*error.position, error.msg)
        text = _("%(place)s: the XML is broken: %(error)s.") % {"place": source.place(line, column), "error": message}
        if not source.has_end:
            text += " " + _("The end of the export is missing, so download it again.")
        raise InvalidExportError(text)


def _as_before_trash(item: Item) -> Item:
    """Return `item` with the whole slug from before it was trashed, and with the statuses that its comments had then.

    While a post is in the trash, WordPress may truncate its slug to append `__trashed`. A restored draft that had no
    slug keeps the suffix. Published items keep their slug and thus their URL. Source:
    wp_add_trashed_suffix_to_post_name_for_post, wp_insert_post, wp_trash_post_comments and wp_untrash_post_comments.
    """
    if any(comment.approved == _TRASHED_WITH_POST for comment in item.comments):
        item = item._replace(comments=tuple(_comments_before_trash(item)))
    before = slug_before_trash(item.slug)
    if before == item.slug or item.status not in {"trash", "draft", "pending", "future"}:
        return item
    suffix = item.slug[len(before) :] if item.status == "trash" else ""
    before = item.field(DESIRED_SLUG_KEY).strip() or before
    fits = len(slug_from_export(before) + suffix) <= values.MAX_SLUG_LENGTH
    return item._replace(slug=before + suffix) if fits else item


def _comments_before_trash(item: Item) -> Iterator[Comment]:
    try:
        found = php_values.parse(item.field(COMMENT_STATUSES_KEY).strip())
    except ValueError:
        found = None
    statuses = found if isinstance(found, dict) else {}
    for comment in item.comments:
        is_known = comment.approved == _TRASHED_WITH_POST and comment.id in statuses
        yield comment._replace(approved=str(statuses[comment.id])) if is_known else comment
