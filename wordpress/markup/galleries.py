"""Gallery and playlist shortcodes, which show the files with the IDs in `ids`, or those attached to their post."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape

from django.utils.translation import gettext

from media.file_types import file_type_of
from media.models import Picture, Upload
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.models import Attachment

_MAX_FILES = 500
# The limits for all galleries and playlists of a text together. Those beyond a limit show nothing.
_MAX_QUERIES = 100
_MAX_CHARACTERS = 1_000_000
# The approximate length of a file's HTML without its texts.
_ITEM_LENGTH = 200

# Takes the IDs of files or, if there are none, the ID of the post or page that they are attached to (0 for the one
# being rendered). Returns the known files by ID, in order. All IDs are those of the old site.
type UploadFinder = Callable[[Sequence[int], int], Mapping[int, Upload | None]]


def find_uploads(origin: Origin, ids: Sequence[int], parent: int) -> dict[int, Upload]:
    """Return files of the text's site (see UploadFinder). If that is unknown, the first site that used an ID counts."""
    attachments = Attachment.objects.with_file().select_related("picture", "document")
    if ids:
        attachments = attachments.filter(wordpress_id__in=ids)
    elif parent := parent or origin.wordpress_id:
        attachments = attachments.filter(parent=parent)
    else:
        return {}
    if origin.site is not None:
        attachments = attachments.filter(site=origin.site)
    uploads: dict[int, Upload] = {}
    for attachment in attachments.order_by("menu_order", "wordpress_id", "pk")[:_MAX_FILES]:
        upload = attachment.picture or attachment.document
        if upload and attachment.wordpress_id is not None:
            uploads.setdefault(attachment.wordpress_id, upload)
    return uploads


def limited(find: UploadFinder) -> UploadFinder:
    """Return a finder for one text that finds nothing once its galleries have taken too many queries or characters."""
    queries = characters = 0

    @cache
    def find_once(ids: tuple[int, ...], parent: int) -> Mapping[int, Upload | None]:
        nonlocal queries
        queries += 1
        return find(ids, parent) if queries <= _MAX_QUERIES else {}

    def find_limited(ids: Sequence[int], parent: int) -> Mapping[int, Upload | None]:
        nonlocal characters
        found = find_once(tuple(ids), parent)
        uploads = [upload for wordpress_id in ids or found if (upload := found.get(wordpress_id))]
        characters += sum(_ITEM_LENGTH + _length_of_texts(each) for each in uploads)
        return found if characters <= _MAX_CHARACTERS else {}

    return find_limited


def gallery_html(attributes: Mapping[str, str], find: UploadFinder) -> str:
    """Return the figure for a gallery shortcode with these attributes; empty if none of its pictures is known."""
    shown = _chosen(attributes, find, lambda upload: isinstance(upload, Picture))
    if not shown:
        return ""
    columns = attributes.get("columns", "")
    columns = columns if columns in set("123456789") else "3"
    linked = attributes.get("link") != "none"
    # By default, WordPress shows small copies, all of the same size.
    cropped = "" if "size" in attributes else " is-cropped"
    items = "".join(_picture(wordpress_id, upload, linked=linked) for wordpress_id, upload in shown)
    return f'<figure class="wp-block-gallery columns-{columns}{cropped}"><ul>{items}</ul></figure>'


def playlist_html(attributes: Mapping[str, str], find: UploadFinder) -> str:
    """Return the players for a playlist shortcode with these attributes; empty if none of its files is known."""
    kind = "video" if attributes.get("type") == "video" else "audio"
    shown = _chosen(attributes, find, lambda upload: _media_type(upload).startswith(f"{kind}/"))
    items = "".join(_player(kind, upload) for _id, upload in shown)
    tag = "ul" if attributes.get("tracknumbers") in {"false", "0"} else "ol"
    return f"<{tag}>{items}</{tag}>" if items else ""


def parse_ids(attribute: str) -> list[int]:
    """Return the IDs in an attribute of a gallery, separated by commas or spaces."""
    parts = attribute.replace(",", " ").split()
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 17]


def _chosen(
    attributes: Mapping[str, str], find: UploadFinder, is_of_kind: Callable[[Upload], bool]
) -> list[tuple[int, Upload | None]]:
    """Return the IDs selected by a shortcode with these attributes, with their files; empty if none is known."""
    named = attributes.get("ids") or attributes.get("include") or ""
    listed = parse_ids(named)[:_MAX_FILES]
    if named and not listed:
        return []
    found = find(listed, 0) if listed else find((), next(iter(parse_ids(attributes.get("id", ""))), 0))
    known = {wordpress_id: each for wordpress_id, each in found.items() if each is None or is_of_kind(each)}
    excluded = set(parse_ids(attributes.get("exclude", "")))
    attached = [wordpress_id for wordpress_id in known if wordpress_id not in excluded]
    if attributes.get("order", "").upper() == "DESC":
        attached.reverse()
    return [(wordpress_id, known.get(wordpress_id)) for wordpress_id in listed or attached] if known else []


def _picture(wordpress_id: int, picture: Upload | None, *, linked: bool) -> str:
    if not isinstance(picture, Picture):
        # Tells editors which picture to look for.
        return f"<li>{escape(gettext('Picture %(id)s is missing.') % {'id': wordpress_id})}</li>"
    url = escape(picture.file.url)
    # A link that contains only an image is named by the image's alternative text.
    alt = picture.alt or (linked and (picture.caption or str(picture))) or ""
    html = f'<img src="{url}" alt="{escape(alt)}">'
    if linked:
        html = f'<a href="{url}">{html}</a>'
    if picture.caption:
        html = f"<figure>{html}<figcaption>{escape(picture.caption)}</figcaption></figure>"
    return f"<li>{html}</li>"


def _player(kind: str, upload: Upload | None) -> str:
    if upload is None:
        return ""
    url, title = escape(upload.file.url), escape(str(upload))
    file_type = file_type_of(str(upload.file.name))
    if file_type and file_type.is_inline:
        return f'<li><figure><{kind} src="{url}"></{kind}><figcaption>{title}</figcaption></figure></li>'
    return f'<li><a href="{url}">{title}</a></li>'


def _media_type(upload: Upload) -> str:
    file_type = file_type_of(str(upload.file.name))
    return file_type.media_type if file_type else ""


def _length_of_texts(upload: Upload) -> int:
    return sum(len(getattr(upload, name, "")) for name in ("title", "alt", "caption"))
