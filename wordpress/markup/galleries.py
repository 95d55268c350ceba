"""Galleries: `[gallery ids="…"]` shows the pictures with these IDs, `[gallery]` the pictures attached to its post."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape

from django.utils.translation import gettext

from media.models import Picture
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.models import Attachment

_MAX_PICTURES = 500
# In all galleries of a text. Further ones stay as text.
_MAX_QUERIES = 100
_MAX_CHARACTERS = 1_000_000
# About that of a picture's HTML without its texts.
_ITEM_LENGTH = 200

# Takes the IDs of pictures; without IDs, that of the post or page to which they are attached (0: the one being
# rendered). Returns the known pictures by ID, in their order. All these IDs are those of the old site.
type PictureFinder = Callable[[Sequence[int], int], Mapping[int, Picture | None]]


def find_pictures(origin: Origin, ids: Sequence[int], parent: int) -> dict[int, Picture]:
    """Find pictures of the text's site (PictureFinder). If that is unknown, the first site that used an ID counts."""
    attachments = Attachment.objects.filter(picture__isnull=False).select_related("picture")
    if ids:
        attachments = attachments.filter(wordpress_id__in=ids)
    elif parent := parent or origin.wordpress_id:
        attachments = attachments.filter(parent=parent)
    else:
        return {}
    if origin.site is not None:
        attachments = attachments.filter(site=origin.site)
    pictures: dict[int, Picture] = {}
    for attachment in attachments.order_by("menu_order", "wordpress_id", "pk")[:_MAX_PICTURES]:
        if attachment.picture and attachment.wordpress_id is not None:
            pictures.setdefault(attachment.wordpress_id, attachment.picture)
    return pictures


def limited(find: PictureFinder) -> PictureFinder:
    """Return a finder for one text, which finds nothing more once galleries take too many queries or characters."""
    queries = characters = 0

    @cache
    def find_once(ids: tuple[int, ...], parent: int) -> Mapping[int, Picture | None]:
        nonlocal queries
        queries += 1
        return find(ids, parent) if queries <= _MAX_QUERIES else {}

    def find_limited(ids: Sequence[int], parent: int) -> Mapping[int, Picture | None]:
        nonlocal characters
        found = find_once(tuple(ids), parent)
        pictures = [picture for wordpress_id in ids or found if (picture := found.get(wordpress_id))]
        characters += sum(_ITEM_LENGTH + len(f"{each.alt}{each.caption}") for each in pictures)
        return found if characters <= _MAX_CHARACTERS else {}

    return find_limited


def gallery_html(attributes: Mapping[str, str], find: PictureFinder) -> str:
    """Return the figure for a gallery shortcode with these attributes. Empty if none of its pictures is known."""
    if listed := attributes.get("ids") or attributes.get("include"):
        ids = parse_ids(listed)[:_MAX_PICTURES]
        known = find(ids, 0) if ids else {}
    else:
        known = find((), next(iter(parse_ids(attributes.get("id", ""))), 0))
        excluded = set(parse_ids(attributes.get("exclude", "")))
        ids = [wordpress_id for wordpress_id in known if wordpress_id not in excluded]
        if attributes.get("order", "").upper() == "DESC":
            ids.reverse()
    if not known or not ids:
        return ""
    columns = attributes.get("columns", "")
    columns = columns if columns in set("123456789") else "3"
    linked = attributes.get("link") != "none"
    # WordPress shows small copies there, all of the same size.
    cropped = "" if "size" in attributes else " is-cropped"
    items = "".join(_item(wordpress_id, known.get(wordpress_id), linked=linked) for wordpress_id in ids)
    return f'<figure class="wp-block-gallery columns-{columns}{cropped}"><ul>{items}</ul></figure>'


def parse_ids(attribute: str) -> list[int]:
    """Return the IDs in an attribute of a gallery, which separates them with commas or spaces."""
    parts = attribute.replace(",", " ").split()
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 17]


def _item(wordpress_id: int, picture: Picture | None, *, linked: bool) -> str:
    if picture is None:
        # It tells editors what to look for.
        return f"<li>{escape(gettext('Picture %(id)s is missing.') % {'id': wordpress_id})}</li>"
    url = escape(picture.file.url)
    # A link that holds nothing but an image is called what its image is.
    alt = picture.alt or (linked and (picture.caption or str(picture))) or ""
    html = f'<img src="{url}" alt="{escape(alt)}">'
    if linked:
        html = f'<a href="{url}">{html}</a>'
    if picture.caption:
        html = f"<figure>{html}<figcaption>{escape(picture.caption)}</figcaption></figure>"
    return f"<li>{html}</li>"
