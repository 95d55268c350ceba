"""From what an author wrote to the HTML that readers get: `render(source, markup)`.

A markup's renderer makes HTML that nobody trusts (`markups`). It is read into a tree (`tree`), where
page breaks part it (`parts`), files that moved here are shown from here (`moved`), foreign media become
links (`media`), addresses are linked (`links`), those of films get a frame (`players`) and ids are kept
apart (`ids`). The whole tree is the body; cut at the more marker (`more`) it is the lead that listings
show. Both leave through the one allow-list (`sanitising`).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext

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
    "UnknownMarkup",
    "get_markups",
    "render",
    "shortened",
]

# Characters. A long report has 200,000; ten of them would not be read on one page.
MAX_SOURCE_LENGTH: Final = 500_000
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


def render(source: str, markup: str, entry: object = None) -> Rendered:
    """Render `source`, written in `markup` (a name in settings.BROADSIDE_MARKUPS), of the post or page `entry`.

    Raises SourceTooLong and UnknownMarkup, and for no other source anything.
    """
    source = shortened(source)
    if len(source) > MAX_SOURCE_LENGTH:
        raise SourceTooLong(len(source))
    try:
        to_html = get_markups()[markup].to_html
    except KeyError:
        raise UnknownMarkup(markup) from None

    root, marker = parse(to_html(clean_text(source), entry))
    marker = parts.settle(root, marker)
    here = moved.find(root)
    moved.replace(root, here, "img", "audio", "video", "source", "embed", "x-iframe", "x-object")
    media.localise(root)
    clean_attributes(root)
    links.link_addresses(root)
    players.frame_films(root)
    links.name_documents(root)
    moved.replace(root, here, "a")
    links.finish_links(root)
    ids.keep_apart(root)
    more.drop_empty_paragraphs(root)
    if marker is not None:
        more.settle(marker)
    words = extract(root)
    body_html = lead_html = PART_BREAK.join(map(sanitise, write(root).split(f"<{BREAK}></{BREAK}>")))

    if marker is not None:
        more.cut(marker)
    changed = ids.scope(root, f"l{hashlib.sha256(source.encode(errors='replace')).hexdigest()[:8]}-")
    if marker is not None or changed:
        lead_html = sanitise(write(root))
    return Rendered(lead_html, body_html, marker is not None, words)
