"""Attachments in an export: pictures, documents, and files of imported sites that are missing on this site."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched
from operator import attrgetter
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from core.site import absolute_url
from media.models import Document, Picture
from wordpress.exporting.fields import differing_values, extension_field, post_meta
from wordpress.exporting.ids import ExportIds
from wordpress.importing.redirects import entries_by_id
from wordpress.models import Attachment
from wordpress.wxr.elements import format_datetime, item_element, local_time, text_to_html, utc_time
from wordpress.wxr.extensions import clean_for_xml
from wordpress.wxr.records import ALT
from wordpress.wxr.values import aware_datetime, plain_line, plain_lines

_CHUNK_SIZE: Final = 200


def attachment_items(logins: Mapping[int, str], ids: ExportIds) -> Iterator[str]:
    """Return an item for each file. `logins` are the usernames by key."""
    for batch in batched(_attachments(ids), _CHUNK_SIZE, strict=False):
        parents = _parents([attachment for attachment, _id, _name in batch])
        for attachment, post_id, name in batch:
            yield _item(attachment, post_id, parents.get(attachment.pk, 0), logins, name)


def _attachments(ids: ExportIds) -> Iterator[tuple[Attachment, int, str]]:
    """Yield each attachment with its ID in the export and the name of its file; empty if this site has no file."""
    for model in (Picture, Document):
        uploads: QuerySet[Picture | Document] = model._default_manager.order_by("pk").prefetch_related("attachments")
        for upload in uploads.iterator(_CHUNK_SIZE):
            yield _as_attachment(upload), ids.for_upload(model, upload.pk), str(upload.file.name)
    for attachment in Attachment.objects.without_file().order_by("pk").iterator(_CHUNK_SIZE):
        yield attachment, ids.for_missing_file(attachment), ""


def _parents(attachments: Sequence[Attachment]) -> dict[int, int]:
    """Return the IDs of the posts and pages to which `attachments` were uploaded, by the attachments' keys."""
    parent_ids: dict[int, int] = {}
    for site in {attachment.site for attachment in attachments}:
        parents = {each.pk: each.parent for each in attachments if each.site == site and each.parent}
        entries = entries_by_id(site, parents.values())
        parent_ids |= {pk: entries[parent].pk for pk, parent in parents.items() if parent in entries}
    return parent_ids


def _as_attachment(upload: Picture | Document) -> Attachment:
    """Return the attachment from which `upload` was imported, or a new one, with the current values of `upload`."""
    url = upload.file.url
    url = url if "://" in url else absolute_url(url)
    imported: Iterable[Attachment] = upload.attachments.all()
    attachment = min(imported, key=attrgetter("pk"), default=None) or Attachment(url=url, link=url)
    attachment.guid = attachment.guid or attachment.url
    attachment.url = url
    attachment.title = upload.title
    if isinstance(upload, Picture):
        attachment.caption, attachment.alt = upload.caption, upload.alt
    attachment.uploaded_by_id, attachment.uploaded_at = upload.uploaded_by_id, upload.uploaded_at
    return attachment


def _item(attachment: Attachment, post_id: int, parent: int, logins: Mapping[int, str], file_name: str) -> str:
    uploaded_at = attachment.uploaded_at
    local = local_time(uploaded_at or timezone.now()).replace(microsecond=0)
    title, alt = text_to_html(attachment.title), text_to_html(attachment.alt)
    caption, description = text_to_html(attachment.caption), text_to_html(attachment.description)
    extension = differing_values(
        {
            "title": (attachment.title, plain_line(clean_for_xml(title))),
            "alt": (attachment.alt, plain_line(clean_for_xml(alt))),
            "caption": (attachment.caption, plain_lines(clean_for_xml(caption))),
            "description": (attachment.description, plain_lines(clean_for_xml(description))),
            "uploaded_at": (uploaded_at, aware_datetime(local) if uploaded_at else None),
        }
    )
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
        extension_field("postmeta", extension, title, description, caption, "", date=local),
    ]
    creator = logins.get(attachment.uploaded_by_id or 0, "")
    return item_element(title, attachment.link, creator, attachment.guid, description, caption, values, inside)
