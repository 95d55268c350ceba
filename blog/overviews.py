"""Overviews of a site's posts and authors: whether they exist, for the sidebar and sitemaps, which link to them."""

from typing import Any, Final

from django.db.models import CharField, Exists
from django.db.models.functions import Cast, Substr
from django.urls import reverse

from blog.models import Page, Redirect
from core.models import SiteSettings
from core.prepared import Parameter

# Their paths (blog.generated_pages).
ARCHIVE: Final = "archive"
AUTHORS: Final = "authors"


def overview_url(path: str) -> str:
    return reverse("blog:page", args=[path])


def has_archive(now: Parameter | None = None) -> Exists:
    """Return the expression for whether there is an archive page, provided that there are posts."""
    return Exists(SiteSettings.objects.filter(is_free(ARCHIVE, now)))


def has_authors(now: Parameter | None = None) -> Exists:
    """Return the expression for whether there is a page with all authors, provided that there are posts."""
    return Exists(SiteSettings.objects.filter(is_free(AUTHORS, now), show_author=True))


def month_of_post() -> Substr:
    """Return the expression for the month of a post: the beginning of `2019-10-22`.

    On SQLite, Django would extract years and months with a Python function.
    """
    return Substr(Cast("published_on", CharField()), 1, 7)


def is_free(path: str, now: Parameter | None = None) -> Any:
    """Return the condition that neither a page of the site nor a redirect is at `path` (see `generated_pages`)."""
    pages = Page.objects.published(now).filter(path=path)
    redirects = Redirect.objects.filter(path=overview_url(path))
    return ~Exists(pages) & ~Exists(redirects)
