"""Which files of the media library the appearance uses, so that nobody deletes them unaware."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse

from blog.appearance.custom_css import library_urls
from blog.appearance.documents import read
from blog.appearance.looks import footer_html
from blog.models import SiteAppearance
from blog.rendering.images import library_file, library_files
from media.models import Picture, Upload
from media.uses import Use, UseFinder


def _names() -> set[str]:
    """Return the names of the files in what is public and in the draft."""
    row = SiteAppearance.current()
    found: set[str] = set()
    for appearance in map(read, filter(None, (row.document, row.draft))):
        found |= library_files(footer_html(appearance.footer)) | set(map(library_file, library_urls(appearance.css)))
    return found


def _is_used(model: type[Upload]) -> Q:
    return Q(file__in=sorted(_names()))


def _find_uses(model: type[Upload], pks: Collection[int]) -> Mapping[int, list[Use]]:
    use = Use(str(SiteAppearance._meta.verbose_name), reverse("admin:blog_siteappearance_change", args=[1]))
    rows: Any = model._default_manager.filter(_is_used(model), pk__in=pks)
    return {pk: [use] for pk in rows.order_by("pk").values_list("pk", flat=True)}


def _alternative_texts(picture: Picture) -> list[str]:
    return []


def _move(source: Picture, target: Picture) -> list[int]:
    """Change nothing: it is used in texts only, where the URL of the first picture leads to the second."""
    return []


def _move_back(source: Picture, target: Picture, ids: Collection[int]) -> None:
    """Change nothing, as `_move`."""


USE_FINDER: Final = UseFinder(_is_used, _find_uses, _alternative_texts, _move, _move_back)
