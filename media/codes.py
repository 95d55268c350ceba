"""Pictures and documents for the editor: the code that embeds or links to them, and the data for its scripts."""

import re
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from media.models import Document, Picture

# Characters with a special meaning in the description of an image or the text of a link.
_MARKS = re.compile(r"[\\`*_\[\]<>&]")


def picture_code(picture: Picture, *, is_markdown: bool = True) -> str:
    """Return the code that embeds `picture` with its alternative text, which may be empty."""
    if is_markdown:
        return f"![{_escape(picture.alt)}]({picture.file.url})"
    return format_html('<img src="{}" alt="{}">', picture.file.url, picture.alt)


def document_code(document: Document, *, is_markdown: bool = True) -> str:
    """Return the code for a link to `document`, with its title as the text."""
    if is_markdown:
        return f"[{_escape(str(document))}]({document.file.url})"
    return format_html('<a href="{}">{}</a>', document.file.url, document)


def describe(upload: Picture | Document) -> dict[str, Any]:
    """Return what the editor's scripts need to know about a file."""
    name = "picture" if isinstance(upload, Picture) else "document"
    values = {
        "id": upload.pk,
        "title": str(upload),
        "url": upload.file.url,
        "edit": reverse(f"admin:media_{name}_change", args=[upload.pk]),
    }
    if isinstance(upload, Picture):
        values |= {"alt": upload.alt, "credit": upload.credit, "thumbnail": upload.thumbnail_url}
        values |= {"width": upload.width, "height": upload.height}
    return values


def _escape(text: str) -> str:
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))
