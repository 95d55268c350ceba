"""The sidebar: blocks that apps register, read with one query and rendered once until the next change."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, NamedTuple

from django import forms
from django.core.cache import cache
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from blog.appearance.blocks import Options, SidebarBlock, default_blocks, sidebar_blocks
from blog.appearance.looks import footer_html, look_of
from blog.appearance.options import CountField, LinksField, MarkdownField, read_links
from blog.appearance.pictures import PictureField, find_picture, image_html
from blog.models import Category, Entry, Page, Post, Status
from blog.models.tree import paths_to
from blog.overviews import ARCHIVE, AUTHORS, has_archive, has_authors, month_of_post, overview_url
from core.dates import format_month
from core.models import SiteSettings
from core.prepared import Parameter, Prepared, together
from core.scripts import language_of
from core.text import by_name

# In CSS pixels.
_ABOUT_WIDTH: Final = 240


class ShownBlock(NamedTuple):
    """A block for one page: its `lines`, and their `html`; or else the `template` to render.

    Its `key` is unique on the page. An empty `title` stands for that of its kind.
    """

    lines: Sequence[Any] = ()
    html: SafeString = SafeString()
    template: str = ""
    key: str = ""
    title: str = ""
    options: Options = {}


def sidebar(site: SiteSettings, url: str) -> dict[str, ShownBlock]:
    """Return the blocks for the page at `url`. Takes one query for each version of entries, or none if cached."""
    blocks = site.remember(lambda: _blocks(site), "sidebar blocks")
    # A link to the page itself is marked. All other pages have the same blocks.
    current = url if any(url in urls for _kind, _block, urls in blocks) else ""

    def show() -> dict[str, ShownBlock]:
        return {block.key: _show(site, kind, block, urls, current) for kind, block, urls in blocks}

    return site.remember(show, "sidebar", current)


def _blocks(site: SiteSettings) -> Sequence[tuple[SidebarBlock, ShownBlock, Set[str]]]:
    """Return the blocks of the site in their order, each with its kind and the URLs of its lines, but without HTML."""
    chosen = look_of(site).appearance.blocks or default_blocks()
    lines = _cached_lines(site, {block["kind"] for block in chosen})
    counts: Counter[str] = Counter()
    blocks = []
    for block in chosen:
        name = block["kind"]
        kind = sidebar_blocks[name]
        if kind.is_empty(block["options"]):
            continue
        counts[name] += 1
        key = name if counts[name] == 1 else f"{name}-{counts[name]}"
        shown = kind.choose(lines.get(name, ()), block["options"])
        urls = {getattr(each, "url", "") for line in shown for each in (line, *getattr(line, "below", ()))}
        blocks.append((kind, ShownBlock(shown, key=key, title=block["title"], options=block["options"]), urls))
    return blocks


def _show(site: SiteSettings, kind: SidebarBlock, block: ShownBlock, urls: Set[str], page: str) -> ShownBlock:
    if not (kind.rows or kind.is_same_on_every_page):
        return block._replace(template=kind.template)
    current = page if page in urls else ""

    def render() -> SafeString:
        more = kind.context(site, block.options)
        return render_to_string(kind.template, {"block": block, "current": current, **more})

    return block._replace(html=site.remember(render, "sidebar html", block.key, current))


def _cached_lines(site: SiteSettings, kinds: Set[str]) -> dict[str, Sequence[Any]]:
    """Return the lines of each kind of block, from the cache that all processes share if one of them has read them."""
    # With the fields, because the release before may have stored lines without one of them.
    key = f"sidebar-lines:{'-'.join(Line.__slots__)}:{site.entries_version}:{get_language()}"
    lines: dict[str, Sequence[Any]] | None = cache.get(key)
    if lines is None:
        now = timezone.now()
        queries = {name: (rows, [now]) for name in kinds if (rows := sidebar_blocks[name].rows)}
        found = together(*queries.values()) if queries else []
        lines = {name: sidebar_blocks[name].arrange(rows) for name, rows in zip(queries, found, strict=True)}
        cache.set(key, lines, site.seconds_to_next_change)
    return lines


@dataclass(frozen=True, slots=True)
class Line:
    """A link in the sidebar. `count` is how many posts it leads to, `depth` its level in a tree, starting from 0.

    `below` are the links to its parts, such as those of a year to its months. `language` is that of its title, if it is
    known.
    """

    title: str
    url: str
    count: int = 0
    depth: int = 0
    below: Sequence["Line"] = ()
    language: str = ""

    @property
    def period(self) -> str:
        """The year or month to whose posts it leads, as in `2019-10`."""
        return self.url.strip("/").replace("/", "-")


@Prepared
def _page_rows(now: Parameter) -> QuerySet[Any, tuple[int, str, str, str]]:
    pages: QuerySet[Any, Page] = Page.objects.published(now).filter(parent=None).order_by()
    return pages.values_list("menu_order", "title", "path", "language")


def _page_lines(rows: Sequence[tuple[int, str, str, str]]) -> Sequence[Line]:
    return [
        Line(title or gettext("(no title)"), reverse("blog:page", args=[path]), language=language if title else "")
        for _order, title, path, language in sorted(rows, key=lambda row: (row[0], by_name(row[1])))
    ]


@Prepared
def _category_rows(now: Parameter) -> QuerySet[Any, tuple[str, str, int]]:
    # All posts of each category minus the hidden ones, which are few. Both are counted from indexes. With one condition
    # for the hidden ones, databases would read all posts to find them, and PostgreSQL even for each category.
    scheduled = Post.objects.filter(status=Status.PUBLISHED, published_at__gt=now)
    others = Post.objects.filter(status__in=[status for status in Status if status != Status.PUBLISHED])
    hidden = scheduled.values("pk").union(others.values("pk"), all=True)
    filed = Entry.categories.through._default_manager.filter(category=OuterRef("pk"))
    total = _count(filed) - _count(filed.filter(entry__in=hidden))
    return Category.objects.annotate(total=total).order_by().values_list("name", "path", "total")


def _count(rows: QuerySet[Any, Any]) -> Coalesce:
    counts = rows.order_by().values("category").annotate(count=Count("*")).values("count")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


def _category_lines(rows: Sequence[tuple[str, str, int]]) -> Sequence[Line]:
    names = {path: by_name(name) for name, path, _total in rows}
    # Includes their ancestors. Other categories may have nothing but drafts, which readers must not learn about.
    with_posts = {above for _name, path, total in rows if total for above in paths_to(path)}

    def names_from_the_top(row: tuple[str, str, int]) -> list[tuple[str, str]]:
        return [names.get(path, ("", "")) for path in paths_to(row[1])]

    return [
        Line(name, reverse("blog:category", args=[path]), total, path.count("/"), language=language_of(name))
        for name, path, total in sorted(rows, key=names_from_the_top)
        if path in with_posts
    ]


@Prepared
def _month_rows(now: Parameter) -> QuerySet[Any, tuple[str, int, bool, bool]]:
    months: Any = Post.objects.published(now).order_by().values(month=month_of_post()).annotate(total=Count("*"))
    # Whether these pages exist, which is the same in each row.
    pages = months.annotate(has_archive=has_archive(now), has_authors=has_authors(now))
    rows: QuerySet[Any, tuple[str, int, bool, bool]] = pages.values_list("month", "total", "has_archive", "has_authors")
    return rows


def _archive_lines(rows: Sequence[tuple[str, int, bool, bool]]) -> Sequence[Line]:
    """Return lines for the overviews, and one for each year with those of its months, the newest first."""
    lines = []
    for _month, _total, has_archive_page, has_authors_page in rows[:1]:
        if has_archive_page:
            lines.append(Line(gettext("Archive"), overview_url(ARCHIVE)))
        if has_authors_page:
            lines.append(Line(gettext("Authors"), overview_url(AUTHORS)))
    months = [_month_line(month, total) for month, total, *_pages in sorted(rows, reverse=True)]
    for year, months_of_year in groupby(months, key=lambda line: line.period[:4]):
        below = tuple(months_of_year)
        count = sum(month.count for month in below)
        lines.append(Line(str(int(year)), reverse("blog:year", args=[year]), count, below=below))
    return lines


def _month_line(text: str, count: int) -> Line:
    year, month = text.split("-")
    name = format_month(dt.date(int(year), int(month), 1))
    return Line(name, reverse("blog:month", args=[year, month]), count)


def _archive_lines_shown(lines: Sequence[Line], options: Options) -> Sequence[Line]:
    return lines if options["style"] != "list" else [replace(line, below=()) for line in lines]


def _recent_posts(site: SiteSettings, options: Options) -> dict[str, Any]:
    posts: Any = Post.objects.published().for_titles().newest_first()
    return {"posts": list(posts[: options["count"]])}


def _text(site: SiteSettings, options: Options) -> dict[str, Any]:
    return {"html": footer_html(options["text"])}


def _about(site: SiteSettings, options: Options) -> dict[str, Any]:
    picture = find_picture(options["picture"])
    image = image_html(picture, picture.alt, max_width=_ABOUT_WIDTH) if picture else ""
    return {"image": image, **_text(site, options)}


def _links(site: SiteSettings, options: Options) -> dict[str, Any]:
    return {"links": read_links(options["links"])}


# The blocks of the blog itself.
BLOCKS: Final = {
    "pages": SidebarBlock("blog/sidebar/pages.html", _page_rows, _page_lines, label=_("Pages"), order=20),
    "categories": SidebarBlock(
        "blog/sidebar/categories.html",
        _category_rows,
        _category_lines,
        label=_("Categories"),
        options={"hide_counts": forms.BooleanField(label=_("Hide post counts"), required=False, initial=False)},
        order=30,
    ),
    "archives": SidebarBlock(
        "blog/sidebar/archives.html",
        _month_rows,
        _archive_lines,
        _archive_lines_shown,
        label=_("Archives"),
        options={
            "style": forms.ChoiceField(
                label=_("Archives"),
                choices=[
                    ("list", _("Years")),
                    ("months", _("Years that open to show their months")),
                    ("select", _("A list of years and months to choose from")),
                ],
                initial="list",
            )
        },
        order=50,
    ),
    "meta": SidebarBlock("blog/sidebar/meta.html", label=_("Login and feeds"), order=70),
    "about": SidebarBlock(
        "blog/sidebar/about.html",
        is_same_on_every_page=True,
        label=_("About"),
        options={"picture": PictureField(label=_("Picture"), initial=""), "text": MarkdownField()},
        contents=("picture", "text"),
        context=_about,
        is_default=False,
    ),
    "recent-posts": SidebarBlock(
        "blog/sidebar/recent_posts.html",
        is_same_on_every_page=True,
        label=_("Recent posts"),
        options={"count": CountField(5)},
        context=_recent_posts,
        is_default=False,
    ),
    "links": SidebarBlock(
        "blog/sidebar/links.html",
        is_same_on_every_page=True,
        label=_("Links"),
        options={"links": LinksField(label=_("Links"))},
        contents=("links",),
        context=_links,
        is_default=False,
        is_repeatable=True,
    ),
    "text": SidebarBlock(
        "blog/sidebar/text.html",
        is_same_on_every_page=True,
        label=_("Text"),
        options={"text": MarkdownField()},
        contents=("text",),
        context=_text,
        is_default=False,
        is_repeatable=True,
    ),
    "feeds": SidebarBlock("blog/sidebar/feeds.html", is_same_on_every_page=True, label=_("Feeds"), is_default=False),
}
