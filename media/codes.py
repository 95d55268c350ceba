"""What writers put into a text to show a picture or link to a document, in Markdown or HTML."""

import re

from django.utils.html import format_html

from media.models import Document, Picture

# What means something in the description of an image or the text of a link.
_MARKS = re.compile(r"[\\`*_\[\]<>&]")


def picture_code(picture: Picture, *, is_markdown: bool = True) -> str:
    """Return the code that shows `picture` with its alternative text, which is empty if it has none."""
    if is_markdown:
        return f"![{_escape(picture.alt)}]({picture.file.url})"
    return format_html('<img src="{}" alt="{}">', picture.file.url, picture.alt)


def document_code(document: Document, *, is_markdown: bool = True) -> str:
    """Return the code of a link to `document`, with its title."""
    if is_markdown:
        return f"[{_escape(str(document))}]({document.file.url})"
    return format_html('<a href="{}">{}</a>', document.file.url, document)


def _escape(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))
