"""Which files of the media library the appearance uses, so that nobody deletes them unaware."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from blog.appearance.custom_css import library_urls
from blog.appearance.documents import read
from blog.appearance.looks import footer_html
from blog.models import SiteAppearance
from blog.rendering.images import library_file, library_files
from media.models import Picture, Upload
from media.uses import Use, UseFinder

# The values of a document that are IDs of images.
_PICTURES: Final = ("logo", "header", "icon")


def _documents(row: SiteAppearance) -> list[Any]:
    """Return what is public, and the draft if there is one."""
    return list(filter(None, (row.document, row.draft)))


def _is_used(model: type[Upload]) -> Q:
    names: set[str] = set()
    ids: set[int] = set()
    for appearance in map(read, _documents(SiteAppearance.current())):
        names |= library_files(footer_html(appearance.footer)) | set(map(library_file, library_urls(appearance.css)))
        ids |= {int(pk) for name in _PICTURES if (pk := getattr(appearance, name))}
    in_texts = Q(file__in=sorted(names))
    return in_texts | Q(pk__in=sorted(ids)) if model is Picture else in_texts


def _find_uses(model: type[Upload], pks: Collection[int]) -> Mapping[int, list[Use]]:
    use = Use(str(SiteAppearance._meta.verbose_name), reverse("admin:blog_siteappearance_change", args=[1]))
    rows: Any = model._default_manager.filter(_is_used(model), pk__in=pks)
    return {pk: [use] for pk in rows.order_by("pk").values_list("pk", flat=True)}


def _alternative_texts(picture: Picture) -> list[str]:
    return []


def _move(source: Picture, target: Picture) -> list[int]:
    """Put `target` in the place of `source`, and return the places, counted through the document and the draft."""
    return _replace(source, target, range(2 * len(_PICTURES)))


def _move_back(source: Picture, target: Picture, places: Collection[int]) -> None:
    _replace(source, target, places)


@transaction.atomic
def _replace(source: Picture, target: Picture, places: Collection[int]) -> list[int]:
    row, _created = SiteAppearance.objects.select_for_update().get_or_create(pk=1)
    replaced = []
    for place in places:
        document, name = (row.document, row.draft)[place // len(_PICTURES)], _PICTURES[place % len(_PICTURES)]
        if document and document.get(name) == str(source.pk):
            document[name] = str(target.pk)
            replaced.append(place)
    if replaced:
        row.save()
    return replaced


USE_FINDER: Final = UseFinder(_is_used, _find_uses, _alternative_texts, _move, _move_back)
