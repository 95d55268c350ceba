"""The first pass over an export: it must be complete, and some things must be known before anything is stored."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from blog.rendering import SourceTooLongError, check_source
from blog.rendering.markups import markups
from core.slugs import slugify
from wordpress.importing.entry_builder import markup_of
from wordpress.wxr import records
from wordpress.wxr.markup_repair import Repairs
from wordpress.wxr.reader import Export
from wordpress.wxr.records import CATEGORY, LANGUAGE, TAG, Author, Item, Term, TermRef
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import language_code, slug_key

Stage = Literal["reading", "importing", "files", "rendering", "undoing"]
# Called with a stage, how much of it is done, and its total: in bytes, items, files, texts and stored rows.
type Progress = Callable[[Stage, int, int], None]

# No time zone is further from UTC: the two dates of an item that differ more were set at different times.
_MAX_OFFSET: Final = dt.timedelta(hours=15)

_THEME_TYPES: Final = {
    *("custom_css", "customize_changeset", "wp_font_face", "wp_font_family", "wp_global_styles"),
    *("wp_template", "wp_template_part"),
}
_INTERNAL_TYPES: Final = {"oembed_cache", "revision", "scheduled-action", "user_request"}
# Submissions to forms of Jetpack, Contact Form 7 with Flamingo, and WPForms.
_FORM_TYPES: Final = {"feedback", "flamingo_inbound", "wpforms_entries"}

_REPAIRS: Final = {
    "messages": ngettext_lazy(
        "%d line before the beginning of the export was skipped, an error message of the old site",
        "%d lines before the beginning of the export were skipped, error messages of the old site",
    ),
    "controls": ngettext_lazy(
        "%d invisible control character was removed", "%d invisible control characters were removed"
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
    """What the steps of an import must know of the whole export."""

    # The number of items of each type.
    items: Counter[str] = field(default_factory=Counter)
    authors: dict[str, Author] = field(default_factory=dict)
    # The authors whom items name.
    creators: set[str] = field(default_factory=set)
    # By taxonomy and slug. The definitions at the beginning of an export take precedence over items.
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    # Terms without a slug, by taxonomy and name.
    terms_without_slug: dict[tuple[str, str], Term] = field(default_factory=dict)
    # How often posts are filed under terms of other taxonomies.
    other_terms: Counter[str] = field(default_factory=Counter)
    highest_item_id: int = 0
    highest_comment_id: int = 0
    base_url: str = ""
    site_url: str = ""
    # How far the old site's time was from UTC, and how often it differed from this site's time.
    offsets: Counter[dt.timedelta] = field(default_factory=Counter)
    different_offsets: int = 0
    # Meta fields of comments and terms, by the kind of their owner and their key.
    other_meta: Counter[tuple[str, str]] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def analyse(
    paths: Collection[Path], progress: Progress | None = None, on_item: Callable[[Item], None] | None = None
) -> Analysis:
    """Read all files and call `on_item` with each item. Raises InvalidExportError for the first incomplete file."""
    analysis = Analysis()
    total = total_size(paths)
    done = 0
    for path in paths:
        export = Export(path, markups)
        for record in export.records():
            if isinstance(record, Author):
                analysis.authors.setdefault(record.login, record)
            elif isinstance(record, Term):
                _add_term(analysis, record)
            else:
                _add_item(analysis, record)
                if on_item:
                    on_item(record)
            if progress and export.source:
                progress("reading", done + export.source.bytes_read, total)
        analysis.base_url = analysis.base_url or export.base_url
        analysis.site_url = analysis.site_url or export.site_url
        analysis.other_meta.update(export.other_meta)
        if export.source:
            done += export.source.bytes_read
            analysis.warnings += _file_warnings(export, export.source.repairs)
    if analysis.different_offsets * 2 > analysis.offsets.total():
        analysis.warnings.append(_time_zone_warning(analysis))
    return analysis


def authors_in(analysis: Analysis) -> dict[str, Author]:
    """Return all authors of an export by login, or in WXR 1.0 by the name in its items."""
    authors = dict(analysis.authors)
    display_names = {author.display_name for author in authors.values()}
    for creator in sorted(analysis.creators):
        # WXR 1.0 has no list of authors, and its items name them as readers see them.
        if creator not in authors and creator not in display_names:
            authors[creator] = Author(0, creator, "", creator or _("Unknown author"))
    return authors


def all_terms(analysis: Analysis) -> list[Term]:
    """Return the terms of an export. A term without a slug gets one made from its name."""
    terms = dict(analysis.terms)
    named = {(term.taxonomy, term.name) for term in terms.values()}
    for (taxonomy, name), term in analysis.terms_without_slug.items():
        if (taxonomy, name) not in named:
            slug = slugify(name) or "untitled"
            while (taxonomy, slug) in terms:
                slug += "-2"
            terms[taxonomy, slug] = term._replace(slug=slug)
    return list(terms.values())


def reason_to_skip(item: Item) -> str:
    """Return why `item` cannot be imported; empty if it can."""
    if item.type not in {"post", "page"}:
        return _reason_to_skip_type(item.type)
    if item.status in {"inherit", "auto-draft"}:
        return _("It is a revision or an automatic draft.")
    try:
        check_source(item.content, markup_of(item))
    except SourceTooLongError as error:
        return str(error)
    return ""


def _reason_to_skip_type(post_type: str) -> str:
    if post_type in {records.MENU_ITEM, records.NAVIGATION}:
        return _("Menus are not imported. The notes list what each of them contained.")
    if post_type in _THEME_TYPES:
        return _("It belongs to the theme, not to the content.")
    if post_type in _INTERNAL_TYPES:
        return _("WordPress used it internally; readers never saw it.")
    if post_type in _FORM_TYPES:
        return _("It was submitted through a form. Keep the export if you need it.")
    if post_type == records.REUSABLE_BLOCK:
        return _("It is part of other posts, not a post of its own.")
    return _("It belongs to a plugin, and there is nothing like it here. Keep the export, which contains its text.")


def total_size(paths: Collection[Path]) -> int:
    """Return the size of the files in bytes. Raises InvalidExportError if one of them cannot be read."""
    try:
        return sum(path.stat().st_size for path in paths)
    except OSError as error:
        raise InvalidExportError(f"{error.filename}: {error.strerror}.") from error


def _file_warnings(export: Export, repairs: Repairs) -> Iterator[str]:
    if export.version not in {"1.0", "1.1", "1.2"}:
        text = _("The export does not give the version of its format. Versions 1.0 to 1.2 are supported.")
        if export.version:
            text = _("The export has version %s of the format. Versions 1.0 to 1.2 are supported.") % export.version
        yield f"{export.path}: {text}"
    for kind, repaired in _REPAIRS.items():
        if count := repairs.counts[kind]:
            lines = ", ".join(map(str, repairs.lines[kind]))
            yield f"{export.path}: {repaired % count} {_('(first in line %s).') % lines}"


def _time_zone_warning(analysis: Analysis) -> str:
    offsets = ", ".join(str(dt.timezone(offset)) for offset, _count in analysis.offsets.most_common(2))
    return _(
        "The old site's time was %(offsets)s, and this site's time zone is %(zone)s. Dates and times stay as they are "
        "in the export, so URLs do not change, but feeds and new posts use %(zone)s. To keep the old site's time, set "
        "TIME_ZONE to its time zone before you import."
    ) % {"offsets": offsets.replace("-", "−"), "zone": timezone.get_default_timezone_name()}


def _add_item(analysis: Analysis, item: Item) -> None:
    analysis.items[item.type] += 1
    analysis.highest_item_id = max(analysis.highest_item_id, item.id)
    analysis.highest_comment_id = max(analysis.highest_comment_id, *(comment.id for comment in item.comments), 0)
    if reason_to_skip(item):
        return
    analysis.creators.add(item.author)
    for ref in item.terms if item.type == "post" else ():
        _add_term_ref(analysis, ref)
    if item.date and item.date_gmt and item.status == "publish" and abs(item.date - item.date_gmt) <= _MAX_OFFSET:
        offset = item.date - item.date_gmt
        analysis.offsets[offset] += 1
        analysis.different_offsets += offset != timezone.get_default_timezone().utcoffset(item.date)


def _add_term(analysis: Analysis, term: Term) -> None:
    """Add a term that has its own element: the first one counts, but items may have named it before."""
    if not term.slug:
        analysis.terms_without_slug.setdefault((term.taxonomy, term.name), term)
        return
    key = (term.taxonomy, slug_key(term.slug))
    if key not in analysis.terms or analysis.terms[key] == _named_term(analysis.terms[key]):
        analysis.terms[key] = term


def _add_term_ref(analysis: Analysis, ref: TermRef) -> None:
    if ref.taxonomy == LANGUAGE and language_code(ref.slug):
        # It becomes the language of the entry.
        return
    if ref.taxonomy not in {CATEGORY, TAG}:
        analysis.other_terms[ref.taxonomy] += 1
        return
    terms, key = analysis.terms_without_slug, ref.name
    if ref.slug:
        terms, key = analysis.terms, slug_key(ref.slug)
    if (ref.taxonomy, key) not in terms:
        terms[ref.taxonomy, key] = _named_term(ref)


def _named_term(ref: Term | TermRef) -> Term:
    """Return a term of which nothing but the name is known."""
    return Term(ref.taxonomy, ref.slug, ref.name, "", "")
