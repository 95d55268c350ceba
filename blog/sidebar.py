"""The sidebar: blocks that apps register, read with one query and rendered once until the next change."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any, Final, NamedTuple

from django.core.cache import cache
from django.db.models import CharField, Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from blog.models import Category, Entry, Page, Post, public_condition
from blog.overviews import ARCHIVE, AUTHORS, has_archive, has_authors, month_of_post, overview_url
from core.dashboard import find_missing_template
from core.memory import remembered
from core.models import SiteSettings
from core.registry import Registry


class Row(NamedTuple):
    """A row of the query for a block. Each block gives the columns its own meaning."""

    first: int
    second: int
    label: str
    path: str
    total: int


@dataclass(frozen=True, slots=True)
class SidebarBlock:
    """A block of the sidebar, shown by `template`, which gets its lines as `block.lines`.

    `rows` returns the block's part of the query, a `values_list` with the columns of Row, ZERO or EMPTY for unused
    ones. None of them may depend on comments. `arrange` turns the rows, which are in any order, into lines. The
    template of a block with lines shows nothing else than these, and `current`: the URL of the page, if it is that of a
    line. A block without `rows` consists of its template alone, which is rendered for each page unless it
    `is_the_same_everywhere`.
    """

    template: str
    rows: Callable[[], QuerySet[Any, Any]] | None = None
    arrange: Callable[[Sequence[Row]], Sequence[Any]] = tuple
    is_the_same_everywhere: bool = False


# In the order in which they are shown.
sidebar_blocks: Final[Registry[SidebarBlock]] = Registry("sidebar block", find_missing_template)


class ShownBlock(NamedTuple):
    """A block for one page: its `lines`, and their `html`; or else the `template` to render."""

    lines: Sequence[Any] = ()
    html: SafeString = SafeString()
    template: str = ""


def sidebar(site: SiteSettings, path: str) -> dict[str, ShownBlock]:
    """Return the blocks for the page at `path`: one query under each version of entries, or none if they are cached."""
    lines = remembered(site, lambda: _cached_lines(site), "sidebar")
    return {
        name: _show(site, name, block, lines.get(name, ()), path)
        if block.rows or block.is_the_same_everywhere
        else ShownBlock(template=block.template)
        for name, block in sidebar_blocks.items()
    }


def _show(site: SiteSettings, name: str, block: SidebarBlock, lines: Sequence[Any], path: str) -> ShownBlock:
    urls = remembered(site, lambda: {getattr(line, "url", "") for line in lines}, "sidebar urls", name)
    current = path if path in urls else ""
    context = {"block": {"lines": lines}, "current": current}
    html = remembered(site, lambda: render_to_string(block.template, context), "sidebar html", name, current)
    return ShownBlock(lines, html)


def _cached_lines(site: SiteSettings) -> dict[str, Sequence[Any]]:
    """Return the lines of each block, from the cache that processes share if one of them has read them."""
    key = f"sidebar:{site.entries_version}:{get_language()}"
    lines: dict[str, Sequence[Any]] | None = cache.get(key)
    if lines is None:
        first, *others = (
            block.rows().order_by().annotate(block=Value(name, output_field=CharField()))
            for name, block in sidebar_blocks.items()
            if block.rows
        )
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for *columns, name in first.union(*others, all=True).order_by():
            rows[name].append(Row(*columns))
        lines = {name: sidebar_blocks[name].arrange(found) for name, found in rows.items()}
        cache.set(key, lines, site.seconds_to_next_change)
    return lines


ZERO: Final = Value(0, output_field=IntegerField())
EMPTY: Final = Value("", output_field=CharField())


@dataclass(frozen=True, slots=True)
class Line:
    """A link in the sidebar. `count` is how many posts it leads to, `depth` its level in a tree, starting from 0."""

    title: str
    url: str
    count: int = 0
    depth: int = 0


def _page_rows() -> QuerySet[Any, Any]:
    return Page.objects.published().filter(parent=None).values_list("menu_order", ZERO, "title", "path", ZERO)


def _page_lines(rows: Sequence[Row]) -> Sequence[Line]:
    return [
        Line(row.label or gettext("(no title)"), reverse("blog:page", args=[row.path]))
        for row in sorted(rows, key=lambda row: (row.first, row.label.casefold()))
    ]


def _category_rows() -> QuerySet[Any, Any]:
    # All posts of each category without those that are hidden, which are few. Both are counted in indexes.
    hidden = Entry.objects.exclude(public_condition()).values("pk")
    filed = Entry.categories.through._default_manager.filter(category=OuterRef("pk"))
    total = _count(filed) - _count(filed.filter(entry__in=hidden))
    return Category.objects.annotate(total=total).values_list(ZERO, ZERO, "name", "path", "total")


def _count(rows: QuerySet[Any, Any]) -> Coalesce:
    counts = rows.order_by().values("category").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


def _category_lines(rows: Sequence[Row]) -> Sequence[Line]:
    names = {row.path: row.label.casefold() for row in rows}
    # With those that contain one. Others may have nothing but drafts, which readers must not learn about.
    with_posts = {path for row in rows if row.total for path in accumulate(row.path.split("/"), "{}/{}".format)}

    def names_from_the_top(row: Row) -> list[str]:
        return [names.get(path, "") for path in accumulate(row.path.split("/"), "{}/{}".format)]

    return [
        Line(row.label, reverse("blog:category", args=[row.path]), row.total, row.path.count("/"))
        for row in sorted(rows, key=names_from_the_top)
        if row.path in with_posts
    ]


def _month_rows() -> Any:
    months = Post.objects.published().values(month=month_of_post()).annotate(total=Count("pk"))
    # The same in each row: whether there are these pages.
    pages = months.annotate(has_archive=has_archive(), has_authors=has_authors())
    return pages.values_list("has_archive", "has_authors", "month", EMPTY, "total")


def _archive_lines(rows: Sequence[Row]) -> Sequence[Line]:
    """Return lines for the overviews, and one for each year, the newest first."""
    lines = []
    if rows and rows[0].first:
        lines.append(Line(gettext("Archive"), overview_url(ARCHIVE)))
    if rows and rows[0].second:
        lines.append(Line(gettext("Authors"), overview_url(AUTHORS)))
    newest_first = sorted(rows, key=lambda row: row.label, reverse=True)
    years = [
        Line(str(int(year)), reverse("blog:year", args=[year]), sum(row.total for row in months))
        for year, months in groupby(newest_first, key=lambda row: row.label[:4])
    ]
    return [*lines, *years]


# The blocks of the blog itself.
BLOCKS: Final = {
    "pages": SidebarBlock("blog/sidebar/pages.html", _page_rows, _page_lines),
    "categories": SidebarBlock("blog/sidebar/categories.html", _category_rows, _category_lines),
    "archives": SidebarBlock("blog/sidebar/archives.html", _month_rows, _archive_lines),
    "meta": SidebarBlock("blog/sidebar/meta.html"),
}
