"""`[gallery ids="…"]`: the pictures of the library that came with these numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

_MAX_PICTURES = 500


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """A picture to show: `address` of what is shown, `whole` of the file; `caption` is plain text."""

    address: str
    whole: str = ""
    alt: str = ""
    caption: str = ""


# Leads from WordPress's numbers of attachments to pictures; a number that is not known is left out.
type Pictures = Callable[[list[int]], Mapping[int, GalleryPicture]]

ANY_PICTURE = GalleryPicture("/")


def no_pictures(ids: Iterable[int]) -> Mapping[int, GalleryPicture]:
    """For a site whose library knows no numbers of WordPress."""
    return {}


def gallery(attributes: Mapping[str, str], pictures: Pictures) -> str:
    """The figure that a gallery shortcode with these attributes means; nothing if none of its pictures is here.

    In place of a single one that is missing stands its number, so that an editor sees what to look for.
    """
    written = attributes.get("ids") or attributes.get("include") or ""
    ids = [int(number) for number in written.replace(",", " ").split() if number.isascii() and number.isdecimal()]
    known = pictures(ids[:_MAX_PICTURES]) if ids else {}
    if not known:
        return ""
    columns = attributes.get("columns", "3")
    columns = columns if len(columns) == 1 and columns in "123456789" else "3"
    linked = attributes.get("link") != "none"
    items = "".join(_item(number, known.get(number), linked=linked) for number in ids[:_MAX_PICTURES])
    return f'<figure class="wp-block-gallery columns-{columns}"><ul>{items}</ul></figure>'


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
