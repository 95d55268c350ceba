"""Pictures and documents for the editor: the search for them, the code that embeds or links to them, and their data."""

import re
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.text import parse_id
from core.word_search import has_word
from media.models import Document, Picture, Upload
from media.permissions import may_choose_while_writing

_PAGE_SIZE: Final = 24
_MAX_WORDS: Final = 8
# Characters with a special meaning in the description of an image or the text of a link.
_MARKS: Final = re.compile(r"[\\`*_\[\]<>&]")


@require_safe
def picker(request: HttpRequest) -> JsonResponse:
    """Return a page of the newest pictures, or documents with `?kind=document`, that contain all words of `?q=`.

    Or only the one with the ID `?id=`.
    """
    is_document = request.GET.get("kind") == "document"
    model: type[Upload] = Document if is_document else Picture
    if not may_choose_while_writing(request.user, model):
        return JsonResponse({"error": _("Log in again in another tab. Your text is still here.")}, status=403)
    found: Any = model.objects.present()
    if "id" in request.GET:
        found = found.filter(pk=parse_id(request.GET["id"]))
    searched = ("title", "file") if is_document else ("title", "alt", "caption", "credit", "file")
    for word in request.GET.get("q", "")[:200].replace("\0", "").split()[:_MAX_WORDS]:
        found = found.filter(has_word(word, *searched))
    page = Paginator(found, _PAGE_SIZE).get_page(request.GET.get("page"))
    files = [describe(upload) for upload in page]
    return JsonResponse({"files": files, "next": page.next_page_number() if page.has_next() else None})


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
