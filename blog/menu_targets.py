"""Entries and categories as targets of menus."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from blog.appearance.menus import MenuTarget, Target
from blog.models import Category, Entry, Page, Post


def _find_page(arguments: Mapping[str, Any]) -> QuerySet[Any]:
    return Page.objects.filter(path=arguments["path"])


def _find_post(arguments: Mapping[str, Any]) -> QuerySet[Any]:
    return Post.objects.at(**arguments)


def _find_category(arguments: Mapping[str, Any]) -> QuerySet[Any]:
    return Category.objects.filter(path=arguments["path"])


def _entries(ids: Collection[int]) -> Mapping[int, Target]:
    entries = Entry.objects.without_texts().filter(pk__in=ids)
    return {entry.pk: Target(str(entry), entry.get_absolute_url(), entry.is_public) for entry in entries}


def _categories(ids: Collection[int]) -> Mapping[int, Target]:
    is_known = Exists(Category.objects.known().filter(pk=OuterRef("pk")))
    categories = Category.objects.filter(pk__in=ids).annotate(is_known=is_known)
    return {each.pk: Target(each.name, each.get_absolute_url(), each.is_known) for each in categories}


MENU_TARGETS: Final = {
    "blog:page": MenuTarget(Page, _find_page, _entries),
    "blog:post": MenuTarget(Post, _find_post, _entries),
    "blog:category": MenuTarget(Category, _find_category, _categories),
}
