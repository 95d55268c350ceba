"""The items of an export that describe files. The files themselves come later (wordpress.importing.steps.files)."""

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.translation import gettext as _

from blog.models.redirect import MAX_LENGTH, normalise_path
from comments.personal_data import Erasures
from core.http import host_of
from media.models import Document, Picture
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import DOCUMENTS, PICTURES, fingerprint_of
from wordpress.importing.limits import max_length
from wordpress.importing.media_source import file_name
from wordpress.importing.preserved import attachment_fields, preserve, preserve_unknown
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, add_redirect
from wordpress.importing.report import ATTACHMENTS, Outcome
from wordpress.importing.steps.skipped import changed_on_both_sides, in_export_twice, skip_comments
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.models import Attachment
from wordpress.wxr.records import ALT, Item
from wordpress.wxr.values import plain_line, plain_lines

_MAX_URL_LENGTH: Final = max_length(Attachment, "url")
# The limits of the texts that our own exports contain. Captions and descriptions have none here.
_MAX_LENGTHS: Final = {
    **{name: max_length(Attachment, name) for name in ("title", "alt", "credit")},
    **dict.fromkeys(("caption", "description"), 100_000),
}
# The fields that an export sets.
_EXPORTED: Final = (
    *("wordpress_id", "url", "guid", "path", "former_path", "link", "title", "caption", "alt", "credit"),
    *("description", "parent", "menu_order", "uploaded_by_id", "uploaded_at"),
)
# These contain the URL of the blog.
_URLS: Final = {"url", "guid", "link"}


def import_attachments(context: ImportContext) -> None:
    """Store the export's description of each file, or report why not."""
    seen: set[int] = set()
    for batch in context.spool.attachments.chunks():
        # Pairs of an item and the reason to skip it, empty if it is imported.
        reasons = []
        for item in batch:
            reason = in_export_twice() if item.recorded_id in seen else _reason_to_skip(item)
            reasons.append((item, reason))
            if not reason:
                seen.add(item.recorded_id)
        write_batch(context, _import, context, reasons)
        context.advance(len(batch))


def redirect_to_files(attachments: Iterable[Attachment]) -> None:
    """Redirect the old URLs of files that are here, and those of their pages."""
    for attachment in attachments:
        upload = attachment.picture or attachment.document
        if upload is None or attachment.on_other_host:
            continue
        # If two sites have a file at the same path, the first keeps it.
        add_missing_redirects((url, upload) for url in (attachment.url, attachment.guid) if _is_file(legacy_key(url)))
        if attachment.wordpress_id is None:
            continue
        if not legacy_key(attachment.link).startswith("/?"):
            add_redirect(attachment.link, upload)
        add_id_redirects(attachment.site, {attachment.wordpress_id: upload})


def _import(context: ImportContext, reasons: Sequence[tuple[Item, str]]) -> None:
    for item, reason in reasons:
        if reason:
            context.report.skip(ATTACHMENTS, item.id, plain_line(item.title), reason, item.attachment_url)
        skip_comments(
            context, item, _("It is on a file, and files have no comments here. It is kept and exported again.")
        )
    preserve_unknown(context, [item for item, reason in reasons if reason and reason != in_export_twice()])
    items = {item.recorded_id: item for item, reason in reasons if not reason}
    known = Attachment.objects.filter(site=context.site, wordpress_id__in=items)
    stored = {attachment.wordpress_id: attachment for attachment in known.select_related("picture", "document")}
    exports = {wordpress_id: _read(context, item) for wordpress_id, item in items.items()}
    without_item = _find_without_item(context, [exports[each] for each in exports if each not in stored])
    new, changed, updated = [], [], 0
    pks = {attachment.wordpress_id: attachment.pk for attachment in stored.values()}
    for wordpress_id, exported in exports.items():
        here = stored.get(wordpress_id)
        if here is None and (here := without_item.pop(exported.path, None)):
            context.ledger.add(ATTACHMENTS, wordpress_id, here.pk, is_new=False)
            pks[wordpress_id] = here.pk
        if here is None:
            new.append(exported)
        elif names := [name for name in _EXPORTED if getattr(here, name) != getattr(exported, name)]:
            _update_upload(context, here, exported, names)
            # A URL counts as unchanged if only the blog's own URL in it has changed.
            updated += any(
                name not in _URLS or legacy_key(getattr(here, name)) != legacy_key(getattr(exported, name))
                for name in names
            )
            if (host_of(here.url), here.path) != (host_of(exported.url), exported.path):
                # Texts that show the file were rendered with its old URL, so they must be rendered again.
                here.is_shown = False
            for name in names:
                setattr(here, name, getattr(exported, name))
            changed.append(here)
    for attachment in Attachment.objects.bulk_create(new):
        context.ledger.add(ATTACHMENTS, attachment.wordpress_id or 0, attachment.pk)
        pks[attachment.wordpress_id] = attachment.pk
    erasures = Erasures()
    fields = {pks[wordpress_id]: attachment_fields(item, erasures) for wordpress_id, item in items.items()}
    preserve(context, ATTACHMENTS, "attachment", fields)
    if changed:
        Attachment.objects.bulk_update(changed, [*_EXPORTED, "is_shown"], batch_size=100)
        redirect_to_files(changed)
    context.report.count(ATTACHMENTS, Outcome.IMPORTED, len(new))
    context.report.count(ATTACHMENTS, Outcome.UPDATED, updated)
    context.report.count(ATTACHMENTS, Outcome.UNCHANGED, len(items) - len(new) - updated)


def _find_without_item(context: ImportContext, exported: Sequence[Attachment]) -> dict[str, Attachment]:
    """Return, by path, the stored attachments for files that earlier exports only referred to in texts."""
    paths = [attachment.path for attachment in exported if attachment.path]
    own = Attachment.objects.filter(site=context.site, wordpress_id=None, on_other_host=False, path__in=paths)
    return {attachment.path: attachment for attachment in own.select_related("picture", "document")}


def _reason_to_skip(item: Item) -> str:
    if not item.recorded_id:
        return _("It has no ID of its own.")
    if _file_url(item):
        return ""
    if host_of(item.attachment_url):
        return _("The URL of its file does not say what kind of file it is.")
    return _("The export does not say where its file is.")


def _read(context: ImportContext, item: Item) -> Attachment:
    url = _file_url(item)
    guid = item.guid if host_of(item.guid) and len(item.guid) <= _MAX_URL_LENGTH else ""
    attachment = Attachment(
        site=context.site,
        wordpress_id=item.recorded_id,
        url=url,
        guid=guid,
        path=_path(url),
        former_path=_path(guid),
        link=item.link[: max_length(Attachment, "link")],
        title=plain_line(item.title)[: max_length(Attachment, "title")],
        caption=plain_lines(item.excerpt),
        alt=plain_line(item.field(ALT))[: max_length(Attachment, "alt")],
        description=plain_lines(item.content),
        parent=item.parent,
        menu_order=item.menu_order,
        uploaded_by_id=context.author_ids.get(item.author),
        uploaded_at=item.published_at,
    )
    if extension := item.extension:
        for name, limit in _MAX_LENGTHS.items():
            if name in extension.texts and len(extension.texts[name]) <= limit:
                setattr(attachment, name, extension.texts[name])
        attachment.uploaded_at = extension.datetimes.get("uploaded_at") or attachment.uploaded_at
    return attachment


def _update_upload(context: ImportContext, stored: Attachment, exported: Attachment, names: Iterable[str]) -> None:
    """Update the texts of the picture or document that have changed, unless they were changed here."""
    upload: Picture | Document | None = stored.picture or stored.document
    fields = [name for name in ("title", "caption", "alt", "credit") if name in names and hasattr(upload, name)]
    if upload is None or not fields:
        return
    updated = [name for name in fields if getattr(upload, name) == _text(stored, name)]
    for name in updated:
        setattr(upload, name, _text(exported, name))
    if updated:
        upload.save(update_fields=updated)
    if len(updated) < len(fields):
        context.report.note(ATTACHMENTS, exported.wordpress_id or 0, exported.title, changed_on_both_sides())
    else:
        kind = PICTURES if isinstance(upload, Picture) else DOCUMENTS
        context.ledger.add(kind, stored.wordpress_id or 0, upload.pk, stored=fingerprint_of(upload), is_new=False)


def _text(attachment: Attachment, name: str) -> str:
    """Return the text of a field of a picture or document. The title defaults to the name of the file."""
    default = file_name(attachment).rpartition(".")[0][: max_length(Attachment, "title")] if name == "title" else ""
    return getattr(attachment, name) or default


def _file_url(item: Item) -> str:
    """Return the URL of the file. Old exports contain it only in the GUID, and some programs in the link."""
    urls = (url for url in (item.attachment_url, item.guid, item.link) if host_of(url) and len(url) <= _MAX_URL_LENGTH)
    return next((url for url in urls if _is_file(legacy_key(url))), "")


def _is_file(key: str) -> bool:
    return key.startswith("/") and "." in key.rpartition("/")[2] and not key.startswith("/?")


def _path(url: str) -> str:
    path = normalise_path(legacy_key(url))
    return path if len(path) <= MAX_LENGTH else ""
