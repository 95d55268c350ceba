"""Posts, pages and categories in the admin."""

from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog import publishing
from blog.admin.bulk_edit import BulkEditAction
from blog.admin.calendar import CalendarView
from blog.admin.entry_list import EntryList, TitledChangeList
from blog.admin.filters import AuthorFilter, CategoryFilter, DateFilter, LanguageFilter, StatusFilter
from blog.admin.forms import CategoryForm, PageForm, PostForm
from blog.admin.quick_edit import QuickEdit, QuickPageForm, QuickPostForm
from blog.admin.results import state_of
from blog.admin.trees import indented, tree_order
from blog.models import Category, Entry, Page, Post, Status, date_in_lists
from blog.permissions import Anyone, edits_others, may_delete, may_edit, may_publish, may_view
from blog.rendering.markups import markups


class EntryAdmin(BulkEditAction, QuickEdit, EntryList):
    """The base of the admins of posts and pages, which name the columns and the fields of their own kind."""

    # The title and fields of the fieldset between the text and “Publishing”.
    own_fieldset: ClassVar[tuple[Any, list[str]]]

    readonly_fields = ("markup_label", "modified_at")
    # Pictures are chosen in a separate window, because there can be thousands.
    raw_id_fields = ("featured_picture",)

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_view_permission(request, obj) if obj is None else may_view(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_change_permission(request, obj) if obj is None else may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return super().has_delete_permission(request, obj) if obj is None else may_delete(request.user, obj)

    # The form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the entry. When it is about to be saved, its row is locked, so that others wait for this save."""
        entry = super().get_object(request, object_id, from_field)
        if entry is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            entry.refresh_from_db(from_queryset=self.model._default_manager.select_for_update())
            entry.previous_state = state_of(entry)
        return entry

    def get_form(self, request: HttpRequest, obj: Entry | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user  # type: ignore[attr-defined]  # an EntryForm
        if "published_at" in form.base_fields:
            form.base_fields["published_at"].help_text = gettext(
                "Leave empty to publish immediately, or set a future time to schedule. It is now %(now)s in the "
                "site's time zone, %(zone)s."
            ) % {"zone": settings.TIME_ZONE.replace("_", " "), "now": date_format(localtime(), "DATETIME_FORMAT")}
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Entry | None = None) -> Any:
        user = request.user
        editable = obj is None or may_edit(user, obj)
        writing = ["title", "source"]
        details = ["slug", "excerpt", "featured_picture", "language", "comments_open", *self.get_editor_fields(user)]
        if obj is not None:
            details += ["markup_label", "modified_at"]
            writing += ["version"] if editable else []
        # A form that can't be changed shows the time to everyone.
        publishing = ["status", "published_at"] if may_publish(user, self.model) or not editable else ["status"]
        publishing += ["password"]
        own_title, own_fields = self.own_fieldset
        return [
            (None, {"fields": writing, "classes": ["writing"]}),
            (own_title, {"fields": own_fields}),
            (_("Publishing"), {"fields": publishing}),
            (_("Details"), {"fields": details}),
        ]

    def get_editor_fields(self, user: Anyone) -> list[str]:
        """Return the fields that only users who may change everyone's entries can set."""
        return ["author"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"author": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "author":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        authors = self.model._default_manager.order_by().values("author")
        people = User.objects.filter(Q(is_staff=True) | Q(pk__in=authors)).order_by("display_name", "pk")
        # Without the icons for changing and deleting users, which the method of the parent adds.
        return self.formfield_for_foreignkey(db_field, request, queryset=people, **kwargs)

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        categories, tags = (form.cleaned_data.get(name) for name in ("categories", "tags"))
        publishing.save_entry(obj, cast("User", request.user), categories=categories, tags=tags)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing, because categories and tags were saved together with the entry."""

    def response_add(self, request: HttpRequest, obj: Entry, post_url_continue: str | None = None) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Show our own message, as Django's only says that something was added or changed."""
        self.report_saved(request, obj)
        if "_continue" in request.POST:
            url = reverse(f"admin:blog_{obj.kind}_change", args=[obj.pk])
        elif "_addanother" in request.POST:
            url = reverse(f"admin:blog_{obj.kind}_add")
        else:
            return self.response_post_save_change(request, obj)
        filters: dict[str, Any] = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(filters, url))

    def view_on_site(self, obj: Any) -> str:
        """Return the URL of the page that readers see, or of its preview."""
        return str(obj.get_absolute_url() if obj.is_public else obj.get_preview_url())

    @admin.display(description=_("format"))
    def markup_label(self, entry: Entry) -> str:
        markup = markups.get(entry.markup)
        return markup.label if markup else entry.markup


@admin.register(Post)
class PostAdmin(CalendarView, EntryAdmin):
    form = PostForm
    quick_form = QuickPostForm
    quick_fields = ("title", "slug", "published_at", "status", "categories", "tags", "version")
    own_fieldset = (_("Categories and tags"), ["categories", "tags"])
    list_display = ("title_cell", "author_cell", "categories_cell", "date_cell")
    list_filter = (StatusFilter, CategoryFilter, AuthorFilter, LanguageFilter, DateFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        posts = super().get_queryset(request)
        return posts if edits_others(request.user) else posts.filter(author_id=request.user.pk)

    def get_ordering(self, request: HttpRequest) -> Any:
        # What is published or scheduled has a date, so the order is that of the index that also has the status.
        is_dated = request.GET.get("state") in (Status.PUBLISHED, "scheduled")
        return ("-published_at", "-pk") if is_dated else (date_in_lists().desc(), "-pk")

    def get_editor_fields(self, user: Anyone) -> list[str]:
        return ["sticky", "author"] if edits_others(user) else []


@admin.register(Page)
class PageAdmin(EntryAdmin):
    form = PageForm
    quick_form = QuickPageForm
    quick_fields = ("title", "slug", "published_at", "status", "parent", "menu_order", "version")
    own_fieldset = (_("Page attributes"), ["parent", "menu_order"])
    list_display = ("title_cell", "author_cell", "menu_order", "date_cell")
    search_fields = ("title", "path")
    ordering = (tree_order(),)


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin[Any]):
    form = CategoryForm
    list_display = ("indented_name", "slug", "post_count")
    search_fields = ("name", "path")
    ordering = (tree_order(),)
    list_per_page = 200

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TitledChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Category.objects.annotate(post_count=Count("posts"))

    @admin.display(description=_("name"), ordering=tree_order())
    def indented_name(self, category: Category) -> SafeString:
        return indented(category)

    @admin.display(description=_("posts (including drafts)"), ordering="post_count")
    def post_count(self, category: Any) -> int:
        return category.post_count  # type: ignore[no-any-return]  # annotated in get_queryset

    def view_on_site(self, obj: Category) -> str:
        return obj.get_absolute_url()
