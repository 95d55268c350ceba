"""The items of an export for files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched
from operator import attrgetter
from typing import Final

from django.db.models import QuerySet

from core.site import absolute_url
from media.models import Document, Picture
from wordpress.exporting.ids import ExportIds
from wordpress.exporting.preserved import Preserved
from wordpress.importing.redirects import entries_by_id
from wordpress.models import Attachment
from wordpress.wxr import elements
from wordpress.wxr.dates import aware_datetime
from wordpress.wxr.elements import differing_values, extension_field, text_to_html
from wordpress.wxr.extensions import clean_for_xml
from wordpress.wxr.records import ALT
from wordpress.wxr.values import plain_line, plain_lines

_CHUNK_SIZE: Final = 200


def attachment_items(logins: Mapping[int, str], ids: ExportIds) -> Iterator[Iterator[str]]:
    """Yield an item, in parts, for each file. `logins` are the usernames by the users' keys."""
    for batch in batched(_attachments(ids), _CHUNK_SIZE):
        parents = _parents([attachment for attachment, _id, _name in batch], ids)
        for attachment, post_id, name in batch:
            yield _attachment_item(attachment, post_id, parents.get(attachment.pk, 0), logins, name)


def _attachments(ids: ExportIds) -> Iterator[tuple[Attachment, int, str]]:
    """Yield each attachment with its ID in the export and its file name, which is empty if this site has no file."""
    for model in (Picture, Document):
        uploads: QuerySet[Picture | Document] = (
            model.objects.served().order_by("pk").prefetch_related("attachments__preserved")
        )
        for upload in uploads.iterator(_CHUNK_SIZE):
            yield _as_attachment(upload), ids.for_upload(model, upload.pk), str(upload.file.name)
    without_file = Attachment.objects.from_items().without_file().select_related("preserved").order_by("pk")
    for attachment in without_file.iterator(_CHUNK_SIZE):
        yield attachment, ids.for_missing_file(attachment), ""


def _parents(attachments: Sequence[Attachment], ids: ExportIds) -> dict[int, int]:
    """Return the IDs of the posts, pages and preserved items to which `attachments` were uploaded, by their keys."""
    parent_ids: dict[int, int] = {}
    for site in {attachment.site for attachment in attachments}:
        parents = {each.pk: each.parent for each in attachments if each.site == site and each.parent}
        entries = entries_by_id(site, parents.values())
        for pk, parent in parents.items():
            if parent in entries:
                parent_ids[pk] = entries[parent].pk
            elif ids.has_preserved_item(site, parent):
                parent_ids[pk] = ids.for_preserved_item(site, parent)
    return parent_ids


def _as_attachment(upload: Picture | Document) -> Attachment:
    """Return the attachment that `upload` was imported from, or a new one, with the current values of `upload`."""
    url = upload.file.url
    url = url if "://" in url else absolute_url(url)
    imported: Iterable[Attachment] = upload.attachments.all()
    attachment = min(imported, key=attrgetter("pk"), default=None) or Attachment(url=url, link=url)
    if attachment.wordpress_id is None or not attachment.guid:
        # An attachment without an item had no GUID in the export, and texts refer to it by this URL.
        attachment.guid = attachment.url
    attachment.url = url
    attachment.title = upload.title
    if isinstance(upload, Picture):
        attachment.caption, attachment.alt, attachment.credit = upload.caption, upload.alt, upload.credit
    attachment.uploaded_by_id, attachment.uploaded_at = upload.uploaded_by_id, upload.uploaded_at
    return attachment


def _attachment_item(
    attachment: Attachment, post_id: int, parent: int, logins: Mapping[int, str], file: str
) -> Iterator[str]:
    uploaded_at = attachment.uploaded_at
    local = elements.local_time(uploaded_at) if uploaded_at else None
    utc = elements.utc_time(uploaded_at) if uploaded_at else None
    preserved = Preserved(attachment)
    title = preserved.line("title", attachment.title)
    caption = preserved.lines("excerpt:encoded", attachment.caption)
    description = preserved.lines("content:encoded", attachment.description)
    alt = next((value for key, value in preserved.meta if key == ALT and plain_line(value) == attachment.alt), None)
    alt = text_to_html(attachment.alt) if alt is None else alt
    extension = differing_values(
        {
            "title": (attachment.title, plain_line(clean_for_xml(title))),
            "alt": (attachment.alt, plain_line(clean_for_xml(alt))),
            "caption": (attachment.caption, plain_lines(clean_for_xml(caption))),
            "credit": (attachment.credit, ""),
            "description": (attachment.description, plain_lines(clean_for_xml(description))),
            "uploaded_at": (uploaded_at, aware_datetime(local)),
        }
    )
    texts: dict[str, object] = {
        **elements.ITEM_DEFAULTS,
        "title": title,
        "link": attachment.link,
        "pubDate": elements.format_rss_date(utc),
        "dc:creator": logins.get(attachment.uploaded_by_id or 0, ""),
        "guid": attachment.guid,
        "content:encoded": description,
        "excerpt:encoded": caption,
        "wp:post_id": post_id,
        "wp:post_date": elements.format_datetime(local),
        "wp:post_date_gmt": elements.format_datetime(utc),
        "wp:status": "inherit",
        "wp:post_parent": parent,
        "wp:menu_order": attachment.menu_order,
        "wp:post_type": "attachment",
        "wp:attachment_url": attachment.url,
    }
    texts |= preserved.wp_elements()
    inside = [
        *preserved.term_elements(),
        extension_field("postmeta", extension, title, description, caption, str(texts["wp:post_name"]), date=local),
        *preserved.meta_elements("postmeta", {"_wp_attached_file": file, ALT: alt}),
        *preserved.comment_elements(),
    ]
    return elements.item_parts(texts, inside)
