"""Reading an export: is it whole, and what is in it that must be known before anything is written?"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.rendering import MAX_SOURCE_LENGTH, SourceTooLong, shortened
from wordpress.plain import language_code, plain, slug_key
from wordpress.posttypes import reason_against
from wordpress.reader import Export, ExportRefused
from wordpress.records import CATEGORY, LANGUAGE, TAG, Author, Item, Record, Term, TermRef
from wordpress.wellformed import Mended

Stage = Literal["reading", "importing", "files", "rendering"]
# Told how far a stage is: bytes read, items brought in, files looked for, texts rendered again.
type Progress = Callable[[Stage, int, int], None]


def stage_texts() -> dict[Stage, str]:
    """What people read of each."""
    return {
        "reading": _("Reading"),
        "importing": _("Importing"),
        "files": _("Pictures and documents"),
        "rendering": _("Rendering texts with pictures"),
    }


_VERSIONS = {"1.0", "1.1", "1.2"}
# No clock on earth is further from UTC: two dates that are belong to different moments.
_FURTHEST_CLOCK = dt.timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class PageStub:
    """What must be known of every page before the first is written: its children may come before it."""

    id: int
    guid: str
    slug: str
    title: str
    parent: int
    date: dt.datetime | None
    date_gmt: dt.datetime | None
    public: bool


@dataclass(slots=True)
class Survey:
    paths: list[Path]
    items: Counter[str] = field(default_factory=Counter)
    authors: dict[str, Author] = field(default_factory=dict)
    # Who is named as an author of items.
    creators: set[str] = field(default_factory=set)
    # By taxonomy and slug; what the head of an export tells of a term counts before what items call it.
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    # Terms that have no slug, by taxonomy and plain name.
    names: dict[tuple[str, str], Term] = field(default_factory=dict)
    # How often posts are filed under terms of other kinds.
    other_terms: Counter[str] = field(default_factory=Counter)
    pages: list[PageStub] = field(default_factory=list)
    highest_item: int = 0
    highest_comment: int = 0
    base_url: str = ""
    site_url: str = ""
    # What the blog is remembered under here (wordpress.blogs).
    site: str = ""
    # How far the blog's clock was from UTC, and how often it was not what the site's clock says.
    offsets: Counter[dt.timedelta] = field(default_factory=Counter)
    other_clock: int = 0
    # Meta fields of comments and terms, by whose they are and their key.
    other_meta: Counter[tuple[str, str]] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    @property
    def total_items(self) -> int:
        return self.items.total()


def take_survey(
    paths: Iterable[Path], progress: Progress | None = None, keep: Callable[[Item], None] | None = None
) -> Survey:
    """Read all of `paths`; `keep` gets each item. Raises ExportRefused for the first that is not a whole export."""
    survey = Survey(list(paths))
    for record in _records(survey, progress):
        if isinstance(record, Item):
            _add_item(survey, record)
            if keep:
                keep(record)
        elif isinstance(record, Author):
            survey.authors.setdefault(record.login, record)
        elif record.slug:
            _add_told(survey, record)
        else:
            survey.names.setdefault((record.taxonomy, plain(record.name)), record)
    if survey.other_clock * 2 > survey.offsets.total():
        survey.warnings.append(_clock_warning(survey))
    return survey


def reason_to_skip(item: Item) -> str:
    """Why `item` cannot be brought in; nothing if it can."""
    if item.type not in {"post", "page"}:
        return reason_against(item.type)
    if item.status in {"inherit", "auto-draft"}:
        return _("It is a revision or an automatic draft, not a text of its own.")
    if (length := len(shortened(item.content))) > MAX_SOURCE_LENGTH:
        return str(SourceTooLong(length))
    return ""


def _records(survey: Survey, progress: Progress | None) -> Iterator[Record]:
    total = size_of(survey.paths)
    done = 0
    for path in survey.paths:
        export = Export(path)
        for record in export.records():
            yield record
            if progress and export.source:
                progress("reading", done + export.source.bytes_read, total)
        done += export.source.bytes_read if export.source else 0
        survey.base_url = survey.base_url or export.base_url
        survey.other_meta.update(export.other_meta)
        survey.site_url = survey.site_url or export.site_url
        survey.warnings += _file_warnings(export)


def size_of(paths: Iterable[Path]) -> int:
    """Bytes. Raises ExportRefused, whose text names the file that cannot be read."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError as error:
            raise ExportRefused(f"{path}: {error.strerror or error}.") from error
    return total


def _file_warnings(export: Export) -> Iterator[str]:
    if export.version not in _VERSIONS:
        text = _("It does not say which version of the format it has; known are 1.0 to 1.2.")
        if export.version:
            text = _("It has version %s of the format; known are 1.0 to 1.2.") % export.version
        yield f"{export.path}: {text}"
    if export.source:
        yield from (f"{export.path}: {text}" for text in _mended_texts(export.source.mended))


def _mended_texts(mended: Mended) -> Iterator[str]:
    counts = mended.counts
    texts = {
        "messages": ngettext(
            "%d line before its beginning was left out: a message of the old site about a fault there",
            "%d lines before its beginning were left out: messages of the old site about faults there",
            counts["messages"],
        ),
        "controls": ngettext(
            "%d control character was left out: no reader could see it",
            "%d control characters were left out: no reader could see them",
            counts["controls"],
        ),
        "letters": ngettext(
            "%d broken letter was replaced by “\ufffd”",
            "%d broken letters were replaced by “\ufffd”",
            counts["letters"],
        ),
        "ampersands": ngettext(
            "%d bare “&” was read as the sign itself",
            "%d bare “&” were read as the sign itself",
            counts["ampersands"],
        ),
        "entities": ngettext(
            "%d entity of HTML was read as the letter it stands for",
            "%d entities of HTML were read as the letters they stand for",
            counts["entities"],
        ),
        "prefixes": ngettext(
            "%d element with a prefix that was never declared was read by its name",
            "%d elements with prefixes that were never declared were read by their names",
            counts["prefixes"],
        ),
    }
    for kind, text in texts.items():
        if number := counts[kind]:
            lines = ", ".join(map(str, mended.lines[kind]))
            yield text % number + " " + _("(first in line %s).") % lines


def _add_item(survey: Survey, item: Item) -> None:
    survey.items[item.type] += 1
    survey.highest_item = max(survey.highest_item, item.id)
    survey.highest_comment = max(survey.highest_comment, *(comment.id for comment in item.comments), 0)
    if reason_to_skip(item):
        return
    survey.creators.add(item.author)
    for ref in item.terms if item.type == "post" else ():
        _add_term(survey, ref)
    if item.type == "page":
        survey.pages.append(
            PageStub(
                item.id,
                item.guid,
                item.slug,
                item.title,
                item.parent,
                item.date,
                item.date_gmt,
                public=item.status == "publish" and not item.password,
            )
        )
    if item.date and item.date_gmt and item.status == "publish" and abs(item.date - item.date_gmt) <= _FURTHEST_CLOCK:
        offset = item.date - item.date_gmt
        survey.offsets[offset] += 1
        survey.other_clock += offset != _offset_here(item.date)


def _add_told(survey: Survey, term: Term) -> None:
    """A term that has an element of its own: of several the first counts, but items may name it before."""
    key = (term.taxonomy, slug_key(term.slug))
    if key not in survey.terms or survey.terms[key] == _named(survey.terms[key]):
        survey.terms[key] = term


def _named(ref: Term | TermRef) -> Term:
    """All that is known of a term that only items name."""
    return Term(ref.taxonomy, ref.slug, ref.name, "", "")


def _add_term(survey: Survey, ref: TermRef) -> None:
    if ref.taxonomy == LANGUAGE and language_code(ref.slug):
        # Each text has its own.
        return
    if ref.taxonomy not in {CATEGORY, TAG}:
        survey.other_terms[ref.taxonomy] += 1
    elif ref.slug:
        key = (ref.taxonomy, slug_key(ref.slug))
        if key not in survey.terms:
            survey.terms[key] = _named(ref)
    else:
        survey.names.setdefault((ref.taxonomy, plain(ref.name)), _named(ref))


def _offset_here(local: dt.datetime) -> dt.timedelta | None:
    return timezone.get_default_timezone().utcoffset(local)


def _clock_warning(survey: Survey) -> str:
    offsets = ", ".join(_offset_text(offset) for offset, _number in survey.offsets.most_common(2))
    return _(
        "The clock of the blog was %(offsets)s, that of this site is %(zone)s. Days and times stay as the export says, "
        "so addresses are right; but feeds and new posts go by %(zone)s. To have the blog's clock set TIME_ZONE to its "
        "time zone before importing."
    ) % {"offsets": offsets, "zone": timezone.get_default_timezone_name()}


def _offset_text(offset: dt.timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'+' if minutes >= 0 else '−'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
