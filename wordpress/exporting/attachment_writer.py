"""Attachments in an export: pictures and documents, and files of imported sites that are not on this site."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from core.site import absolute_url
from media.models import Document, Picture
from wordpress.exporting.fields import post_meta
from wordpress.exporting.ids import ExportIds
from wordpress.importing.redirects import entries_by_id
from wordpress.models import Attachment
from wordpress.wxr.elements import format_datetime, iso_utc, item_element, local_time, text_to_html, utc_time
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, clean_for_xml, to_json
from wordpress.wxr.records import ALT
from wordpress.wxr.values import aware_datetime, plain_line, plain_lines

_CHUNK_SIZE: Final = 200


def attachment_items(logins: Mapping[int, str], ids: ExportIds) -> Iterator[str]:
    """Return an item for each file. `logins` are the usernames by key."""
    models: tuple[type[Picture | Document], ...] = (Picture, Document)
    for model in models:
        for upload, origin, parent in _uploads(model):
            post_id, name = ids.for_upload(model, upload.pk), str(upload.file.name)
            yield _item(_as_attachment(upload, origin), post_id, parent, logins, name)
    for attachment, parent in _missing_files():
        yield _item(attachment, ids.for_missing_file(attachment), parent, logins)


def _uploads(model: type[Picture | Document]) -> Iterator[tuple[Picture | Document, Attachment | None, int]]:
    """Return each upload, the attachment as which it was imported, and the ID of the parent."""
    uploads: QuerySet[Picture | Document] = model._default_manager.order_by("pk").prefetch_related("attachments")
    for some in batched(uploads.iterator(_CHUNK_SIZE), _CHUNK_SIZE, strict=False):
        origins = [min(upload.attachments.all(), key=lambda each: each.pk, default=None) for upload in some]
        parents = _parents([origin for origin in origins if origin])
        for upload, origin in zip(some, origins, strict=True):
            yield upload, origin, parents.get(origin.pk, 0) if origin else 0


def _missing_files() -> Iterator[tuple[Attachment, int]]:
    """Return each attachment whose file is not on this site, and the ID of the parent."""
    missing = Attachment.objects.without_file().order_by("pk")
    for some in batched(missing.iterator(_CHUNK_SIZE), _CHUNK_SIZE, strict=False):
        parents = _parents(some)
        for attachment in some:
            yield attachment, parents.get(attachment.pk, 0)


def _parents(attachments: Sequence[Attachment]) -> dict[int, int]:
    """Return the IDs of the posts and pages to which `attachments` were uploaded, by the attachments' keys."""
    found: dict[int, int] = {}
    for site in {attachment.site for attachment in attachments}:
        parents = {each.pk: each.parent for each in attachments if each.site == site and each.parent}
        entries = entries_by_id(site, parents.values())
        found |= {pk: entries[parent].pk for pk, parent in parents.items() if parent in entries}
    return found


def _as_attachment(upload: Picture | Document, origin: Attachment | None) -> Attachment:
    """Return `upload` as an attachment; `origin` is the one it was imported as, if it was."""
    url = upload.file.url
    url = url if "://" in url else absolute_url(url)
    source = origin or Attachment(url=url, link=url)
    return Attachment(
        url=url,
        guid=source.guid or source.url,
        link=source.link,
        title=upload.title,
        caption=upload.caption if isinstance(upload, Picture) else source.caption,
        alt=upload.alt if isinstance(upload, Picture) else source.alt,
        description=source.description,
        menu_order=source.menu_order,
        uploaded_by_id=upload.uploaded_by_id,
        uploaded_at=upload.uploaded_at,
    )


def _item(attachment: Attachment, post_id: int, parent: int, logins: Mapping[int, str], file_name: str = "") -> str:
    uploaded_at = attachment.uploaded_at
    local = local_time(uploaded_at or timezone.now()).replace(microsecond=0)
    title, alt = text_to_html(attachment.title), text_to_html(attachment.alt)
    caption, description = text_to_html(attachment.caption), text_to_html(attachment.description)
    imported = {
        "title": plain_line(clean_for_xml(title)),
        "alt": plain_line(clean_for_xml(alt)),
        "caption": plain_lines(clean_for_xml(caption)),
        "description": plain_lines(clean_for_xml(description)),
    }
    # What an importer would not read from the fields of WordPress.
    extension: dict[str, Any] = {
        name: getattr(attachment, name) for name, text in imported.items() if getattr(attachment, name) != text
    }
    if uploaded_at and uploaded_at != aware_datetime(local):
        extension["uploaded_at"] = iso_utc(uploaded_at)
    if extension:
        extension = {"mark": checksum(title, description, caption, ""), "date": str(local), **extension}
    values: dict[str, object] = {
        "post_id": post_id,
        "post_date": format_datetime(local if uploaded_at else None),
        "post_date_gmt": format_datetime(utc_time(uploaded_at).replace(microsecond=0) if uploaded_at else None),
        "comment_status": "closed",
        "ping_status": "closed",
        "post_name": "",
        "status": "inherit",
        "post_parent": parent,
        "menu_order": attachment.menu_order,
        "post_type": "attachment",
        "post_password": "",
        "is_sticky": 0,
        "attachment_url": attachment.url,
    }
    inside = [
        post_meta("_wp_attached_file", file_name),
        post_meta(ALT, alt),
        post_meta(EXTENSION_KEY, to_json(extension) if extension else ""),
    ]
    creator = logins.get(attachment.uploaded_by_id or 0, "")
    return item_element(title, attachment.link, creator, attachment.guid, description, caption, values, inside)
