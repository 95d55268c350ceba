"""From what an author wrote to the HTML that readers get: `render(source, markup)`, or `render_all` for many.

A markup's renderer makes HTML that nobody trusts (`markups`). It is read into a tree (`tree`), where
page breaks part it (`parts`), files that moved here are shown from here (`moved`), foreign media become
links (`media`), addresses are linked (`links`), those of films get a frame (`players`) and ids are kept
apart (`ids`). The whole tree is the body; cut at the more marker (`more`) it is the lead that listings
show. Both leave through the one allow-list (`sanitising`).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext
from lxml import etree

from blog.rendering import ids, links, media, more, moved, parts, players
from blog.rendering.extract import extract
from blog.rendering.markups import Markup, UnknownMarkup, get_markups
from blog.rendering.parts import PART_BREAK
from blog.rendering.sanitising import clean_attributes, sanitise
from blog.rendering.tree import BREAK, MORE_PLACEHOLDER, clean_text, parse, write

__all__ = [
    "EMBEDDED",
    "MAX_SOURCE_LENGTH",
    "MORE_PLACEHOLDER",
    "PART_BREAK",
    "Markup",
    "Rendered",
    "SourceTooLong",
    "Text",
    "UnknownMarkup",
    "get_markups",
    "render",
    "render_all",
    "shortened",
]

# Characters. A long report has 200,000; ten of them would not be read on one page.
MAX_SOURCE_LENGTH: Final = 500_000
# Texts are rendered together: so many, or so many characters, whichever comes first.
_TOGETHER: Final = 20
_CHARACTERS_TOGETHER: Final = 200_000
# A file in the text itself, as programs paste pictures. No reader sees it: the policy of the pages forbids it.
EMBEDDED: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=]{100,}+", re.ASCII)


class SourceTooLong(ValueError):  # noqa: N818  # says what is wrong
    """A source longer than MAX_SOURCE_LENGTH. Its text is a sentence for the one who wrote it."""

    def __init__(self, length: int) -> None:
        super().__init__(
            gettext("This text is too long: it has %(length)s characters, and at most %(limit)s are possible.")
            % {
                "length": number_format(length, force_grouping=True),
                "limit": number_format(MAX_SOURCE_LENGTH, force_grouping=True),
            }
        )


@dataclass(frozen=True, slots=True)
class Rendered:
    """What readers get of a source. The HTML is safe to show as it is.

    `lead_html`: what listings show, up to the more marker or the first page break, or the whole where there
    is neither. Its ids are its own even among other leads.
    `body_html`: the whole, for the page of its own. PART_BREAK stands between its parts, each balanced.
    `has_more`: whether the lead is not the whole. Then both hold MORE_PLACEHOLDER, exactly once.
    `extract`: the first words as plain text.
    """

    lead_html: str
    body_html: str
    has_more: bool
    extract: str


def shortened(source: str) -> str:
    """`source`; without the files in it if it is too long otherwise."""
    return EMBEDDED.sub("data:,", source) if len(source) > MAX_SOURCE_LENGTH else source


class Text(NamedTuple):
    """A `source` and its `markup` (a name in settings.BROADSIDE_MARKUPS), of the post or page `entry` if of any."""

    source: str
    markup: str
    entry: object = None


def render(source: str, markup: str, entry: object = None) -> Rendered:
    """Render one text. Raises SourceTooLong and UnknownMarkup, and for no other source anything."""
    return next(render_all([Text(source, markup, entry)]))


def render_all(texts: Iterable[Text]) -> Iterator[Rendered]:
    """Render `texts`, as `render` does one. Raises what it does.

    Each step goes through some texts before the next step begins: what it needs stays at hand in the processor,
    which takes a fifth of the time off.
    """
    together: list[Text] = []
    characters = 0
    for text in texts:
        if together and (len(together) >= _TOGETHER or characters + len(text.source) > _CHARACTERS_TOGETHER):
            yield from _rendered(together)
            together, characters = [], 0
        together.append(text)
        characters += len(text.source)
    yield from _rendered(together)


def _rendered(texts: list[Text]) -> list[Rendered]:
    html = [_to_html(*text) for text in texts]
    trees = [parse(one) for one in html]
    roots = [root for root, _marker in trees]
    markers = [parts.settle(root, marker) for root, marker in trees]
    files = [moved.find(root) for root in roots]
    for root, here in zip(roots, files, strict=True):
        moved.replace(root, here, "img", "audio", "video", "source", "embed", "x-iframe", "x-object")
    _do(roots, media.localise, clean_attributes, links.link_addresses, players.frame_films, links.name_documents)
    for root, here in zip(roots, files, strict=True):
        moved.replace(root, here, "a")
    _do(roots, links.finish_links, ids.keep_apart, more.drop_empty_paragraphs)
    _do([marker for marker in markers if marker is not None], more.settle)
    extracts = [extract(root) for root in roots]
    written = [write(root) for root in roots]
    bodies = [PART_BREAK.join(map(sanitise, html.split(f"<{BREAK}></{BREAK}>"))) for html in written]
    leads = _leads(texts, roots, markers, bodies)
    return [
        Rendered(lead, body, marker is not None, words)
        for lead, body, marker, words in zip(leads, bodies, markers, extracts, strict=True)
    ]


def _leads(
    texts: list[Text], roots: list[etree._Element], markers: list[etree._Element | None], bodies: list[str]
) -> list[str]:
    """What listings show; the trees have nothing else from then on."""
    _do([marker for marker in markers if marker is not None], more.cut)
    prefixes = [f"l{hashlib.sha256(text.source.encode(errors='replace')).hexdigest()[:8]}-" for text in texts]
    has_ids = [ids.scope(root, prefix) for root, prefix in zip(roots, prefixes, strict=True)]
    is_other = [ids or marker is not None for ids, marker in zip(has_ids, markers, strict=True)]
    written = [write(root) if other else "" for root, other in zip(roots, is_other, strict=True)]
    return [sanitise(html) if other else body for html, other, body in zip(written, is_other, bodies, strict=True)]


def _do(elements: list[etree._Element], *steps: Callable[[etree._Element], None]) -> None:
    """Take each of `steps` with all `elements`."""
    for step in steps:
        for element in elements:
            step(element)


def _to_html(source: str, markup: str, entry: object) -> str:
    source = shortened(source)
    if len(source) > MAX_SOURCE_LENGTH:
        raise SourceTooLong(len(source))
    try:
        to_html = get_markups()[markup].to_html
    except KeyError:
        raise UnknownMarkup(markup) from None
    return to_html(clean_text(source), entry)
