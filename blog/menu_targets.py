"""Entries and categories as targets of menus."""

from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import Exists, OuterRef

from blog.appearance.menus import MenuTarget, Target
from blog.models import Category, Entry, Page, Post


def _entries(ids: Collection[int]) -> Mapping[int, Target]:
    entries = Entry.objects.without_texts().filter(pk__in=ids)
    return {entry.pk: Target(str(entry), entry.get_absolute_url(), entry.is_public) for entry in entries}


def _categories(ids: Collection[int]) -> Mapping[int, Target]:
    is_known = Exists(Category.objects.known().filter(pk=OuterRef("pk")))
    categories = Category.objects.filter(pk__in=ids).annotate(is_known=is_known)
    return {each.pk: Target(each.name, each.get_absolute_url(), each.is_known) for each in categories}


MENU_TARGETS: Final = {
    "blog:page": MenuTarget(Page, lambda arguments: Page.objects.filter(path=arguments["path"]), _entries),
    "blog:post": MenuTarget(Post, lambda arguments: Post.objects.at(**arguments), _entries),
    "blog:category": MenuTarget(
        Category, lambda arguments: Category.objects.filter(path=arguments["path"]), _categories
    ),
}
