"""The page `/authors/`: everyone who has published posts."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.models import User
from blog.listings.listing import site_feed
from blog.models import Post
from blog.overviews import AUTHORS, overview_url
from core.site import SiteRequest, absolute_url, is_probe
from core.text import by_name

# A longer list of authors has only their names.
_MAX_BIOGRAPHIES: Final = 50


@require_safe
def authors(request: SiteRequest, rest: str = "") -> HttpResponse:
    """List the authors of posts by name. Raises Http404 if the site does not show authors, or has none."""
    found = request.site.remember(_read_authors, "authors") if request.site.show_author else []
    if rest or not found:
        raise Http404(gettext("That page doesn't exist."))
    if is_probe(request):
        return HttpResponse()
    context = {
        "page_title": gettext("Authors"),
        "meta_description": gettext("Everyone who writes here, with their posts"),
        "canonical_url": absolute_url(overview_url(AUTHORS)),
        "feed_links": [site_feed(request)],
        "authors": found,
        "has_biographies": len(found) <= _MAX_BIOGRAPHIES,
    }
    return render(request, "blog/authors.html", context)


def _read_authors() -> Sequence[User]:
    # The posts of each author are counted in the index.
    counts = Post.objects.published().filter(author=OuterRef("pk")).order_by().values("author")
    count = Subquery(counts.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    with_posts = User.objects.annotate(post_count=Coalesce(count, 0)).filter(post_count__gt=0)
    portrait = ("portrait__person", "portrait__name", "portrait__digest")
    authors = with_posts.select_related("portrait").only("display_name", "slug", "bio", *portrait)
    return sorted(authors, key=lambda author: (by_name(str(author)), author.pk))
