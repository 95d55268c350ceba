"""Reading WordPress exports (WXR 1.0 to 1.2) as a stream, with only one item in memory at a time.

WXR has no schema. The reader supports what WordPress writes and what real exports contain.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Container, Iterator
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _
from lxml import etree

from wordpress.wxr import extensions
from wordpress.wxr.markup_repair import KNOWN_PREFIXES, UNDECLARED
from wordpress.wxr.records import CATEGORY, MAX_ID, TAG, Author, Comment, Item, Record, Term, TermRef
from wordpress.wxr.repair import InvalidExportError, RepairedSource
from wordpress.wxr.trash_slugs import with_slug_before_trash
from wordpress.wxr.values import aware_datetime, plain_line, plain_lines

__all__ = ["Export", "InvalidExportError"]

# The limit for one item with all its comments. The largest real ones have a few megabytes.
_MAX_ITEM_BYTES: Final = 64 * 1024 * 1024
# A file with more errors is rejected.
_MAX_ERRORS: Final = 1000
# No real site has as many different meta keys.
_MAX_KEYS: Final = 1000
# For each kind of term: its taxonomy (empty: another element names it), and the elements with its slug, name, parent
# and description.
_TERM_ELEMENTS: Final = {
    "wp:category": (CATEGORY, ("category_nicename", "cat_name", "category_parent", "category_description")),
    "wp:tag": (TAG, ("tag_slug", "tag_name", "tag_parent", "tag_description")),
    "wp:term": ("", ("term_slug", "term_name", "term_parent", "term_description")),
}
# Namespace URIs differ by version, scheme and plugin; these parts are common to all.
_PREFIX_BY_URI_PART = (
    ("/excerpt", "excerpt"),
    ("wordpress.org/export", "wp"),
    ("/content/", "content"),
    ("/dc/", "dc"),
)
_PLACEHOLDER_DECLARATION = re.compile(rf' xmlns:[\w.-]+="{UNDECLARED}"')
# The databases that WordPress uses store no year before 1000; anything earlier is not a date.
_DATE = re.compile(r"([1-9]\d{3})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_RSS_DATE = re.compile(r"\s*(?:[A-Za-z]+,\s*)?\d{1,2}\s+[A-Za-z]{3}\s+(?:19|20)\d\d\s", re.ASCII)


class Export:
    """One export file. Its version, URLs and meta counts are complete once `records` has been read to the end."""

    def __init__(self, path: Path, markups: Container[str] = ()) -> None:
        """`markups`: the markups whose sources are read from our own exports instead of the HTML."""
        self.path = path
        self._markups = markups
        self.version = ""
        self.base_url = ""
        self.site_url = ""
        self.source: RepairedSource | None = None
        # Meta fields of comments and terms, by owner (`comment`, `term`) and key.
        self.other_meta: Counter[tuple[str, str]] = Counter()
        self._is_export = False
        self._names: dict[tuple[str, str | None], str] = {}

    def records(self) -> Iterator[Record]:
        """Yield all records in the order of the file. Raises InvalidExportError with a message that names the file."""
        try:
            with self.path.open("rb") as file:
                self.source = RepairedSource(file)
                yield from self._read(self.source)
        except OSError as error:
            raise InvalidExportError(f"{self.path}: {error.strerror or error}.") from error
        except InvalidExportError as error:
            raise InvalidExportError(f"{self.path}: {error}") from error.__cause__

    def _read(self, source: RepairedSource) -> Iterator[Record]:
        parser: Any = etree.XMLPullParser(
            events=("start",),
            tag=("rss", "channel"),
            # Without a document type, only XML's own entities exist. With this option, errors name unknown ones.
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
        item_start = 0
        try:
            for chunk in source.chunks():
                parser.feed(chunk)
                for _event, element in parser.read_events():
                    if element.tag == "channel":
                        channels.append(element)
                    elif element.getroottree().docinfo.internalDTD is not None:
                        raise InvalidExportError(_("The file has a document type (DOCTYPE)."))
                records = list(self._take_records(channels, may_be_open=True))
                if records:
                    item_start = source.bytes_read
                    yield from records
                if source.bytes_read - item_start > _MAX_ITEM_BYTES:
                    raise InvalidExportError(_("An item is larger than %d MB.") % (_MAX_ITEM_BYTES // 2**20))
                # The parser only logs some errors and stops reading there.
                if _first_fatal_error(parser):
                    break
            parser.close()
        except etree.XMLSyntaxError as error:
            _raise_if_fatal(parser, error, source)
        yield from self._take_records(channels, may_be_open=False)
        if not channels:
            raise InvalidExportError(_("This is not a WordPress export: it has no <channel>."))
        if not self._is_export:
            raise InvalidExportError(
                _("This is a plain feed, not a WordPress export. Create an export in WordPress under Tools → Export.")
            )

    def _take_records(self, channels: list[Any], *, may_be_open: bool) -> Iterator[Record]:
        """Yield the records in `channels` and remove their elements. `may_be_open`: the last may be incomplete."""
        for channel in channels:
            parts = list(channel)
            for part in parts[:-1] if may_be_open and channel is channels[-1] else parts:
                record = self._read_element(part)
                channel.remove(part)
                if record is not None:
                    yield record

    def _read_element(self, element: Any) -> Record | None:
        """Return the record in `element`, a child of the channel, or store what it says about the export."""
        name = self._name(element)
        record: Record | None = None
        if name == "item":
            record = self._item(element)
        elif name == "wp:author":
            values, meta = self._values_and_meta(element, "wp:authormeta")
            record = extensions.author_with_extension(_author(values), meta)
        elif name in _TERM_ELEMENTS:
            values, meta = self._values_and_meta(element, "wp:termmeta")
            self._count_meta("term", meta)
            record = _term(name, values, extensions.find_legacy_urls(meta))
        elif name == "wp:wxr_version":
            self.version = _text(element).strip()
        elif name == "wp:base_blog_url" or (name == "link" and not self.base_url):
            self.base_url = _text(element).strip()
        elif name == "wp:base_site_url":
            self.site_url = _text(element).strip()
        self._is_export |= name.startswith("wp:")
        return record

    def _count_meta(self, owner: str, meta: list[tuple[str, str]]) -> None:
        for key, _value in meta:
            if (owner, key) in self.other_meta or len(self.other_meta) < _MAX_KEYS:
                self.other_meta[owner, key] += 1

    def _name(self, element: Any) -> str:
        """Return the name of `element` with the usual prefix, such as `wp:post_id`. Empty for foreign namespaces."""
        key = (element.tag, element.prefix)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = _usual_name(*key)
            if name and self.source and element.tag.startswith("{" + UNDECLARED):
                self.source.repairs.add("prefixes", element.sourceline or 0)
        return name

    def _item(self, element: Any) -> Item:
        values: dict[str, str] = {}
        terms: list[TermRef] = []
        comments: list[Comment] = []
        meta: list[tuple[str, str]] = []
        for child in element:
            name = self._name(child)
            if name == "category":
                ref = _term_ref(child.get("domain"), child.get("nicename"), _text(child))
                # Old versions of WordPress wrote an empty element for a deleted category.
                if ref.slug or ref.name:
                    terms.append(ref)
            elif name == "wp:comment":
                comment_values, comment_meta = self._values_and_meta(child, "wp:commentmeta")
                self._count_meta("comment", comment_meta)
                comments.append(_comment(comment_values, comment_meta))
            elif name == "wp:postmeta":
                meta.append(self._meta_field(child))
            elif name:
                self._is_export |= name.startswith("wp:")
                values.setdefault(name, _text(child))
        get = values.get
        date, date_gmt = _date(get("wp:post_date")), _date(get("wp:post_date_gmt"))
        if not date and not date_gmt:
            date_gmt = _rss_date(get("pubDate"))
        item = Item(
            id=_id(get("wp:post_id")),
            type=get("wp:post_type", "").strip() or "post",
            status=get("wp:status", "").strip(),
            title=get("title", ""),
            slug=get("wp:post_name", "").strip(),
            link=get("link", "").strip(),
            author=get("dc:creator", "").strip(),
            date=date,
            date_gmt=date_gmt,
            published_at=aware_datetime(date, date_gmt),
            modified_at=aware_datetime(_date(get("wp:post_modified")), _date(get("wp:post_modified_gmt"))),
            content=get("content:encoded", ""),
            excerpt=get("excerpt:encoded", ""),
            parent=_id(get("wp:post_parent")),
            menu_order=_small_integer(get("wp:menu_order")),
            sticky=get("wp:is_sticky", "").strip() == "1",
            password=get("wp:post_password", ""),
            comment_status=get("wp:comment_status", "").strip(),
            guid=get("guid", "").strip(),
            terms=tuple(terms),
            meta=tuple(meta),
            comments=tuple(comments),
            attachment_url=get("wp:attachment_url", "").strip(),
            legacy_urls=extensions.find_legacy_urls(meta),
        )
        return with_slug_before_trash(extensions.with_extension(item, self._markups))

    def _values_and_meta(self, element: Any, meta_name: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """Return the texts of the children of `element` by name, and the meta fields, which are named `meta_name`."""
        values: dict[str, str] = {}
        fields: list[tuple[str, str]] = []
        for child in element:
            name = self._name(child)
            if name == meta_name:
                fields.append(self._meta_field(child))
            else:
                values[name] = _text(child)
        return values, fields

    def _meta_field(self, element: Any) -> tuple[str, str]:
        parts = {self._name(part): _text(part) for part in element}
        return parts.get("wp:meta_key", ""), parts.get("wp:meta_value", "")


def _first_fatal_error(parser: Any) -> Any:
    """Return the log entry of the first error that the parser could not recover from, if there is one."""
    log = parser.feed_error_log
    return next((entry for entry in log if entry.level_name == "FATAL"), log[-1] if len(log) > _MAX_ERRORS else None)


def _raise_if_fatal(parser: Any, error: etree.XMLSyntaxError, source: RepairedSource) -> None:
    """Raise InvalidExportError unless the parser could recover from all errors without losing anything."""
    fatal = _first_fatal_error(parser)
    if fatal or not parser.feed_error_log:
        place = source.place(fatal.line, fatal.column) if fatal else source.place(*error.position)
        message = fatal.message if fatal else error.msg
        raise InvalidExportError(_("%(place)s: the XML is broken: %(error)s.") % {"place": place, "error": message})


def _usual_name(tag: str, prefix: str | None) -> str:
    if tag.startswith("{"):
        uri, _brace, local = tag[1:].rpartition("}")
        for part, usual in _PREFIX_BY_URI_PART:
            if part in uri:
                return f"{usual}:{local}"
        return f"{prefix}:{local}" if prefix in KNOWN_PREFIXES else ""
    # An undeclared prefix is part of the name.
    undeclared, colon, _local = tag.partition(":")
    return tag if not colon or undeclared in KNOWN_PREFIXES else ""


def _text(element: Any) -> str:
    if not len(element):
        return element.text or ""
    # Markup that should have been escaped.
    parts = (_markup(child) + (child.tail or "") for child in element)
    return _PLACEHOLDER_DECLARATION.sub("", "".join([element.text or "", *parts]))


def _markup(element: Any) -> str:
    """Return `element` as markup without the namespaces of the whole document."""
    try:
        return etree.tostring(element, method="c14n", exclusive=True).decode()
    except etree.C14NError:
        # The URI of a namespace is invalid. Then all namespaces are included.
        return etree.tostring(element, encoding="unicode", with_tail=False)


def _id(text: str | None) -> int:
    """Return an ID, or 0 if `text` is not one."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 30 and int(text) < MAX_ID else 0


def _small_integer(text: str | None) -> int:
    """Return an integer of up to nine digits, or 0."""
    match = re.fullmatch(r"\s*(-?\d{1,9})\s*", text or "", re.ASCII)
    return int(match[1]) if match else 0


# Most records repeat the same date several times.
@lru_cache(maxsize=256)
def _date(text: str | None) -> dt.datetime | None:
    match = _DATE.match((text or "").strip())
    if match is None:
        return None
    try:
        return dt.datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001  # the export has naive dates
    except ValueError:
        return None


def _rss_date(text: str | None) -> dt.datetime | None:
    """Return the naive UTC datetime of an RSS date, the only date that some other programs export."""
    if not _RSS_DATE.match(text or ""):
        # WordPress writes the year -0001 if there is no date.
        return None
    try:
        value = parsedate_to_datetime((text or "").strip())
        return (value.astimezone(dt.UTC) if value.tzinfo else value).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _author(values: dict[str, str]) -> Author:
    first, last = (values.get(f"wp:author_{part}_name", "").strip() for part in ("first", "last"))
    return Author(
        id=_id(values.get("wp:author_id")),
        login=values.get("wp:author_login", "").strip(),
        email=values.get("wp:author_email", "").strip(),
        display_name=values.get("wp:author_display_name", "").strip() or f"{first} {last}".strip(),
        first_name=first,
        last_name=last,
    )


def _term(element: str, values: dict[str, str], legacy_urls: tuple[str, ...]) -> Term:
    taxonomy, names = _TERM_ELEMENTS[element]
    slug, name, parent, description = (values.get(f"wp:{name}", "") for name in names)
    return Term(
        taxonomy=taxonomy or _taxonomy(values.get("wp:term_taxonomy")),
        slug=slug.strip(),
        name=plain_line(name),
        parent=parent.strip(),
        description=plain_lines(description),
        id=_id(values.get("wp:term_id")),
        legacy_urls=legacy_urls,
    )


def _taxonomy(name: str | None) -> str:
    """Return the taxonomy. Before WXR 1.1, that of tags is called `tag` and that of categories is empty."""
    name = (name or "").strip()
    return {"": CATEGORY, "tag": TAG}.get(name, name)


# Most posts share their tags.
@lru_cache(maxsize=2**14)
def _term_ref(taxonomy: str | None, slug: str | None, name: str) -> TermRef:
    return TermRef(_taxonomy(taxonomy), (slug or "").strip(), plain_line(name))


def _comment(values: dict[str, str], meta: list[tuple[str, str]]) -> Comment:
    get = values.get
    names = ("author", "author_email", "author_url", "content")
    author, email, url, content = texts = [get(f"wp:comment_{name}", "") for name in names]
    date = _date(get("wp:comment_date"))
    comment = Comment(
        id=_id(get("wp:comment_id")),
        author=plain_line(author),
        email=plain_line(email),
        url=plain_line(url),
        written_at=aware_datetime(date, _date(get("wp:comment_date_gmt"))),
        content=content,
        approved=get("wp:comment_approved", "").strip(),
        type=get("wp:comment_type", "").strip() or "comment",
        parent=_id(get("wp:comment_parent")),
        user_id=_id(get("wp:comment_user_id")),
    )
    return extensions.comment_with_extension(comment, meta, *texts, str(date))
