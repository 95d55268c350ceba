"""The search for posts and pages to link to while writing."""

from typing import Final

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from blog.models import Entry, Page, Post
from blog.permissions import may_write
from core.slugs import slugify
from core.word_search import has_word

_MAX_FOUND: Final = 10
_MAX_PAGES: Final = 3
_MAX_WORDS: Final = 8


def title_condition(words: str) -> Q:
    """Return the condition for entries with all these words in their titles or slugs.

    A slug has the words of the title without accents and in lower case. Drafts may not have one yet.
    """
    condition = Q()
    for word in words[:200].replace("\0", "").split()[:_MAX_WORDS]:
        slug = slugify(word)
        condition &= (Q(slug__contains=slug) if slug else Q()) | has_word(word, "title")
    return condition


@require_safe
def links(request: HttpRequest) -> JsonResponse:
    """Return the newest published pages and posts with all words of `?q=` in their titles, or simply the newest."""
    if not may_write(request.user):
        return JsonResponse({"error": _("Log in again in another tab. Your text is still here.")}, status=403)
    condition = title_condition(request.GET.get("q", ""))
    fields = ("kind", "title", "slug", "password", "status", "published_at", "published_on", "path")
    found: list[Entry] = []
    # One query for each kind, because the index that finds the newest immediately begins with the kind.
    for model, limit in ((Page, _MAX_PAGES), (Post, _MAX_FOUND)):
        newest = model.objects.published().filter(condition).newest_first().only(*fields)
        found += newest[: limit - len(found)]
    entries = [
        {
            "title": str(entry),
            "url": entry.get_absolute_url(),
            "detail": date_format(entry.published_on) if entry.published_on else entry.get_kind_display(),
        }
        for entry in found
    ]
    return JsonResponse({"entries": entries})
