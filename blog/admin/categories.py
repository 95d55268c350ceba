"""Categories in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from blog.admin.forms import CategoryForm
from blog.admin.trees import indented, tree_order
from blog.models import Category


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin[Any]):
    form = CategoryForm
    list_display = ("indented_name", "slug", "post_count")
    search_fields = ("name", "path")
    ordering = (tree_order(),)
    list_per_page = 200

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
