"""Breadcrumbs: the names and URLs of a page's ancestors below the front page, followed by its own."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from blog.models import Category, Entry, Page, Post
from blog.models.tree import paths_to
from blog.terms import Term, Terms
from core.dates import format_day, format_month
from core.prepared import Parameter, Prepared


def to_category(category: Category) -> list[Term]:
    """Return the breadcrumbs of a category. Takes a query if it has a parent."""
    above = _categories(paths) if (paths := paths_to(category.path)[:-1]) else []
    return [Term(each.name, each.get_absolute_url()) for each in (*above, category)]


def to_post(post: Post, terms: Terms) -> list[Term]:
    """Return the breadcrumbs of a post, through its first category."""
    return [*terms.categories[:1], Term(str(post), post.get_absolute_url())]


def to_page(page: Entry) -> list[Term]:
    """Return the breadcrumbs of a page. Takes a query if it has a parent."""
    above = _pages(timezone.now(), paths) if (paths := paths_to(page.path or "")[:-1]) else []
    return [Term(str(each), each.get_absolute_url()) for each in (*above, page)]


def to_period(first: dt.date, *parts: str) -> list[Term]:
    """Return the breadcrumbs of the year, month or day that begins on this day, given the parts of its URL."""
    names = (str(first.year), format_month(first), format_day(first))
    views = ("year", "month", "day")
    return [Term(names[index], reverse(f"blog:{views[index]}", args=parts[: index + 1])) for index in range(len(parts))]


@Prepared
def _categories(paths: Any) -> QuerySet[Any, Category]:
    return Category.objects.filter(path__in=paths).only("name", "path").order_by("path")


@Prepared
def _pages(now: Parameter, paths: Any) -> QuerySet[Any, Page]:
    pages: QuerySet[Any, Page] = Page.objects.published(now).filter(path__in=paths)
    return pages.only("kind", "title", "path", "password").order_by("path")
