"""Pages in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from blog.admin.entries import EntryAdmin
from blog.admin.forms import PageForm
from blog.admin.trees import indented, tree_order
from blog.models import Page


@admin.register(Page)
class PageAdmin(EntryAdmin):
    form = PageForm
    own_fieldset = (_("Page attributes"), ["parent", "menu_order"])
    list_display = ("indented_title", "author", "status_label", "menu_order", "comment_count", "on_site")
    search_fields = ("title", "path")

    def get_ordering(self, request: HttpRequest) -> Any:
        return [tree_order()]

    @admin.display(description=_("title"), ordering=tree_order())
    def indented_title(self, page: Page) -> SafeString:
        return indented(page)
