"""Pages in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from blog.admin.entries import EntryAdmin
from blog.admin.filters import LanguageFilter, StatusFilter
from blog.admin.forms import PageForm
from blog.admin.trees import indented, tree_order
from blog.models import Page
from blog.permissions import may_edit


@admin.register(Page)
class PageAdmin(EntryAdmin):
    form = PageForm
    list_display = ("in_tree", "author", "state", "menu_order", "comment_count", "on_site")
    list_filter = (StatusFilter, LanguageFilter)
    search_fields = ("title", "path")
    readonly_fields = ("written_in", "modified_at")

    def get_ordering(self, request: HttpRequest) -> Any:
        return [tree_order()]

    @admin.display(description=_("title"), ordering=tree_order())
    def in_tree(self, page: Page) -> SafeString:
        return indented(page)

    def get_fieldsets(self, request: HttpRequest, obj: Page | None = None) -> Any:
        writing = ["title", "source"]
        details = ["slug", "excerpt", "featured_picture", "language", "comments_open", "author"]
        if obj is not None:
            details += ["written_in", "modified_at"]
            if may_edit(request.user, obj):
                writing.append("version")
        return [
            (None, {"fields": writing, "classes": ["writing"]}),
            (_("Place"), {"fields": ["parent", "menu_order"]}),
            (_("Publishing"), {"fields": ["status", "published_at"]}),
            (_("Details"), {"fields": details}),
        ]
