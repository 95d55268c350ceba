"""Overviews of a site's posts and authors: whether they exist, for the sidebar and sitemaps, which link to them."""

from typing import Any, Final

from django.db.models import Case, CharField, Exists, IntegerField, Value, When
from django.db.models.functions import Cast, Substr
from django.urls import reverse

from blog.models import Page, Redirect
from core.models import SiteSettings

# Their paths (blog.generated_pages).
ARCHIVE: Final = "archive"
AUTHORS: Final = "authors"


class SameInEachRow(Case):
    """An expression about the site rather than about a row, so that rows need not be grouped by it."""

    def get_group_by_cols(self) -> list[Any]:
        return []


def overview_url(path: str) -> str:
    return reverse("blog:page", args=[path])


def has_archive() -> SameInEachRow:
    """Return the expression for whether there is an archive page, provided that there are posts: 1 or 0."""
    return _as_number(is_free(ARCHIVE))


def has_authors() -> SameInEachRow:
    """Return the expression for whether there is a page with all authors: 1 or 0. Only if the site shows them."""
    return _as_number(is_free(AUTHORS) & Exists(SiteSettings.objects.filter(show_author=True)))


def month_of_post() -> Substr:
    """Return the expression for the month of a post: the beginning of `2019-10-22`.

    On SQLite, Django would extract years and months with a Python function.
    """
    return Substr(Cast("published_on", CharField()), 1, 7)


def is_free(path: str) -> Any:
    """Return the condition that neither a page of the site nor a redirect is at `path` (see `generated_pages`)."""
    pages = Page.objects.published().filter(path=path)
    redirects = Redirect.objects.filter(path=overview_url(path))
    return ~Exists(pages) & ~Exists(redirects)


def _as_number(condition: Any) -> SameInEachRow:
    return SameInEachRow(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())
