"""The files of attachments, which are fetched, checked and added to the media library, and featured images.

Each file is stored in a transaction of its own, because that may take minutes. Running an interrupted import again
continues with the missing files, and leaves no unused files in the storage.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import batched
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.media_index import update_media_index
from blog.models import Entry
from blog.rerendering import RerenderResult, rerender
from core.bulk import fetch_rows
from core.changes import content_changed
from core.http import host_of
from core.languages import in_quotes
from media.documents import build_document, build_uncleaned_document
from media.file_types import check_type, file_type_of
from media.models import Document, Picture
from media.pictures import build_picture
from wordpress.importing.batches import write_batch, write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.entry_builder import ImportedEntry
from wordpress.importing.ledger import DOCUMENTS, PICTURES, fingerprint_of
from wordpress.importing.media_source import (
    FROM_OLD_SITE,
    FROM_OTHER_SITES,
    MediaSource,
    MissingFileError,
    check_size,
    file_name,
    is_picture,
)
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, entries_by_id
from wordpress.importing.report import FILES, OTHER_FILES, Outcome
from wordpress.importing.steps.attachments import redirect_to_files
from wordpress.legacy_urls.file_urls import aliases_of, own_hosts
from wordpress.markup.renderer import FILE_MARKS
from wordpress.models import Attachment, ImportedItem
from wordpress.wxr.records import THUMBNAIL
from wordpress.wxr.values import recorded_id

# The kind of ledger rows in which `wordpress_id` is the attachment's ID in the export, `object_pk` the entry's ID here,
# and `left_as` the picture's ID here once the entry has it.
FEATURED_IMAGES: Final = "featured image"
_BATCH: Final = 100
# How many of the files stored uncleaned are named in the report.
_NAMED: Final = 10
# A text that shows files of the old site contains one of these, or the name of one of its hosts.
_MARKS: Final = (*FILE_MARKS, "/wp-content/uploads/", ".files.wordpress.com")
_PATH_MARKS: Final = ('="/', "='/")
_MAX_MARKS: Final = 200
# The folders of Broadside's own files in their URLs (media.models). Only documents have a folder each.
_OF_PICTURES: Final = re.compile(rf"{settings.MEDIA_URL}pictures/[0-9]{{4}}/[0-9]{{2}}")
_OF_DOCUMENT: Final = re.compile(rf"{settings.MEDIA_URL}documents/[0-9]{{4}}/[0-9]{{2}}/[0-9a-f]{{12}}")
_PICTURE_NAME: Final = re.compile(r"[0-9a-f]{32}")


def import_files(context: ImportContext, source: MediaSource | None) -> None:
    """Import the files that are not here yet, and report those that are missing.

    Then set featured images and rerender the texts that show files.
    """
    _delete_leftovers()
    attachments = Attachment.objects.filter(site=context.site)
    for kind, others in ((FILES, False), (OTHER_FILES, True)):
        here = attachments.with_file().filter(on_other_host=others).count()
        context.report.count(kind, Outcome.UNCHANGED, here)
    pks = list(attachments.without_file().order_by("on_other_host", "pk").values_list("pk", flat=True))
    done = 0
    uncleaned: list[str] = []
    try:
        for batch in batched(pks, _BATCH):
            missing, gone = [], []
            without_file = attachments.without_file().filter(pk__in=batch)
            for attachment in without_file.select_related("uploaded_by").order_by("on_other_host", "pk"):
                try:
                    if not _import_file(context, attachment, source):
                        uncleaned.append(file_name(attachment))
                except MissingFileError as reason:
                    missing.append(attachment)
                    if reason.is_gone and attachment.gone_at is None:
                        gone.append(attachment.pk)
                    name = attachment.title or file_name(attachment)
                    wordpress_id = attachment.wordpress_id or 0
                    context.report.skip(_kind(attachment), wordpress_id, name, str(reason), attachment.url)
                done += 1
                context.report_progress("files", done, len(pks))
            write_batch(context, _record_missing, context, missing, gone)
        unset = ImportedItem.objects.filter(kind=FEATURED_IMAGES, site=context.site, left_as="").order_by("pk")
        write_batches(context, list(unset.values_list("pk", flat=True)), partial(_set_featured_images, context))
        _rerender(context)
    except KeyboardInterrupt:
        if left := len(pks) - done:
            text = ngettext("%d file has not been imported yet.", "%d files have not been imported yet.", left)
            context.report.warnings.append(text % left)
        raise
    finally:
        if uncleaned:
            text = ngettext(
                "%(count)d file can't be cleaned and was imported as it is. "
                "Names, places and devices noted in it were not removed: %(names)s",
                "%(count)d files can't be cleaned and were imported as they are. "
                "Names, places and devices noted in them were not removed: %(names)s",
                len(uncleaned),
            )
            more = ["…"] if len(uncleaned) > _NAMED else []
            names = ", ".join([*uncleaned[:_NAMED], *more])
            context.report.warnings.append(text % {"count": len(uncleaned), "names": names})


def record_featured_images(context: ImportContext, entries: Sequence[ImportedEntry]) -> None:
    """Record the featured images of new and changed entries. The pictures themselves are imported later.

    A picture set by an import and not changed since is removed if the export has a different one.
    """
    changed = [each.entry.pk for each in entries if not each.is_new]
    columns = ("object_pk", "wordpress_id", "left_as")
    rows = fetch_rows(ImportedItem, "object_pk", changed, *columns, kind=FEATURED_IMAGES)
    recorded = {pk: rest for pk, *rest in rows}
    for each in entries:
        entry, exported = each.entry, recorded_id(each.item.field(THUMBNAIL))
        before, left_as = recorded.get(entry.pk, [0, ""])
        if before == exported:
            continue
        if before:
            ImportedItem.objects.filter(kind=FEATURED_IMAGES, object_pk=entry.pk).delete()
            if left_as == str(entry.featured_picture_id):
                entry.featured_picture = None
        if exported:
            context.ledger.add(FEATURED_IMAGES, exported, entry.pk, is_new=each.is_new)


def _import_file(context: ImportContext, attachment: Attachment, source: MediaSource | None) -> bool:
    """Import one file. Return False if its metadata could not be removed. Raises MissingFileError."""
    name = file_name(attachment)
    file_type = file_type_of(name)
    if file_type is None and not is_picture(attachment):
        extension = PurePath(name).suffix.lower()
        raise MissingFileError(_("Files with the extension “%s” can't be published here.") % extension)
    if source is None and attachment.gone_at:
        text = _("It is gone: the last time it was requested, its site answered that it has no such file.")
        raise MissingFileError(text)
    if source is None or (attachment.on_other_host and not source.everywhere):
        raise MissingFileError(_how_to_get(attachment, in_admin=context.run.job_id is not None))
    try:
        with source.open(attachment) as opened:
            file = File(opened, name=name)
            check_size(attachment, file.size)
            upload = _build(attachment, file)
            _store(context, attachment, upload)
    except ValidationError as error:
        raise MissingFileError(str(error.message)) from error
    except OSError as error:
        raise MissingFileError(_("It could not be read or stored: %s") % (error.strerror or error)) from error
    context.report.count(_kind(attachment), Outcome.IMPORTED)
    return not getattr(upload, "uncleaned_because", "")


def _how_to_get(attachment: Attachment, *, in_admin: bool) -> str:
    """Return why a file was not fetched, and what to choose in the next import."""
    if attachment.on_other_host and in_admin:
        return _("It is on another host. Import again and choose %s.") % in_quotes(FROM_OTHER_SITES)
    if attachment.on_other_host:
        return _("It is on another host. Import again with --fetch-media=everywhere.")
    if in_admin:
        return _("The export does not contain the file itself. Import again and choose %s.") % in_quotes(FROM_OLD_SITE)
    return _("The export does not contain the file itself. Import again with --fetch-media or --media FOLDER.")


def _build(attachment: Attachment, file: File[bytes]) -> Picture | Document:
    """Return the unsaved picture or document of a file. A setting decides whether files that can't be cleaned are kept.

    Raises ValidationError if the file is damaged or can't be cleaned.
    """
    title, by = attachment.title, attachment.uploaded_by
    if is_picture(attachment):
        texts = {name: getattr(attachment, name) for name in ("alt", "caption", "credit")}
        return build_picture(file, title=title, by=by, **texts)
    try:
        return build_document(file, title=title, by=by)
    except ValidationError as error:
        # Raises its own error if the content doesn't match the extension.
        check_type(file, PurePath(file.name or "").suffix.lower())
        reason = str(error.message)
        if settings.BROADSIDE_IMPORT_UNCLEANED_FILES:
            return build_uncleaned_document(file, reason, title=title, by=by)
        hint = _(
            "It was left out, because it may name people and places. Upload it in another format and redirect its URL "
            "there, or set IMPORT_UNCLEANED_FILES=1 and import again."
        )
        raise ValidationError(f"{reason} {hint}") from error


def _store(context: ImportContext, attachment: Attachment, upload: Picture | Document) -> None:
    """Store `upload` with its file. Raises MissingFileError if another import is storing the same one."""
    name = _own_name(attachment, upload) or _new_name(upload)
    # Recorded beforehand, so that a file left in the storage by a crash can be found.
    Attachment.objects.filter(pk=attachment.pk).update(writing=name)
    upload.stored_as = name
    try:
        with transaction.atomic():
            row = Attachment.objects.select_for_update().get(pk=attachment.pk)
            if row.writing != name or row.picture_id or row.document_id:
                raise MissingFileError(_("Another import is storing it right now."))
            upload.save()
            uploaded_at = attachment.uploaded_at or upload.uploaded_at
            type(upload)._default_manager.filter(pk=upload.pk).update(uploaded_at=uploaded_at)
            attachment.picture = upload if isinstance(upload, Picture) else None
            attachment.document = upload if isinstance(upload, Document) else None
            attachment.writing = ""
            attachment.is_shown = False
            attachment.gone_at = None
            attachment.save(update_fields=["picture", "document", "writing", "is_shown", "gone_at"])
            redirect_to_files([attachment])
            kind = PICTURES if attachment.picture else DOCUMENTS
            context.ledger.add(kind, attachment.wordpress_id or 0, upload.pk, stored=fingerprint_of(upload))
            context.ledger.write()
            content_changed()
    except BaseException:
        context.ledger.clear()
        _delete_unless_used(name)
        raise


def _own_name(attachment: Attachment, upload: Picture | Document) -> str:
    """Return the name under which Broadside stored the file before, so that it keeps its URL; "" if it can't.

    Texts and other sites link to that URL, which may have the host of this site.
    """
    path, new = PurePath(unquote(attachment.path)), PurePath(str(upload.file.name))
    if isinstance(upload, Picture):
        is_named_alike = _PICTURE_NAME.fullmatch(path.stem) and path.suffix == new.suffix
        folder = _OF_PICTURES
    else:
        is_named_alike = path.name == new.name
        folder = _OF_DOCUMENT
    name = str(path).removeprefix(settings.MEDIA_URL)
    if not is_named_alike or not folder.fullmatch(str(path.parent)):
        return ""
    # A picture that was merged into another keeps its name without having a file.
    is_taken = type(upload)._default_manager.filter(file=name).exists()
    return name if not is_taken and _available_name(upload, name) == name else ""


def _new_name(upload: Picture | Document) -> str:
    field: Any = upload._meta.get_field("file")
    return _available_name(upload, field.generate_filename(upload, str(upload.file.name)))


def _available_name(upload: Picture | Document, name: str) -> str:
    """Return `name`, or one like it if it is taken or too long."""
    available: str = upload.file.storage.get_available_name(name, max_length=upload.file.field.max_length)
    return available


def _delete_leftovers() -> None:
    """Delete files that a killed import left in the storage."""
    for pk in list(Attachment.objects.exclude(writing="").values_list("pk", flat=True)):
        with transaction.atomic():
            # If an import is writing the file right now, this waits for its lock on the row.
            row = Attachment.objects.select_for_update().get(pk=pk)
            # If the storage doesn't answer, the next import tries again.
            with suppress(OSError):
                if row.writing:
                    _delete_unless_used(row.writing)
                    Attachment.objects.filter(pk=pk).update(writing="")


def _delete_unless_used(name: str) -> None:
    if not any(model._default_manager.filter(file=name).exists() for model in (Picture, Document)):
        default_storage.delete(name)


def _kind(attachment: Attachment) -> str:
    return OTHER_FILES if attachment.on_other_host else FILES


def _record_missing(context: ImportContext, missing: Iterable[Attachment], gone: Sequence[int]) -> None:
    """Redirect the pages of missing files to the entries they were uploaded to. Record which are gone for good."""
    Attachment.objects.filter(pk__in=gone).update(gone_at=timezone.now())
    with_id = [(each, each.wordpress_id) for each in missing if each.parent and each.wordpress_id is not None]
    entries = entries_by_id(context.site, {each.parent for each, _id in with_id})
    found = [(each, wordpress_id, entries[each.parent]) for each, wordpress_id in with_id if each.parent in entries]
    paths = add_missing_redirects((each.link, entry) for each, _id, entry in found)
    paths += add_id_redirects(context.site, {wordpress_id: entry for _each, wordpress_id, entry in found})
    context.ledger.add_redirects(paths)


def _rerender(context: ImportContext) -> None:
    """Rerender the texts that may show new files."""
    new = Attachment.objects.filter(site=context.site, is_shown=False).with_file()
    pks = list(new.values_list("pk", flat=True))
    if not pks:
        return
    urls = new.values_list("url", "guid").iterator(1000)
    hosts = {host_of(context.site), *(host_of(url) for pair in urls for url in pair)}
    names = sorted(aliases_of(hosts) | own_hosts())
    # With more alternatives, the query takes longer than rendering all texts with URLs, and SQLite has a limit.
    marks = (*_MARKS, *(names if len(names) <= _MAX_MARKS else ["//"]))
    if new.filter(wordpress_id=None, on_other_host=False).exists():
        # Outside WordPress's folders, a file referred to by its path can only be found by the attribute.
        marks = (*marks, *_PATH_MARKS)
    entries = Entry.objects.filter(_contain(marks))
    total = entries.count()
    rerender(entries, RerenderResult(), progress=lambda done: context.report_progress("rendering", done, total))
    if new.filter(path__startswith=settings.MEDIA_URL).exists():
        # Texts that show a file which kept its URL have not changed.
        shown = Entry.objects.filter(body_html__contains=settings.MEDIA_URL).order_by("pk")
        write_batches(context, list(shown.values_list("pk", flat=True)), update_media_index)
    for batch in batched(pks, 500):
        Attachment.objects.filter(pk__in=batch).update(is_shown=True)


def _contain(marks: Iterable[str]) -> Q:
    """Return the condition for entries whose source has one of `marks`. Hosts may have capitals, so case is ignored."""
    if connection.vendor == "postgresql":
        return Q(source__iregex="|".join(map(re.escape, marks)))
    # SQLite ignores the case here, and would call Python for a regular expression.
    return Q(*(Q(source__contains=mark) for mark in marks), _connector=Q.OR)


def _set_featured_images(context: ImportContext, pks: Sequence[int]) -> None:
    """Set the featured images of entries, and note which images are missing.

    An entry that has been given another picture keeps it.
    """
    rows = ImportedItem.objects.filter(pk__in=pks).order_by("pk")
    attachments = Attachment.objects.filter(site=context.site, wordpress_id__in=[row.wordpress_id for row in rows])
    files = {row.wordpress_id: row for row in attachments.only("wordpress_id", "picture", "url")}
    entries = Entry.objects.without_texts().in_bulk([row.object_pk for row in rows])
    for row in rows:
        entry, file = entries.get(row.object_pk), files.get(row.wordpress_id)
        if entry and file and file.picture_id:
            Entry.objects.filter(pk=entry.pk, featured_picture=None).update(featured_picture=file.picture_id)
            ImportedItem.objects.filter(pk=row.pk).update(left_as=str(file.picture_id))
        elif entry:
            # The same for all entries, because often all files are missing.
            text = _("Its featured image is not here.")
            context.report.note(entry.kind, entry.pk, entry.title, text, file.url if file else "")
