"""Rendering an author's source as HTML for readers: `render` takes one text, `render_all` many.

A markup's renderer produces untrusted HTML (`markups`). It is parsed into a tree (`tree`), which is changed step by
step. The whole tree is the body. Cut at the more marker (`markers`), it is the lead that listings show. Both pass
through a single allow-list at the end (`sanitising`). Words that rendering adds, such as “Details”, are in the language
of the text, and not in that of the person who saves it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml import etree

from blog.rendering import html_ids, links, markers, moved_files, players, remote_media, validity
from blog.rendering.excerpts import make_excerpt
from blog.rendering.limits import MAX_SOURCE_LENGTH as MAX_SOURCE_LENGTH
from blog.rendering.limits import SourceTooLongError as SourceTooLongError
from blog.rendering.markups import markups
from blog.rendering.moved_files import FileResolver, resolve_files
from blog.rendering.reading_time import count_words
from blog.rendering.sanitising import clean_attributes, sanitise
from blog.rendering.tree import MORE_PLACEHOLDER as MORE_PLACEHOLDER
from blog.rendering.tree import MORE_TAG, PAGE_BREAK_TAG, clean_text, parse, serialise
from core.languages import interface_language, override_language

# Stored with each entry, so that a save can skip rendering when neither the source nor this has changed. Raise it
# whenever the pipeline, or a markup's renderer, produces different HTML for the same source.
RENDER_VERSION: Final = 27

# HTML to which rendering may have added words contains one of these: the name of a document, the summary of details, a
# picture that is missing in a gallery, the days of opening hours, the link to the archive, the name of a link.
MAY_HAVE_WORDS: Final = ("wp-block-file", "<details", "gallery", "<dl", 'href="/archive/"', "aria-label")

# Elements that load a file.
_LOADED: Final = ("img", "audio", "video", "source", "track", "embed", "x-iframe", "x-object")

# Separates the pages of a body. Sanitised HTML contains no comments, so this can't be part of a text.
PAGE_BREAK: Final = "<!--nextpage-->"
# Texts are rendered in batches of this many texts, or this many characters, whichever is reached first.
_BATCH_SIZE: Final = 20
_BATCH_CHARACTERS: Final = 200_000
# A file embedded in the text, as when a program pastes an image. Readers don't see it: the pages'
# Content-Security-Policy forbids it.
EMBEDDED_FILE: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=]{100,}+", re.ASCII)


class UnknownMarkupError(LookupError):
    """No markup of this name is registered."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The result of rendering a source. The HTML is safe to show as it is.

    `lead_html` is what listings show: the text up to the more marker or the first page break, or all of it if there is
    neither. Its ids stay unique when several leads share a page.
    `body_html` is the whole text. PAGE_BREAK separates its pages, each of which is well-formed.
    `has_more` is whether the lead is shorter than the text. If so, both contain MORE_PLACEHOLDER exactly once.
    `auto_excerpt` has the first words as plain text, and `word_count` is the number of words of the whole text.
    `language` is that of the words that were added (core.languages.interface_language).
    """

    lead_html: str
    body_html: str
    has_more: bool
    auto_excerpt: str
    word_count: int
    language: str


def shorten(source: str) -> str:
    """Return `source`, without its embedded files if it is too long."""
    return EMBEDDED_FILE.sub("data:,", source) if len(source) > MAX_SOURCE_LENGTH else source


def check_source(source: str, markup: str) -> None:
    """Raise the error with which `render` would reject this source: SourceTooLongError or UnknownMarkupError."""
    source = shorten(source)
    if len(source) > MAX_SOURCE_LENGTH:
        raise SourceTooLongError(len(source))
    if markup not in markups:
        raise UnknownMarkupError(f"There is no markup called {markup!r}.")
    markups[markup].check(source)


class RenderInput(NamedTuple):
    """A `source`, its `markup` (a name in blog.rendering.markups), and the entry that it belongs to, if any.

    In place of an entry that is not stored yet, the caller may pass what the markup needs to know about it.
    The `language` is that of the text; empty if it is not known.
    """

    source: str
    markup: str
    entry: object = None
    language: str = ""


def render(source: str, markup: str, entry: object = None, language: str = "") -> Rendered:
    """Render one text. Raises SourceTooLongError and UnknownMarkupError, and nothing else whatever the source.

    Takes less than a second of CPU time for 100 kB of any text (benchmarks/rendering.py).
    """
    return next(render_all([RenderInput(source, markup, entry, language)]))


def parse_source(source: str, markup: str, entry: object = None) -> etree._Element:
    """Return the untrusted tree of a source before any step of rendering, with its faults.

    Raises the errors of `render`.
    """
    check_source(source, markup)
    return parse(_untrusted_html(source, markup, entry))


def render_all(inputs: Iterable[RenderInput], resolve: FileResolver = resolve_files) -> Iterator[Rendered]:
    """Render each of `inputs` as `render` does, raising the same errors. `resolve` finds the files that have moved.

    Each step processes a whole batch of texts before the next step begins. That way, its code and data stay in the
    processor's cache, which saves a fifth of the time. All texts of a batch get added words in the same language.
    """
    batch: list[RenderInput] = []
    characters, batch_language = 0, ""
    for item in inputs:
        language = interface_language(item.language)
        is_full = len(batch) >= _BATCH_SIZE or characters + len(item.source) > _BATCH_CHARACTERS
        if batch and (is_full or language != batch_language):
            yield from _render_batch(batch, resolve, batch_language)
            batch, characters = [], 0
        # Before the language is activated, because errors are for the person who wrote the text.
        check_source(item.source, item.markup)
        batch.append(item)
        characters, batch_language = characters + len(item.source), language
    yield from _render_batch(batch, resolve, batch_language)


def _render_batch(inputs: list[RenderInput], resolve: FileResolver, language: str) -> list[Rendered]:
    with override_language(language):
        return list(_rendered(inputs, resolve, language))


def _rendered(inputs: list[RenderInput], resolve: FileResolver, language: str) -> Iterator[Rendered]:
    htmls = [_untrusted_html(item.source, item.markup, item.entry) for item in inputs]
    roots = [parse(html) for html in htmls]
    _apply(roots, markers.raise_page_breaks)
    more_markers = [next(root.iter(MORE_TAG), None) for root in roots]
    found_markers = [marker for marker in more_markers if marker is not None]
    moved = [moved_files.find_new_urls(root, resolve) for root in roots]
    for root, new_urls in zip(roots, moved, strict=True):
        moved_files.replace_urls(root, new_urls, *_LOADED)
    _apply(roots, remote_media.localise, clean_attributes, links.link_bare_urls)
    _apply(roots, players.frame_embeds, links.label_pdf_links)
    for root, new_urls in zip(roots, moved, strict=True):
        moved_files.replace_urls(root, new_urls, "a")
    _apply(roots, links.finish_links, html_ids.make_unique, markers.drop_empty_paragraphs)
    _apply(found_markers, markers.settle)
    _apply(roots, validity.repair)
    excerpts = [make_excerpt(root) for root in roots]
    pages = [serialise(root).split(f"<{PAGE_BREAK_TAG}></{PAGE_BREAK_TAG}>") for root in roots]
    bodies = [PAGE_BREAK.join(map(sanitise, htmls)) for htmls in pages]
    _apply(found_markers, markers.cut)
    for item, root, marker, body, excerpt in zip(inputs, roots, more_markers, bodies, excerpts, strict=True):
        prefix = f"l{hashlib.sha256(item.source.encode(errors='replace')).hexdigest()[:8]}-"
        is_other = html_ids.add_prefix(root, prefix) or marker is not None
        if is_other:
            # After a cut, elements may lack their second half, and links their targets.
            validity.repair(root)
        lead = sanitise(serialise(root)) if is_other else body
        yield Rendered(lead, body, marker is not None, excerpt, count_words(body), language)


def _apply(elements: list[etree._Element], *steps: Callable[[etree._Element], None]) -> None:
    for step in steps:
        for element in elements:
            step(element)


def _untrusted_html(source: str, markup: str, entry: object) -> str:
    return markups[markup].renderer(clean_text(shorten(source)), entry)
