"""Tags as targets of menus."""

from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import Exists, OuterRef

from blog.appearance.menus import MenuTarget, Target
from tags.models import Tag
from tags.tagging import tag_url


def _load(ids: Collection[int]) -> Mapping[int, Target]:
    tags = Tag.objects.filter(pk__in=ids).annotate(is_known=Exists(Tag.objects.known().filter(pk=OuterRef("pk"))))
    return {tag.pk: Target(tag.name, tag_url(tag.slug), tag.is_known) for tag in tags}


MENU_TARGET: Final = MenuTarget(Tag, lambda arguments: Tag.objects.filter(slug=arguments["slug"]), _load)
