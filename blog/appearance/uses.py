"""What the appearance uses: files of the media library, so that no one deletes them unknowingly, and other objects."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from django import forms
from django.db.models import Q
from django.urls import reverse

from blog.appearance.blocks import sidebar_blocks
from blog.appearance.custom_css import library_urls
from blog.appearance.documents import MENUS, Appearance, read
from blog.appearance.looks import footer_html
from blog.appearance.menus import every_item
from blog.appearance.options import MarkdownField
from blog.appearance.pictures import PictureField
from blog.models import SiteAppearance
from blog.rendering.images import library_file, library_files
from media.models import Picture, Upload
from media.uses import Use, UseFinder, Viewer


def _texts(appearance: Appearance) -> Iterator[str]:
    """Yield the texts in Markdown."""
    yield appearance.footer
    yield from _options(appearance, MarkdownField)


def _pictures(appearance: Appearance) -> Iterator[str]:
    """Yield the IDs of images, or empty strings in their place."""
    yield from (appearance.logo, appearance.header, appearance.icon)
    yield from _options(appearance, PictureField)


def _options(appearance: Appearance, kind: type[forms.Field]) -> Iterator[str]:
    for block in appearance.blocks:
        fields = sidebar_blocks[block["kind"]].options
        yield from (block["options"][name] for name, field in fields.items() if isinstance(field, kind))


def linked_ids(*kinds: str) -> set[int]:
    """Return the IDs of the objects of these kinds that menus link to, and of the home page and the page of posts."""
    ids: set[int] = set()
    for appearance in _appearances():
        items = every_item([item for name in MENUS for item in getattr(appearance, name)])
        ids |= {item["id"] for item in items if item.get("kind") in kinds}
        if "blog:page" in kinds:
            ids |= {int(pk) for pk in (appearance.home, appearance.posts_page) if pk}
    return ids


def _appearances() -> Iterator[Appearance]:
    """Yield the public appearance, and the draft if there is one."""
    row = SiteAppearance.current()
    return map(read, filter(None, (row.document, row.draft)))


def _is_used(model: type[Upload]) -> Q:
    names: set[str] = set()
    ids: set[int] = set()
    for appearance in _appearances():
        names |= library_files("".join(map(footer_html, _texts(appearance))))
        names |= set(map(library_file, library_urls(appearance.css)))
        ids |= {int(pk) for pk in _pictures(appearance) if pk}
    in_texts = Q(file__in=sorted(names))
    return in_texts | Q(pk__in=sorted(ids)) if model is Picture else in_texts


def _find_uses(model: type[Upload], pks: Collection[int], viewer: Viewer) -> Mapping[int, list[Use]]:
    use = Use(str(SiteAppearance._meta.verbose_name), reverse("admin:blog_siteappearance_change", args=[1]))
    rows: Any = model._default_manager.filter(_is_used(model), pk__in=pks)
    return {pk: [use] for pk in rows.order_by("pk").values_list("pk", flat=True)}


# Merging pictures changes nothing: a reference to a merged picture shows the one that it was merged into.
USE_FINDER: Final = UseFinder(_is_used, _find_uses)
