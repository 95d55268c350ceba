"""Posts and pages in the admin."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.admin.autosaving import AutosaveMixin
from blog.admin.bulk_edit import BulkEditAction
from blog.admin.calendar import CalendarView
from blog.admin.conversion import ConversionMixin
from blog.admin.entry_form import EntryFormAdmin
from blog.admin.entry_list import EntryList
from blog.admin.filters import AuthorFilter, CategoryFilter, LanguageFilter, PublicationFilter, StatusFilter, TagFilter
from blog.admin.forms import PageForm, PostForm
from blog.admin.quick_edit import QuickEdit, QuickPageForm, QuickPostForm
from blog.admin.review_notes import ReviewNotesMixin
from blog.admin.revisions import RevisionsMixin
from blog.admin.trees import tree_order
from blog.models import Entry, Page, Post, Status, date_in_lists
from blog.permissions import Anyone, edits_others, may_delete, may_edit, may_view, seen_by
from core.kind_messages import KindMessages


class EntryAdmin(
    ReviewNotesMixin,
    RevisionsMixin,
    AutosaveMixin,
    ConversionMixin,
    BulkEditAction,
    QuickEdit,
    EntryList,
    EntryFormAdmin,
):
    """The base class for the admins of posts and pages, which add the columns and fields of their kind."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return seen_by(request.user, super().get_queryset(request, *args, **kwargs))

    def has_view_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_view_permission(request, obj) if obj is None else may_view(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_change_permission(request, obj) if obj is None else may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_delete_permission(request, obj) if obj is None else may_delete(request.user, obj)


@admin.register(Post)
class PostAdmin(CalendarView, EntryAdmin):
    form = PostForm
    kind_messages = KindMessages(
        add=_("Add post"),
        empty=_("No posts yet."),
        edit=_("Edit post"),
        view=_("View post"),
        delete=_("Delete post"),
        deleted=_("Post “{object}” deleted."),
        question=_("Delete the post “{object}” permanently? This can't be undone."),
    )
    own_fieldsets = [(_("Categories"), ["categories"]), (_("Tags"), ["tags"])]
    quick_form = QuickPostForm
    quick_fields = ("title", "slug", "published_at", "categories", "tags")
    list_display = ("title_cell", "author_cell", "categories_cell", "date_cell")
    search_help_text = _("Searches titles, URLs, tags and texts.")
    list_filter = (StatusFilter, CategoryFilter, TagFilter, AuthorFilter, LanguageFilter, PublicationFilter)

    def get_ordering(self, request: HttpRequest) -> Any:
        # Published and scheduled posts always have a date, so this order can use the index that includes the status.
        is_dated = request.GET.get("state") in (Status.PUBLISHED, "scheduled")
        return ("-published_at", "-pk") if is_dated else (date_in_lists().desc(), "-pk")

    def get_fieldsets(self, request: HttpRequest, obj: Entry | None = None) -> Any:
        fieldsets = [*super().get_fieldsets(request, obj), (_("Co-authors"), {"fields": ["co_authors"]})]
        if obj is not None and getattr(obj, "has_enclosures", False) and may_edit(request.user, obj):
            fieldsets.append((_("Enclosed files"), {"fields": ["removed_enclosures"]}))
        return fieldsets

    def get_editor_fields(self, user: Anyone) -> list[str]:
        return ["sticky", "author"] if edits_others(user) else []

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        """Save the post, after the category that is added with it."""
        if form.add_category():
            record(Action.ADDED, [form.category], by=cast("User", request.user))
        super().save_model(request, obj, form, change)
        if removed := form.cleaned_data.get("removed_enclosures"):
            removed.delete()


@admin.register(Page)
class PageAdmin(EntryAdmin):
    form = PageForm
    kind_messages = KindMessages(
        add=_("Add page"),
        empty=_("No pages yet."),
        edit=_("Edit page"),
        view=_("View page"),
        delete=_("Delete page"),
        deleted=_("Page “{object}” deleted."),
        question=_("Delete the page “{object}” permanently? This can't be undone."),
    )
    own_fieldsets = [(_("Page attributes"), ["parent", "menu_order"])]
    quick_form = QuickPageForm
    quick_fields = ("title", "slug", "published_at", "parent", "menu_order")
    list_display = ("title_cell", "author_cell", "order_cell", "date_cell")
    search_fields = ("title", "path")
    search_help_text = _("Searches titles, URLs and texts.")
    ordering = (tree_order(),)
