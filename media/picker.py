"""The search for pictures and documents to insert while writing."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.text import parse_id
from core.word_search import has_word
from media.codes import describe
from media.models import Document, Picture, Upload
from media.permissions import may_choose_while_writing

_PAGE_SIZE: Final = 24
_MAX_WORDS: Final = 8


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
