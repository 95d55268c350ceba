"""Galleries: `[gallery ids="…"]` shows the pictures that had these numbers, `[gallery]` those uploaded to its post."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from wordpress.models import Attachment
from wordpress.origins import Origin

_MAX_PICTURES = 500


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """A picture to show: `address` of what is shown, `whole` of the file; `caption` is plain text."""

    address: str
    whole: str = ""
    alt: str = ""
    caption: str = ""


class Pictures(Protocol):
    """What the library knows of the old site's pictures. A number that is not known is left out."""

    def numbered(self, numbers: list[int]) -> Mapping[int, GalleryPicture]:
        """The pictures that had these numbers."""
        ...

    def of_post(self, number: int) -> Mapping[int, GalleryPicture]:
        """Those uploaded to the post or page that had this number, in their order; 0: to the one that is rendered."""
        ...


class AnyPicture:
    """Knows every number, to find out what is a gallery."""

    def numbered(self, numbers: list[int]) -> Mapping[int, GalleryPicture]:
        return dict.fromkeys(numbers, GalleryPicture("/"))

    def of_post(self, number: int) -> Mapping[int, GalleryPicture]:
        return self.numbered([1])


class PicturesOf:
    """The pictures that a text means by their numbers: those of the site that it came from.

    Where that is not known, as of a text that was not imported, the first site that had the number counts.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def numbered(self, numbers: list[int]) -> Mapping[int, GalleryPicture]:
        return self._shown(wordpress_id__in=numbers)

    def of_post(self, number: int) -> Mapping[int, GalleryPicture]:
        own = number or self._origin.number
        return self._shown(parent=own) if own else {}

    def _shown(self, **which: Any) -> dict[int, GalleryPicture]:
        attachments = Attachment.objects.filter(picture__isnull=False, **which).select_related("picture")
        if (site := self._origin.site) is not None:
            attachments = attachments.filter(site=site)
        found: dict[int, GalleryPicture] = {}
        for attachment in attachments.order_by("menu_order", "wordpress_id", "pk")[:_MAX_PICTURES]:
            if picture := attachment.picture:
                url = picture.file.url
                shown = GalleryPicture(url, url, picture.alt, picture.caption)
                found.setdefault(attachment.wordpress_id, shown)
        return found


def gallery(attributes: Mapping[str, str], pictures: Pictures) -> str:
    """The figure that a gallery shortcode with these attributes means; nothing if none of its pictures is here.

    In place of a single one that is missing stands its number, so that an editor sees what to look for.
    """
    ids = _numbers(attributes.get("ids") or attributes.get("include"))[:_MAX_PICTURES]
    if ids:
        known = pictures.numbered(ids)
    elif attributes.get("ids") or attributes.get("include"):
        known = {}
    else:
        known = pictures.of_post(next(iter(_numbers(attributes.get("id"))), 0))
        left_out = set(_numbers(attributes.get("exclude")))
        ids = [number for number in known if number not in left_out]
        if attributes.get("order", "").upper() == "DESC":
            ids.reverse()
    if not known or not ids:
        return ""
    columns = attributes.get("columns", "3")
    columns = columns if len(columns) == 1 and columns in "123456789" else "3"
    linked = attributes.get("link") != "none"
    items = "".join(_item(number, known.get(number), linked=linked) for number in ids)
    return f'<figure class="wp-block-gallery columns-{columns}"><ul>{items}</ul></figure>'


def _numbers(written: str | None) -> list[int]:
    words: Iterable[str] = (written or "").replace(",", " ").split()
    return [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 17]


def _item(number: int, picture: GalleryPicture | None, *, linked: bool) -> str:
    if picture is None:
        # Stored for all readers, so in the language of the site.
        with translation.override(settings.LANGUAGE_CODE):
            return f"<li>{escape(gettext('Picture %(number)s is not here.') % {'number': number})}</li>"
    html = f'<img src="{escape(picture.address)}" alt="{escape(picture.alt)}">'
    if linked and picture.whole:
        html = f'<a href="{escape(picture.whole)}">{html}</a>'
    if picture.caption:
        html = f"<figure>{html}<figcaption>{escape(picture.caption)}</figcaption></figure>"
    return f"<li>{html}</li>"
