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

from blog.appearance.blocks import SidebarBlock
from blog.appearance.options import Link
from blog.listings.listing import listing_response, posts_in_language
from blog.models import Post
from blog.sidebar import Line
from core.languages import activate_language, language_name, may_be_in_url
from core.prepared import Parameter, Prepared
from core.site import SiteRequest
from core.text import by_name


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
        feeds=[Link(name, reverse("blog:language_feed", args=[language]))],
        not_found_if_empty=True,
    )


@Prepared
def _totals(now: Parameter) -> QuerySet[Any, tuple[str, int]]:
    posts: Any = Post.objects.published(now).exclude(language="").order_by()
    totals: QuerySet[Any, tuple[str, int]] = posts.values_list("language").annotate(Count("pk"))
    return totals


def _lines(rows: Sequence[tuple[str, int]]) -> Sequence[Line]:
    """Return the languages by name, the site's language first; none if there are no others."""
    totals = {language: total for language, total in rows if may_be_in_url(language)}
    if totals.keys() <= {settings.LANGUAGE_CODE}:
        return []

    def site_first_then_by_name(language: str) -> tuple[bool, tuple[str, str]]:
        return language != settings.LANGUAGE_CODE, by_name(language_name(language))

    return [
        Line(language_name(language), reverse("blog:language", args=[language]), totals[language], language=language)
        for language in sorted(totals, key=site_first_then_by_name)
    ]


LANGUAGES_BLOCK: Final = SidebarBlock("blog/sidebar/languages.html", _totals, _lines, label=_("Languages"), order=60)
