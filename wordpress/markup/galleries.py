"""Galleries: `[gallery ids="…"]` shows the pictures with these IDs, `[gallery]` the pictures attached to its post."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from wordpress.markup.source_site import Origin
from wordpress.models import Attachment

_MAX_PICTURES = 500


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """A picture to show. `full_url` is the URL of the file itself; `caption` is plain text."""

    url: str
    full_url: str = ""
    alt: str = ""
    caption: str = ""


class Pictures(Protocol):
    """The pictures of the old site that are known, by the IDs that they had there."""

    def by_id(self, wordpress_ids: list[int]) -> Mapping[int, GalleryPicture]: ...

    def attached_to(self, wordpress_id: int) -> Mapping[int, GalleryPicture]:
        """Return the pictures attached to the post or page with this ID, in their order. 0: the one being rendered."""
        ...


class AnyPicture:
    """Knows a picture for every ID, to find out which shortcodes are galleries."""

    def by_id(self, wordpress_ids: list[int]) -> Mapping[int, GalleryPicture]:
        return dict.fromkeys(wordpress_ids, GalleryPicture("/"))

    def attached_to(self, wordpress_id: int) -> Mapping[int, GalleryPicture]:
        return self.by_id([1])


class PicturesOfOrigin:
    """The pictures of the site that a text came from.

    If the site is unknown, as for a text that was not imported, the first site that used an ID counts.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def by_id(self, wordpress_ids: list[int]) -> Mapping[int, GalleryPicture]:
        return self._find(wordpress_id__in=wordpress_ids)

    def attached_to(self, wordpress_id: int) -> Mapping[int, GalleryPicture]:
        parent = wordpress_id or self._origin.wordpress_id
        return self._find(parent=parent) if parent else {}

    def _find(self, **conditions: Any) -> dict[int, GalleryPicture]:
        attachments = Attachment.objects.filter(picture__isnull=False, **conditions).select_related("picture")
        if (site := self._origin.site) is not None:
            attachments = attachments.filter(site=site)
        found: dict[int, GalleryPicture] = {}
        for attachment in attachments.order_by("menu_order", "wordpress_id", "pk")[:_MAX_PICTURES]:
            if picture := attachment.picture:
                url = picture.file.url
                shown = GalleryPicture(url, url, picture.alt, picture.caption)
                found.setdefault(attachment.wordpress_id, shown)
        return found


def gallery_html(attributes: Mapping[str, str], pictures: Pictures) -> str:
    """Return the figure for a gallery shortcode with these attributes. Empty if none of its pictures is known.

    For a single missing picture, its ID is shown, so that an editor knows what to look for.
    """
    ids = _ids(attributes.get("ids") or attributes.get("include"))[:_MAX_PICTURES]
    if ids:
        known = pictures.by_id(ids)
    elif attributes.get("ids") or attributes.get("include"):
        known = {}
    else:
        known = pictures.attached_to(next(iter(_ids(attributes.get("id"))), 0))
        excluded = set(_ids(attributes.get("exclude")))
        ids = [wordpress_id for wordpress_id in known if wordpress_id not in excluded]
        if attributes.get("order", "").upper() == "DESC":
            ids.reverse()
    if not known or not ids:
        return ""
    columns = attributes.get("columns", "3")
    columns = columns if len(columns) == 1 and columns in "123456789" else "3"
    linked = attributes.get("link") != "none"
    items = "".join(_item(wordpress_id, known.get(wordpress_id), linked=linked) for wordpress_id in ids)
    return f'<figure class="wp-block-gallery columns-{columns}"><ul>{items}</ul></figure>'


def _ids(attribute: str | None) -> list[int]:
    words: Iterable[str] = (attribute or "").replace(",", " ").split()
    return [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 17]


def _item(wordpress_id: int, picture: GalleryPicture | None, *, linked: bool) -> str:
    if picture is None:
        # This is stored for all readers, so it is in the site's language.
        with translation.override(settings.LANGUAGE_CODE):
            return f"<li>{escape(gettext('Picture %(id)s is missing.') % {'id': wordpress_id})}</li>"
    html = f'<img src="{escape(picture.url)}" alt="{escape(picture.alt)}">'
    if linked and picture.full_url:
        html = f'<a href="{escape(picture.full_url)}">{html}</a>'
    if picture.caption:
        html = f"<figure>{html}<figcaption>{escape(picture.caption)}</figcaption></figure>"
    return f"<li>{html}</li>"
