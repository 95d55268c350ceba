"""Categories in the admin."""

from typing import Any

from django.contrib import admin
from django.db import transaction
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
    list_display = ("in_tree", "slug", "number_of_posts")
    search_fields = ("name", "path")
    list_per_page = 200

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Category.objects.annotate(number_of_posts=Count("posts"))

    def get_ordering(self, request: HttpRequest) -> Any:
        return [tree_order()]

    @admin.display(description=_("name"), ordering=tree_order())
    def in_tree(self, category: Category) -> SafeString:
        return indented(category)

    @admin.display(description=_("posts, drafts too"), ordering="number_of_posts")
    def number_of_posts(self, category: Any) -> int:
        return category.number_of_posts  # type: ignore[no-any-return]  # counted with the list

    def view_on_site(self, obj: Category) -> str:
        return obj.get_absolute_url()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        # One by one: `delete` tells the cache of it.
        with transaction.atomic():
            for category in queryset:
                category.delete()
