"""Lists of the posts in each language, and the links to these lists in the sidebar of a blog in several languages."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from blog.appearance.blocks import Row, SidebarBlock
from blog.listings.listing import FeedLink, listing_response, posts_in_language
from blog.models import Post
from blog.sidebar import EMPTY, ZERO, Line
from core.languages import activate_language, language_name, may_be_in_url
from core.site import SiteRequest


@require_safe
def by_language(request: SiteRequest, language: str, page_number: int | None = None) -> HttpResponse:
    """List the posts in a language, with an interface in it if that ships. Raises Http404 if there are none."""
    activate_language(language)
    name = language_name(language)
    return listing_response(
        request,
        page_number,
        url=reverse("blog:language", args=[language]),
        listing=posts_in_language,
        about=[language],
        heading=gettext("Language: %(language)s") % {"language": name},
        title=name,
        feeds=[FeedLink(name, reverse("blog:language_feed", args=[language]))],
        not_found_if_empty=True,
    )


def _rows() -> QuerySet[Any, Any]:
    counted: Any = Post.objects.published().exclude(language="").values("language").annotate(total=Count("pk"))
    rows: QuerySet[Any, Any] = counted.values_list(ZERO, ZERO, "language", EMPTY, "total")
    return rows


def _lines(rows: Sequence[Row]) -> Sequence[Line]:
    """Return the languages by name, the site's language first; none if there are no others."""
    rows = [row for row in rows if may_be_in_url(row.label)]
    if {row.label for row in rows} <= {settings.LANGUAGE_CODE}:
        return []

    def site_first_then_by_name(row: Row) -> tuple[bool, str]:
        return row.label != settings.LANGUAGE_CODE, language_name(row.label).casefold()

    return [
        Line(language_name(row.label), reverse("blog:language", args=[row.label]), row.total)
        for row in sorted(rows, key=site_first_then_by_name)
    ]


LANGUAGES_BLOCK: Final = SidebarBlock("blog/sidebar/languages.html", _rows, _lines, label=_("Languages"))
