"""Reading WordPress exports (WXR 1.0 to 1.2) as a stream: memory holds one item at a time, whatever the file.

There is no schema of WXR; what is read here is what WordPress writes and what real exports hold.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _
from lxml import etree

from wordpress.mending import ExportRefused, MendedSource
from wordpress.originals import META_KEY, as_it_was, author_as_it_was, comment_as_it_was, old_addresses
from wordpress.records import CATEGORY, MAX_ID, TAG, Author, Comment, Item, Record, Term, TermRef
from wordpress.trashed import with_slug_of_its_own
from wordpress.wellformed import KNOWN_PREFIXES, UNDECLARED

__all__ = ["Export", "ExportRefused"]

# One item with all its comments. The largest real ones have a few megabytes.
_MAX_ITEM_BYTES: Final = 64 * 1024 * 1024

_CHANNEL_PARTS = {"wp:author", "wp:category", "wp:tag", "wp:term"}
# Addresses of namespaces differ by version, scheme and plug-in; this is what they have in common.
_NAMESPACES = (("/excerpt", "excerpt"), ("wordpress.org/export", "wp"), ("/content/", "content"), ("/dc/", "dc"))
# More faults than this are not odd places in an export but something else.
_MAX_FAULTS: Final = 1000
# More keys of meta fields than that are somebody's game.
_MAX_KEYS: Final = 1000
_NOT_DECLARED = re.compile(rf' xmlns:[\w.-]+="{UNDECLARED}"')
# Databases of WordPress begin with the year 1000; before it stands what is no date.
_DATE = re.compile(r"([1-9]\d{3})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_RSS_DATE = re.compile(r"\s*(?:[A-Za-z]+,\s*)?\d{1,2}\s+[A-Za-z]{3}\s+(?:19|20)\d\d\s", re.ASCII)


class Export:
    """One file. What it says of itself is known once `records` was read to its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = ""
        self.base_url = ""
        self.site_url = ""
        self.source: MendedSource | None = None
        self.other_meta: Counter[tuple[str, str]] = Counter()
        self._is_export = False
        self._names: dict[str, str] = {}
        self._prefixed: dict[tuple[str, str | None], str] = {}

    def records(self) -> Iterator[Record]:
        """All that is in the file, in its order. Raises ExportRefused, whose text names the file."""
        try:
            with self.path.open("rb") as file:
                self.source = MendedSource(file)
                yield from self._read(self.source)
        except OSError as error:
            raise ExportRefused(f"{self.path}: {error.strerror or error}.") from error
        except ExportRefused as refusal:
            raise ExportRefused(f"{self.path}: {refusal}") from refusal.__cause__

    def _read(self, source: MendedSource) -> Iterator[Record]:
        parser: Any = etree.XMLPullParser(
            events=("start",),
            tag=("rss", "channel"),
            # There is no document type, so there are no entities but XML's own; this way messages name the unknown one.
            resolve_entities="internal",  # type: ignore[arg-type]  # the stubs are older than this value
            no_network=True,
            load_dtd=False,
            # Bodies may be longer than 10 MB. What this opens otherwise, only a document type could use.
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
            encoding="utf-8",
        )
        channels: list[Any] = []
        item_began = 0
        try:
            for chunk in source.chunks():
                parser.feed(chunk)
                for _event, element in parser.read_events():
                    if element.tag == "channel":
                        channels.append(element)
                    elif element.getroottree().docinfo.internalDTD is not None:
                        raise ExportRefused(_("The file has a document type (DOCTYPE)."))
                records = list(self._taken(channels, may_be_open=True))
                if records:
                    item_began = source.bytes_read
                    yield from records
                if source.bytes_read - item_began > _MAX_ITEM_BYTES:
                    raise ExportRefused(_("An item is larger than %d MB.") % (_MAX_ITEM_BYTES // 2**20))
                # Some faults the parser only notes, and reads nothing from there on.
                if _broken_at(parser):
                    break
            parser.close()
        except etree.XMLSyntaxError as error:
            self._judge(parser, error, source)
        yield from self._taken(channels, may_be_open=False)
        if not channels:
            raise ExportRefused(_("This is not a WordPress export: it has no <channel>."))
        if not self._is_export:
            raise ExportRefused(
                _("This is a plain feed, not a WordPress export. Make one in WordPress under Tools, Export.")
            )

    def _judge(self, parser: Any, error: etree.XMLSyntaxError, source: MendedSource) -> None:
        """Raise what the parser found wrong. What it could read beyond doubt all the same is let pass."""
        if entry := _broken_at(parser):
            place = source.place(entry.line, entry.column)
            raise ExportRefused(_("%(place)s: the XML is broken: %(what)s.") % {"place": place, "what": entry.message})
        if not parser.feed_error_log:
            place = source.place(*error.position)
            raise ExportRefused(_("%(place)s: the XML is broken: %(what)s.") % {"place": place, "what": error.msg})

    def _taken(self, channels: list[Any], *, may_be_open: bool) -> Iterator[Record]:
        """What the parts of `channels` say; they are taken out. `may_be_open`: the last may still be read."""
        for channel in channels:
            parts = list(channel)
            for part in parts[:-1] if may_be_open and channel is channels[-1] else parts:
                record = self._record(part)
                channel.remove(part)
                if record is not None:
                    yield record

    def _record(self, element: Any) -> Record | None:
        """What `element`, a part of the channel, says."""
        name = self._name(element)
        record: Record | None = None
        if name == "item":
            record = self._item(element)
        elif name in _CHANNEL_PARTS:
            if name == "wp:author":
                values, meta = self._parts(element, "wp:authormeta")
                record = author_as_it_was(_author(values), meta)
            else:
                values, meta = self._parts(element, "wp:termmeta")
                self._count_meta("term", meta)
                record = _term(name, values, old_addresses(meta))
        elif name == "wp:wxr_version":
            self.version = _text(element).strip()
        elif name == "wp:base_blog_url" or (name == "link" and not self.base_url):
            self.base_url = _text(element).strip()
        elif name == "wp:base_site_url":
            self.site_url = _text(element).strip()
        self._is_export |= name.startswith("wp:")
        return record

    def _count_meta(self, whose: str, meta: list[tuple[str, str]]) -> None:
        for key, _value in meta:
            if (whose, key) in self.other_meta or len(self.other_meta) < _MAX_KEYS:
                self.other_meta[whose, key] += 1

    def _name(self, element: Any) -> str:
        """`wp:post_id`, `content:encoded`, `title`: the name with the usual prefix; nothing for foreign ones."""
        tag = element.tag
        # Only the few of other namespaces go by their prefix.
        name = self._names.get(tag)
        return self._name_by_prefix(tag, element) if name is None else name

    def _name_by_prefix(self, tag: str, element: Any) -> str:
        key = (tag, element.prefix)
        name = self._prefixed.get(key)
        if name is None:
            name = self._prefixed[key] = _usual_name(*key)
            if name and self.source and tag.startswith("{" + UNDECLARED):
                self.source.mended.add("prefixes", element.sourceline or 0)
            if name and name == _usual_name(tag, None):
                self._names[tag] = name
        return name

    def _item(self, element: Any) -> Item:
        values: dict[str, str] = {}
        terms: list[TermRef] = []
        comments: list[Comment] = []
        meta: list[tuple[str, str]] = []
        for child in element:
            name = self._name(child)
            if name == "category":
                ref = _term_ref(child)
                # Where a category was deleted, old versions of WordPress wrote an empty element.
                if ref.slug or ref.name.strip():
                    terms.append(ref)
            elif name == "wp:comment":
                said, fields = self._parts(child, "wp:commentmeta")
                self._count_meta("comment", fields)
                comments.append(comment_as_it_was(_comment(said), dict(fields).get(META_KEY, "")))
            elif name == "wp:postmeta":
                meta.append(self._field(child))
            elif name:
                self._is_export |= name.startswith("wp:")
                values.setdefault(name, _text(child))
        get = values.get
        date = _date(get("wp:post_date"))
        item = Item(
            id=_number(get("wp:post_id")),
            type=get("wp:post_type", "").strip() or "post",
            status=get("wp:status", "").strip(),
            title=get("title", ""),
            slug=get("wp:post_name", "").strip(),
            link=get("link", "").strip(),
            author=get("dc:creator", "").strip(),
            date=date,
            date_gmt=_date(get("wp:post_date_gmt")) or (None if date else _rss_date(get("pubDate"))),
            modified=_date(get("wp:post_modified")),
            modified_gmt=_date(get("wp:post_modified_gmt")),
            content=get("content:encoded", ""),
            excerpt=get("excerpt:encoded", ""),
            parent=_number(get("wp:post_parent")),
            menu_order=_whole(get("wp:menu_order")),
            sticky=get("wp:is_sticky", "").strip() == "1",
            password=get("wp:post_password", ""),
            comment_status=get("wp:comment_status", "").strip(),
            guid=get("guid", "").strip(),
            terms=tuple(terms),
            meta=tuple(meta),
            comments=tuple(comments),
            attachment_url=get("wp:attachment_url", "").strip(),
        )
        return with_slug_of_its_own(as_it_was(item))

    def _parts(self, element: Any, meta: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """What the children of `element` say by their names, and the meta fields among them, called `meta`."""
        values: dict[str, str] = {}
        fields: list[tuple[str, str]] = []
        for child in element:
            name = self._name(child)
            if name == meta:
                fields.append(self._field(child))
            else:
                values[name] = _text(child)
        return values, fields

    def _field(self, element: Any) -> tuple[str, str]:
        """A meta field: key and value."""
        parts = {self._name(part): _text(part) for part in element}
        return parts.get("wp:meta_key", ""), parts.get("wp:meta_value", "")


def _broken_at(parser: Any) -> Any:
    """The first fault that the parser could not go on after, if there is one."""
    log = parser.feed_error_log
    return next((entry for entry in log if entry.level_name == "FATAL"), log[-1] if len(log) > _MAX_FAULTS else None)


def _usual_name(tag: str, prefix: str | None) -> str:
    if tag.startswith("{"):
        address, _brace, local = tag[1:].rpartition("}")
        for part, usual in _NAMESPACES:
            if part in address:
                return f"{usual}:{local}"
        return f"{prefix}:{local}" if prefix in KNOWN_PREFIXES else ""
    # A prefix that was never declared is part of the name.
    undeclared, colon, _local = tag.partition(":")
    return tag if not colon or undeclared in KNOWN_PREFIXES else ""


def _text(element: Any) -> str:
    if not len(element):
        return element.text or ""
    # Markup that should have been escaped. This way of writing leaves out the namespaces of the whole document.
    parts = (_markup(child) + (child.tail or "") for child in element)
    return _NOT_DECLARED.sub("", "".join([element.text or "", *parts]))


def _markup(element: Any) -> str:
    try:
        return etree.tostring(element, method="c14n", exclusive=True).decode()
    except etree.C14NError:
        # A namespace whose address is none. Then they all stand there.
        return etree.tostring(element, encoding="unicode", with_tail=False)


def _number(text: str | None) -> int:
    """An id, or 0 if `text` is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 30 and int(text) < MAX_ID else 0


def _whole(text: str | None) -> int:
    """A number of moderate size that may be negative, or 0."""
    match = re.fullmatch(r"\s*(-?\d{1,9})\s*", text or "", re.ASCII)
    return int(match[1]) if match else 0


# Most things of an export say the same moment several times.
@lru_cache(maxsize=256)
def _date(text: str | None) -> dt.datetime | None:
    match = _DATE.match((text or "").strip())
    if match is None:
        return None
    try:
        return dt.datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001  # naive is what it is
    except ValueError:
        return None


def _rss_date(text: str | None) -> dt.datetime | None:
    """The moment in RSS's own words, which is all that some programs give that write exports."""
    if not _RSS_DATE.match(text or ""):
        # WordPress writes the year -0001 where there is none.
        return None
    try:
        found = parsedate_to_datetime((text or "").strip())
        return (found.astimezone(dt.UTC) if found.tzinfo else found).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _author(values: dict[str, str]) -> Author:
    first, last = (values.get(f"wp:author_{part}_name", "").strip() for part in ("first", "last"))
    return Author(
        id=_number(values.get("wp:author_id")),
        login=values.get("wp:author_login", "").strip(),
        email=values.get("wp:author_email", "").strip(),
        display_name=values.get("wp:author_display_name", "").strip() or f"{first} {last}".strip(),
        first_name=first,
        last_name=last,
    )


def _term(element: str, values: dict[str, str], addresses: tuple[str, ...]) -> Term:
    get = values.get
    more: Any = {"id": _number(get("wp:term_id")), "addresses": addresses}
    if element == "wp:category":
        return Term(
            CATEGORY,
            slug=get("wp:category_nicename", "").strip(),
            name=get("wp:cat_name", ""),
            parent=get("wp:category_parent", "").strip(),
            description=get("wp:category_description", ""),
            **more,
        )
    if element == "wp:tag":
        slug, name, description = (get(f"wp:tag_{part}", "") for part in ("slug", "name", "description"))
        return Term(TAG, slug.strip(), name, "", description, **more)
    return Term(
        taxonomy=_taxonomy(get("wp:term_taxonomy")),
        slug=get("wp:term_slug", "").strip(),
        name=get("wp:term_name", ""),
        parent=get("wp:term_parent", "").strip(),
        description=get("wp:term_description", ""),
        **more,
    )


def _taxonomy(name: str | None) -> str:
    """Exports before 1.1 call the tags' taxonomy `tag`, and that of categories nothing."""
    name = (name or "").strip()
    return {"": CATEGORY, "tag": TAG}.get(name, name)


def _term_ref(element: Any) -> TermRef:
    return TermRef(_taxonomy(element.get("domain")), (element.get("nicename") or "").strip(), _text(element))


def _comment(values: dict[str, str]) -> Comment:
    get = values.get
    return Comment(
        id=_number(get("wp:comment_id")),
        author=get("wp:comment_author", "").strip(),
        email=get("wp:comment_author_email", "").strip(),
        url=get("wp:comment_author_url", "").strip(),
        date=_date(get("wp:comment_date")),
        date_gmt=_date(get("wp:comment_date_gmt")),
        content=get("wp:comment_content", ""),
        approved=get("wp:comment_approved", "").strip(),
        type=get("wp:comment_type", "").strip() or "comment",
        parent=_number(get("wp:comment_parent")),
        user_id=_number(get("wp:comment_user_id")),
    )
