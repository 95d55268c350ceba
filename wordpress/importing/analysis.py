"""The first pass over an export, which checks that it is complete and gathers what the import steps must know."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from blog.rendering import SourceTooLongError, check_source
from blog.rendering.markups import markups
from core.file_errors import describe_file_error
from core.http import host_of
from core.text import one_line
from wordpress.importing.entry_builder import markup_of
from wordpress.importing.report import ATTACHMENTS
from wordpress.importing.restrictions import Restrictions
from wordpress.importing.terms import MAX_TERMS, ExportedTerms
from wordpress.importing.time_zones import TimeSamples
from wordpress.importing.visibility import Visibility
from wordpress.wxr import records
from wordpress.wxr.post_types import FORM_TYPES, INTERNAL_TYPES, THEME_TYPES
from wordpress.wxr.reader import MAX_TERMS as MAX_TERMS_OF_ITEM
from wordpress.wxr.reader import Export
from wordpress.wxr.records import CATEGORY, LANGUAGE, TAG, TRANSLATIONS, Author, Item, Record, Term
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.translations import translation_group
from wordpress.wxr.values import ENTRY_FORMS, id_in_url, language_code, parse_id, parse_name, plain_line

Stage = Literal["reading", "importing", "files", "rendering", "undoing"]
# Called with a stage, how much of it is done, and its total: bytes, items, files, texts or stored rows.
type Progress = Callable[[Stage, int, int], None]

# No time zone is further from UTC. If an item's local and UTC dates differ by more, they were set at different times.
_MAX_OFFSET: Final = dt.timedelta(hours=15)
# The minimum share of times that must be those of this site's time zone.
_MIN_FIT: Final = 0.5

# How many custom types are counted (more than any site has), and how many characters of a path are shown.
_MAX_TYPES: Final = 100
_MAX_PATH: Final = 100
# The minimum share of GUIDs for a host to count as the blog's own, and how many hosts are counted.
_MIN_HOST_SHARE: Final = 0.1
_MAX_HOSTS: Final = 1000

_REPAIRS: Final = {
    "encoding": ngettext_lazy(
        "%d wrong declaration of the encoding was ignored where the text is UTF-8",
        "%d wrong declarations of the encoding were ignored where the text is UTF-8",
    ),
    "messages": ngettext_lazy(
        "%d line before the beginning of the export was skipped, an error message of the old site",
        "%d lines before the beginning of the export were skipped, error messages of the old site",
    ),
    "appended": ngettext_lazy(
        "%d line after the end of the export was skipped", "%d lines after the end of the export were skipped"
    ),
    "controls": ngettext_lazy(
        "%d invisible control character was removed", "%d invisible control characters were removed"
    ),
    "windows": ngettext_lazy(
        "%d character in another encoding (Windows-1252) was read",
        "%d characters in another encoding (Windows-1252) were read",
    ),
    "letters": ngettext_lazy(
        "%d broken character was replaced by “\ufffd”", "%d broken characters were replaced by “\ufffd”"
    ),
    "ampersands": ngettext_lazy(
        "%d unescaped “&” was read as an ampersand", "%d unescaped “&” were read as ampersands"
    ),
    "entities": ngettext_lazy(
        "%d HTML entity was read as the character that it stands for",
        "%d HTML entities were read as the characters that they stand for",
    ),
    "sections": ngettext_lazy("%d unescaped “]]>” was read as text", "%d unescaped “]]>” were read as text"),
    "prefixes": ngettext_lazy(
        "%d element with an undeclared namespace prefix was read by its name",
        "%d elements with undeclared namespace prefixes were read by their names",
    ),
}


def stage_texts() -> dict[Stage, str]:
    """Return the label of each stage."""
    return {
        "reading": _("Reading"),
        "importing": _("Importing"),
        "files": _("Media files"),
        "rendering": _("Rendering texts with media"),
        "undoing": _("Undoing the import"),
    }


@dataclass(slots=True)
class Analysis:
    """Facts about the whole export that the steps of an import need."""

    now: dt.datetime = field(default_factory=timezone.now)
    # The number of items of each type.
    items: Counter[str] = field(default_factory=Counter)
    # The custom types whose items become pages.
    page_types: set[str] = field(default_factory=set)
    # The custom types whose items could become pages: how many items readers could open, and the first one's path.
    other_types: dict[str, tuple[int, str]] = field(default_factory=dict)
    authors: dict[str, Author] = field(default_factory=dict)
    # The authors named by items, and the names of guests who had no account, by what items call them.
    creators: set[str] = field(default_factory=set)
    guest_names: dict[str, str] = field(default_factory=dict)
    terms: ExportedTerms = field(default_factory=ExportedTerms)
    restrictions: Restrictions = field(default_factory=Restrictions)
    # How often posts are filed under terms of other taxonomies.
    other_terms: Counter[str] = field(default_factory=Counter)
    # The IDs of the posts and pages in each group of translations.
    translations: dict[str, list[int]] = field(default_factory=dict)
    # The highest ID of an item, or in a link.
    highest_item_id: int = 0
    highest_comment_id: int = 0
    base_url: str = ""
    site_url: str = ""
    # The blog's title and tagline as plain text, and its language code; empty if the export does not give them.
    title: str = ""
    tagline: str = ""
    language: str = ""
    # The folders that the blog was in, such as `/blog/*`. Only our own exports list them.
    legacy_urls: list[str] = field(default_factory=list)
    # The hosts in the GUIDs of posts and pages. A GUID keeps the URL that the blog had when the entry was written.
    guid_hosts: Counter[str] = field(default_factory=Counter)
    # The paths of the years, months and days in which posts were published, such as `/2014/` and `/2014/03/`.
    dates: set[str] = field(default_factory=set)
    times: TimeSamples = field(default_factory=TimeSamples)
    # The meta fields of comments and terms, counted by the kind of their owner and their key.
    other_meta: Counter[tuple[str, str]] = field(default_factory=Counter)
    visibility: Visibility = field(default_factory=Visibility)
    # All except those about who will see what.
    warnings: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        """The hosts that the blog has or had, and the host of the network it is part of."""
        return {*self.own_hosts, host_of(self.site_url)} - {""}

    @property
    def own_hosts(self) -> set[str]:
        """The hosts that the blog itself has or had: the one in the export's base URL, and those of many GUIDs."""
        min_count = self.guid_hosts.total() * _MIN_HOST_SHARE
        former = {host for host, count in self.guid_hosts.items() if count >= min_count}
        return {host_of(self.base_url), *former} - {""}

    def add_term(self, term: Term) -> None:
        self.terms.define(term)
        self.restrictions.add_term(term)

    def add_restrictions(self, records: Iterable[Record]) -> None:
        """Add what restricts items among all records of an export. Items may come before what restricts them."""
        for record in records:
            if isinstance(record, Term):
                self.add_term(record)
            elif isinstance(record, Item):
                self.restrictions.rules.add(record)
        self.restrictions.complete(self.terms)

    def all_warnings(self) -> Iterator[str]:
        """Yield all warnings, the most important first. Until the import is done, some posts may not be counted."""
        yield from self.restrictions.rules.warnings()
        if warning := self.visibility.warning():
            yield warning
        yield from self.warnings

    def add_guest(self, item: Item) -> None:
        """Remember the name of a guest, if the item is one."""
        if item.type == records.GUEST_AUTHOR:
            self.guest_names[item.slug.removeprefix(records.CO_AUTHOR_PREFIX)] = plain_line(item.title)
        if item.type == records.MOLONGUI_GUEST:
            self.guest_names[f"guest-{item.id}"] = plain_line(item.title)

    def add_other_type(self, item: Item) -> None:
        """Count an item that readers could open and whose custom type is unknown here."""
        if item.type in self.other_types or len(self.other_types) < _MAX_TYPES:
            count, path = self.other_types.get(item.type, (0, one_line(unquote(urlsplit(item.link).path))[:_MAX_PATH]))
            self.other_types[item.type] = count + 1, path

    def add_guid(self, guid: str) -> None:
        host = host_of(guid)
        if host in self.guid_hosts or len(self.guid_hosts) < _MAX_HOSTS:
            self.guid_hosts[host] += 1


def analyse(
    paths: Collection[Path],
    progress: Progress,
    on_item: Callable[[Item], None] | None = None,
    page_types: Collection[str] = (),
) -> Analysis:
    """Read all files and call `on_item` with each item. Raises InvalidExportError for the first incomplete file.

    `page_types` are the custom types whose items become pages, in addition to those that always do.
    """
    analysis = Analysis()
    total = total_size(paths)
    done = 0
    for path in paths:
        export = Export(path, markups, page_types)
        for record in export.records():
            if isinstance(record, Author):
                analysis.authors.setdefault(record.login, record)
            elif isinstance(record, Term):
                analysis.add_term(record)
            else:
                # The steps do this again. An item that comes before its restricted term is only not counted as hidden.
                item = analysis.restrictions.apply_terms(record)
                _add_item(analysis, item, host_of(export.base_url))
                if on_item:
                    on_item(item)
            progress("reading", done + export.source.bytes_read, total)
        analysis.base_url = analysis.base_url or export.base_url
        analysis.site_url = analysis.site_url or export.site_url
        analysis.title = analysis.title or export.title
        analysis.tagline = analysis.tagline or export.tagline
        analysis.language = analysis.language or export.language
        analysis.legacy_urls += export.legacy_urls
        analysis.other_meta.update(export.other_meta)
        done += export.source.bytes_read
        analysis.warnings += _file_warnings(export)
        analysis.warnings += _surplus_terms_warnings(export)
    analysis.restrictions.complete(analysis.terms)
    if analysis.terms.is_truncated:
        text = _(
            "The export has more than %d categories, tags and other groupings. Those that came later were left out."
        )
        analysis.warnings.append(text % MAX_TERMS)
    if analysis.times.counts and analysis.times.fit(timezone.get_default_timezone()) < _MIN_FIT:
        analysis.warnings.append(_time_zone_warning(analysis.times))
    return analysis


def authors_in(analysis: Analysis) -> dict[str, Author]:
    """Return all authors of an export by login, or for WXR 1.0 by the name in its items."""
    authors = dict(analysis.authors)
    display_names = {author.display_name for author in authors.values()}
    for creator in sorted(analysis.creators):
        # WXR 1.0 has no list of authors, and its items contain their display names.
        if creator not in authors and creator not in display_names:
            name, email = parse_name(creator)
            name = analysis.guest_names.get(creator) or name
            authors[creator] = Author(0, creator, email, name or _("Unknown author"))
    return authors


def reason_to_skip(item: Item) -> str:
    """Return why `item` cannot be imported; an empty string if it can."""
    if item.type not in {"post", "page"}:
        return _reason_to_skip_type(item.type, item.status)
    if item.status in {"inherit", "auto-draft"}:
        return _("It is a revision or an automatic draft.")
    try:
        check_source(item.content, markup_of(item))
    except SourceTooLongError as error:
        return str(error)
    return ""


def is_preserved(item: Item) -> bool:
    """Return whether an item that cannot be imported is preserved for exports (wordpress.importing.preserved)."""
    return item.type not in {"post", "page"} | FORM_TYPES


def _reason_to_skip_type(post_type: str, status: str) -> str:
    if post_type == records.MENU_ITEM or (post_type == records.NAVIGATION and status == "publish"):
        return _(
            "It is kept and exported again, and its menu can be used under Appearance. The notes say what became of "
            "each menu."
        )
    if post_type in THEME_TYPES:
        return _("It belongs to the theme, not to the content. It is kept and exported again.")
    if post_type in INTERNAL_TYPES:
        return _("WordPress used it internally; readers never saw it. It is kept and exported again.")
    if post_type in FORM_TYPES:
        return _("A reader sent it through a form in confidence, so it is not kept. Keep the export if you need it.")
    if post_type in {records.REDIRECT_RULE, records.LEGACY_REDIRECT}:
        return _("It is kept and exported again. Where it leads is in the list of redirects, or in the notes.")
    if post_type in {records.REUSABLE_BLOCK, records.TABLE}:
        return _("It is part of other posts, not a post of its own.")
    return _("It belongs to a plugin, and there is nothing like it here. It is kept and exported again.")


def total_size(paths: Collection[Path]) -> int:
    """Return the size of the files in bytes. Raises InvalidExportError if one of them cannot be read."""
    try:
        return sum(path.stat().st_size for path in paths)
    except OSError as error:
        raise InvalidExportError(describe_file_error(error)) from error


def _file_warnings(export: Export) -> Iterator[str]:
    if export.version not in {"1.0", "1.1", "1.2"}:
        text = _("The export does not give the version of its format. Versions 1.0 to 1.2 are supported.")
        if export.version:
            text = _("The export has version %s of the format. Versions 1.0 to 1.2 are supported.") % export.version
        yield f"{export.path}: {text}"
    for kind, repaired in _REPAIRS.items():
        if count := export.source.repairs.counts[kind]:
            lines = ", ".join(map(str, export.source.repairs.lines[kind]))
            yield f"{export.path}: {repaired % count} {_('(first in line %s).') % lines}"


def _surplus_terms_warnings(export: Export) -> Iterator[str]:
    for title, count in export.surplus_terms.items():
        text = ngettext(
            "“%(title)s” has more than %(limit)d categories and tags. %(count)d of them was left out.",
            "“%(title)s” has more than %(limit)d categories and tags. %(count)d of them were left out.",
            count,
        )
        yield text % {"title": title, "limit": MAX_TERMS_OF_ITEM, "count": count}


def _time_zone_warning(times: TimeSamples) -> str:
    return _(
        "The old site's time was %(offsets)s, and this site's time zone is %(zone)s. Dates and times stay as they are "
        "in the export, so URLs do not change, but feeds and new posts use %(zone)s. To keep the old site's time, set "
        "TIME_ZONE to its time zone before you import."
    ) % {"offsets": ", ".join(times.offsets).replace("-", "−"), "zone": timezone.get_default_timezone_name()}


def _add_item(analysis: Analysis, item: Item, host: str) -> None:
    analysis.items[item.type] += 1
    analysis.highest_item_id = max(analysis.highest_item_id, item.id, _highest_linked_id(item, host))
    analysis.highest_comment_id = max(analysis.highest_comment_id, *(comment.id for comment in item.comments), 0)
    reason = reason_to_skip(item)
    analysis.visibility.add(item, reason, analysis.now)
    analysis.restrictions.rules.add(item)
    analysis.add_guest(item)
    if not reason or (item.type == ATTACHMENTS and item.author):
        analysis.creators.add(item.author)
    if item.custom_type and item.type == "page":
        analysis.page_types.add(item.custom_type)
    if reason:
        if item.path_above and item.status == "publish":
            analysis.add_other_type(item)
        return
    analysis.add_guid(item.guid)
    if group := translation_group(item):
        analysis.translations.setdefault(group, []).append(item.recorded_id)
    if item.type == "post" and item.status == "publish" and item.date:
        day = f"/{item.date:%Y/%m/%d}/"
        analysis.dates |= {day[:6], day[:9], day}
    for ref in item.terms if item.type == "post" else ():
        if ref.taxonomy in {CATEGORY, TAG}:
            analysis.terms.name(ref)
        elif ref.taxonomy != TRANSLATIONS and not (ref.taxonomy == LANGUAGE and language_code(ref.slug)):
            # Terms of the other two taxonomies become links to translations and the language of the entry.
            analysis.other_terms[ref.taxonomy] += 1
    if item.date and item.date_gmt and item.status == "publish" and abs(item.date - item.date_gmt) <= _MAX_OFFSET:
        analysis.times.add(item.date, item.date - item.date_gmt)


def _highest_linked_id(item: Item, host: str) -> int:
    """Return the highest ID in the URLs of `item`, and in its links to a blog at `host`; 0 if there is none.

    An ID that occurs in a link must not be given to anything else.
    """
    # Few texts have such links, and this check is faster than the pattern.
    may_have_links = any(f"{name}=" in item.content for name in ENTRY_FORMS)
    in_text = map(parse_id, _links(host).findall(item.content) if may_have_links else ())
    return max(id_in_url(item.link), id_in_url(item.guid), *in_text)


@cache
def _links(host: str) -> re.Pattern[str]:
    """Return the pattern of links with an ID, either on `host` or without a host."""
    start = rf"(?://(?:www\.)?{re.escape(host.removeprefix('www.'))}|[\"'])" if host else "[\"']"
    return re.compile(
        rf"""{start}(?:/[^\s"'<>?]{{0,200}})?\?(?:[^\s"'<>]{{0,200}}[&;])?(?:{"|".join(ENTRY_FORMS)})=([0-9]{{1,19}})(?![0-9])""",
        re.IGNORECASE,
    )
