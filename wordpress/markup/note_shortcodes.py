"""Footnotes of WordPress plugins, whose text is in a shortcode at the place of the marker.

These plugins are Easy Footnotes, Modern Footnotes, Simple Footnotes, Footnotes for WordPress and others. The double
parentheses that some of them use are not supported, because they may be meant literally.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Final

from wordpress.markup.autop import BLOCKS
from wordpress.markup.tokenizer import tokenise_with_code

NOTES: Final = ("efn_note", "fn", "footnote", "mfn", "modern_footnote", "ref")
_TAG = re.compile(rf"\[(?<!\[\[)(?P<end>/?)(?P<name>{'|'.join(NOTES)})(?:\s[^\[\]]*+)?\](?!\])")


def take_notes(source: str, notes: dict[str, str]) -> str:
    """Replace footnotes in shortcodes with their numbers, and add their texts to `notes` by id.

    `notes` contains the earlier footnotes of the text. A shortcode without an end tag in the same block stays as text.
    Takes time proportional to the length of `source`.
    """
    if not _TAG.search(source):
        return source
    parts: list[str] = []
    # The name of the open footnote's shortcode, and the index of its start tag in `parts`.
    name, start = "", 0
    for token, is_code in tokenise_with_code(source):
        if token.kind == "comment" or token.name in BLOCKS:
            name = ""
        if token.kind != "text" or is_code:
            parts.append(token.source)
            continue
        done = 0
        for tag in _TAG.finditer(token.source):
            parts.append(token.source[done : tag.start()])
            done = tag.end()
            if not name and not tag["end"]:
                name, start = tag["name"], len(parts)
                parts.append(tag[0])
            elif tag["end"] and tag["name"] == name:
                text = "".join(parts[start + 1 :]).strip()
                del parts[start:]
                if text:
                    number = len(notes) + 1
                    notes[f"note-{number}"] = text
                    link = f'<a href="#note-{number}" id="note-{number}-link">{number}</a>'
                    parts.append(f'<sup class="footnote-ref">{link}</sup>')
                name = ""
            else:
                parts.append(tag[0])
        parts.append(token.source[done:])
    return "".join(parts)


def list_of_notes(notes: Mapping[str, str]) -> str:
    """Return the list of footnotes, given by id, in the same form as for Markdown; empty if there are none."""
    items = "".join(
        f'<li id="{escape(name)}" class="footnote-item">{text}'
        f' <a href="#{escape(name)}-link" class="footnote-backref">↩︎</a></li>'
        for name, text in notes.items()
    )
    return f'\n\n<section class="footnotes"><ol class="footnotes-list">{items}</ol></section>' if notes else ""
