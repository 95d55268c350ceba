"""The lists of posts and pages: tabs, filters, search and columns."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, cast
from urllib.parse import unquote

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Q, QuerySet, Value, prefetch_related_objects
from django.db.models.functions import StrIndex, Substr
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.admin.autosaving import editing_sentence
from blog.admin.entry_actions import EntryActions
from blog.admin.filters import AuthorFilter, LanguageFilter, PublicationFilter, StatusFilter
from blog.admin.title_cell import TitleCells
from blog.editing.autosaves import editors_of
from blog.entry_lists import EntryColumn, entry_columns, entry_searches, text_searches
from blog.models import TEXTS, Entry, Page, Post, Status, date_in_lists, open_note_count
from blog.permissions import sees_others
from blog.rendering.images import by_file_name, library_files
from core.change_list import FilterChangeList, IdPaginator, Tab
from core.dates import format_datetime
from core.word_search import has_word, split_words
from media.models import Picture

_MAX_SEARCHED_WORDS: Final = 8
# How many of the newest entries with a URL in their text are found. Longer lists are not useful.
_MAX_WITH_URL: Final = 5_000
_STATES: Final = {
    Status.PUBLISHED.value: pgettext_lazy("posts or pages", "Published"),
    "scheduled": pgettext_lazy("posts or pages", "Scheduled"),
    Status.DRAFT.value: pgettext_lazy("posts or pages", "Drafts"),
    Status.PENDING.value: pgettext_lazy("posts or pages", "Pending review"),
    Status.PRIVATE.value: pgettext_lazy("posts or pages", "Private"),
    Status.TRASH.value: pgettext_lazy("posts or pages", "Trash"),
}


class EntryChangeList(FilterChangeList):
    """A list that does not load the texts, and looks up what its rows show for the whole page at once."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.tabs = self._tabs(request)

    @property
    def filters(self) -> list[Any]:
        # The tabs replace the status filter.
        return [spec for spec in self.filter_specs if not isinstance(spec, StatusFilter)]

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        entries = super().get_queryset(request, *args, **kwargs).defer(*TEXTS)
        counted: QuerySet[Any] = entries.annotate(open_notes=open_note_count())
        return counted

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # Evaluate the query once, so that the objects that get their cells here are the ones that are rendered.
        entries: list[Any] = list(self.result_list)
        if self.model is Post:
            prefetch_related_objects(entries, "categories", "tags")
        pictures = picture_urls(entries)
        editors = editors_of([entry.pk for entry in entries], cast("User", request.user))
        columns = {name: column.cells(request, entries) for name, column in entry_columns.items()}
        query = f"?{self.preserved_filters}" if self.preserved_filters else ""
        url = reverse(f"admin:blog_{self.opts.model_name}_changelist")
        title_cells = TitleCells(request.user, self.model_admin.has_add_permission(request), url, query)
        for entry in entries:
            editing = editing_sentence(editors.get(entry.pk, []))
            entry.title_html = title_cells.html(entry, picture_url=pictures.get(entry.pk, ""), editing=editing)
            entry.cells = {name: cells.get(entry.pk, "") for name, cells in columns.items()}
        self.result_list = entries
        empty = {name for name, cells in columns.items() if not cells}
        self.list_display = [name for name in self.list_display if getattr(name, "__name__", "") not in empty]

    def _tabs(self, request: HttpRequest) -> list[Tab]:
        """Return a tab for each status that has entries. Takes two queries, each answered from an index alone."""
        entries: Any = self.root_queryset.order_by()
        later = Count("pk", filter=Q(status=Status.PUBLISHED, published_at__gt=timezone.now()))
        counts: dict[str, int] = {"scheduled": 0}
        for status, count, scheduled in entries.values_list("status").annotate(Count("pk"), scheduled=later):
            counts[status] = count - scheduled
            counts["scheduled"] += scheduled
        in_trash = counts.get(Status.TRASH, 0)
        state, author, mine = self.params.get("state"), self.params.get("author"), str(request.user.pk)
        everything = sum(counts.values()) - in_trash
        tabs = [Tab(gettext("All"), "?", state is None and author != mine, everything)]
        if self.model is not Post or sees_others(request.user):
            own = entries.filter(author=request.user.pk).exclude(status=Status.TRASH).count()
            tabs.append(Tab(gettext("Mine"), f"?author={mine}", state is None and author == mine, own))
        for name, label in _STATES.items():
            tabs.append(Tab(str(label), f"?state={name}", state == name, counts.get(name, 0)))
        return [tab for tab in tabs if tab.count or tab.is_current or tab.query == "?"]


def picture_urls(entries: Sequence[Any]) -> dict[int, str]:
    """Return thumbnail URLs by entry ID, of the featured image or else the first image in the text. Takes two queries.

    Only images from the media library are included: the Content-Security-Policy would block any others.
    """
    featured = {entry.pk: entry.featured_picture and entry.featured_picture.shown for entry in entries}
    urls = {pk: picture.thumbnail_url for pk, picture in featured.items() if picture}
    others = Entry.objects.filter(pk__in=[entry.pk for entry in entries if entry.pk not in urls])
    # The database cuts out the element, so that the whole text isn't transferred.
    at = StrIndex("body_html", Value("<img "))
    elements = others.filter(body_html__contains="<img ").annotate(element=Substr("body_html", at, 600))
    names = {}
    for pk, element in elements.values_list("pk", "element"):
        for name in library_files(element.partition(">")[0]):
            names[pk] = name
    found = Picture.objects.filter(file__in=set(names.values())).select_related("merged_into")
    pictures = by_file_name(found)
    return urls | {pk: pictures[name].thumbnail_url for pk, name in names.items() if name in pictures}


class EntryList(EntryActions):
    """The list in the admins of posts and pages."""

    change_list_template = "admin/blog/entry_list.html"
    list_filter: ClassVar[Any] = (StatusFilter, AuthorFilter, LanguageFilter, PublicationFilter)
    list_select_related = ("author", "featured_picture")
    list_display: Any = ("title_cell", "author_cell", "date_cell")
    list_display_links = None
    list_per_page = 50
    paginator = IdPaginator
    # It would count all entries again.
    show_full_result_count = False
    search_fields: ClassVar[Any] = ("title", "slug")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryChangeList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display, *(_cell(name, column) for name, column in entry_columns.items())]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Return the entries with all of these words in their text, or in their title, URL and tags."""
        words = split_words(search_term)[:_MAX_SEARCHED_WORDS]
        if not words:
            return queryset, False
        entries = self.model._default_manager.order_by()
        with_all = entries
        for word in words:
            with_all = with_all.filter(pk__in=self._with_word(word))
        found = {pk for search in text_searches.values() for pk in search(words)}
        # A union, because for alternatives with subqueries, PostgreSQL may run these again for each entry.
        with_text = entries.filter(pk__in=found).values("pk")
        return queryset.filter(pk__in=with_all.values("pk").union(with_text, all=True)), False

    def _with_word(self, word: str) -> QuerySet[Any]:
        """Return the IDs of the entries with this word in their title, URL or tags."""
        found = has_word(word, *self.search_fields)
        if "/" in word:
            # The URL of the entry, or one in its text, which the search for words in texts doesn't find.
            slug = unquote(word.partition("?")[0]).rstrip("/").rpartition("/")[2]
            # Reading all texts takes seconds with 100,000 posts, so only once for the count and the page.
            texts = self.model._default_manager.filter(source__contains=word).order_by("-pk")
            found |= Q(slug=slug) | Q(pk__in=list(texts.values_list("pk", flat=True)[:_MAX_WITH_URL]))
        entries: Any = self.model._default_manager.filter(found).order_by().values("pk")
        ids: QuerySet[Any] = entries.union(*(search(word) for search in entry_searches.values()), all=True)
        return ids

    @admin.display(description=_("title"), ordering="title")
    def title_cell(self, entry: Any) -> SafeString:
        html: SafeString = entry.title_html
        return html

    @admin.display(description=_("author"), ordering="author__display_name")
    def author_cell(self, entry: Entry) -> SafeString:
        return format_html('<a href="?author={}">{}</a>', entry.author_id, entry.author)

    @admin.display(description=_("order"), ordering="menu_order")
    def order_cell(self, page: Page) -> int:
        return page.menu_order

    @admin.display(description=_("categories"), empty_value="")
    def categories_cell(self, post: Post) -> SafeString:
        links = ((category.pk, category) for category in post.sorted_categories)
        return format_html_join(", ", '<a href="?category={}">{}</a>', links)

    @admin.display(description=_("date"), ordering=date_in_lists())
    def date_cell(self, entry: Entry) -> str:
        if entry.published_at is not None:
            return format_datetime(entry.published_at)
        return gettext("Last changed %(time)s") % {"time": format_datetime(entry.modified_at)}


def _cell(name: str, column: EntryColumn) -> Callable[[Any], str]:
    @admin.display(description=column.label, empty_value="")
    def cell(entry: Any) -> str:
        content: str = entry.cells[name]
        return content

    cell.__name__ = name
    return cell
