"""What the sidebar shows: pages, categories with their numbers, and the archive by year and month."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db.models import CharField, Count, F, Func, IntegerField, Q, Value
from django.db.models.functions import Cast, ExtractMonth, ExtractYear
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from blog.models import Category, Page, Post, Status
from blog.site import SiteSettings


@dataclass(frozen=True, slots=True)
class Line:
    """One link of the sidebar; `count` is the number of posts behind it, `depth` its level in a tree from 0."""

    title: str
    url: str
    count: int = 0
    depth: int = 0


@dataclass(slots=True)
class Year:
    year: int
    url: str
    count: int = 0
    months: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Sidebar:
    pages: list[Line] = field(default_factory=list)
    categories: list[Line] = field(default_factory=list)
    years: list[Year] = field(default_factory=list)


def sidebar(site: SiteSettings) -> Sidebar:
    """The sidebar as it is under this content version: one query, or none when it is still known."""
    key = f"sidebar:{site.content_version}:{get_language()}"
    known: Sidebar | None = cache.get(key)
    if known is None:
        known = _read_sidebar()
        cache.set(key, known, site.seconds_to_next_scheduled)
    return known


def _read_sidebar() -> Sidebar:
    result = Sidebar()
    # One query for three lists: kind, two numbers, name, path, count.
    rows = _pages().union(_categories(), _months(), all=True).order_by()
    pages, categories, months = ([row for row in rows if row[0] == kind] for kind in range(3))
    for _kind, _order, _pk, title, path, _count in sorted(pages, key=lambda row: (row[1], row[3].casefold())):
        result.pages.append(Line(title or gettext("(no title)"), reverse("blog:page", args=[path])))
    names = {row[4]: row[3].casefold() for row in categories}
    for _kind, _pk, _zero, name, path, count in sorted(categories, key=lambda row: _family(row[4], names)):
        result.categories.append(Line(name, reverse("blog:category", args=[path]), count, path.count("/")))
    for _kind, year, month, _name, _path, count in sorted(months, reverse=True):
        if not result.years or result.years[-1].year != year:
            result.years.append(Year(year, reverse("blog:year", args=[f"{year:04}"])))
        label = date_format(dt.date(year, month, 1), gettext("F Y"))
        url = reverse("blog:month", args=[f"{year:04}", f"{month:02}"])
        result.years[-1].months.append(Line(label, url, count))
        result.years[-1].count += count
    return result


def _family(path: str, names: dict[str, str]) -> tuple[str, ...]:
    """The names from the top down to this category: sorts a tree as it is read."""
    parts = path.split("/")
    return tuple(names.get("/".join(parts[: depth + 1]), "") for depth in range(len(parts)))


_COLUMNS = ("kind", "first", "second", "label", "place", "number")
_ZERO = Value(0, output_field=IntegerField())
_EMPTY = Value("", output_field=CharField())


def _kind(number: int) -> Value:
    return Value(number, output_field=IntegerField())


def _whole(number: Func) -> Cast:
    # PostgreSQL makes a decimal of a year, and a column of a union has the type of its first query.
    return Cast(number, IntegerField())


def _pages() -> Any:
    pages = Page.objects.published().filter(parent=None).order_by()
    return pages.annotate(
        kind=_kind(0), first=F("menu_order"), second=_ZERO, label=F("title"), place=F("path"), number=_ZERO
    ).values_list(*_COLUMNS)


def _categories() -> Any:
    public = Q(posts__status=Status.PUBLISHED, posts__published_at__lte=timezone.now())
    return (
        Category.objects.order_by()
        .annotate(kind=_kind(1), first=_ZERO, second=_ZERO, label=F("name"), place=F("path"))
        .annotate(number=Count("posts", filter=public))
        .values_list(*_COLUMNS)
    )


def _months() -> Any:
    return (
        Post.objects.published()
        .order_by()
        # Cast: PostgreSQL extracts decimals, and a union keeps them.
        .annotate(kind=_kind(2), first=Cast(ExtractYear("published_on"), IntegerField()))
        .annotate(second=Cast(ExtractMonth("published_on"), IntegerField()))
        .annotate(label=_EMPTY, place=_EMPTY)
        .values("kind", "first", "second", "label", "place")
        .annotate(number=Count("pk"))
        .values_list(*_COLUMNS)
    )
