"""Tags as targets of menus."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from blog.appearance.menus import MenuTarget, Target
from tags.models import Tag
from tags.tagging import tag_url


def _find(arguments: Mapping[str, Any]) -> QuerySet[Any]:
    return Tag.objects.filter(slug=arguments["slug"])


def _load(ids: Collection[int]) -> Mapping[int, Target]:
    return {tag.pk: Target(tag.name, tag_url(tag.slug)) for tag in Tag.objects.filter(pk__in=ids)}


MENU_TARGET: Final = MenuTarget(Tag, _find, _load)
