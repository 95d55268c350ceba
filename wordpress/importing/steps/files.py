"""The files of attachments: taken from a media source, checked, and added to the media library.

Each is stored in its own transaction, as a file may take minutes. An import that is interrupted and run again continues
with the files that are not here yet, and leaves no file behind that nothing refers to.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import batched
from pathlib import PurePath
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Entry
from blog.rerendering import RerenderResult, rerender
from core.content_version import content_changed
from core.http import host_of
from media.documents import build_document
from media.file_types import FILE_TYPES, file_type_of
from media.models import Document, Picture
from media.pictures import build_picture
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import DOCUMENTS, PICTURES, fingerprint_upload
from wordpress.importing.media_source import MediaSource, MissingFileError, check_size, file_name, is_picture
from wordpress.importing.redirects import add_id_redirects, add_missing_redirects, entries_by_id
from wordpress.importing.report import FILES, Outcome
from wordpress.importing.steps.attachments import redirect_to_files
from wordpress.importing.steps.featured_images import set_featured_images
from wordpress.legacy_urls.moved_files import aliases_of, own_hosts
from wordpress.legacy_urls.query_forms import PICTURE_EXTENSIONS
from wordpress.models import Attachment

_BATCH: Final = 100
# What the source of a text contains that shows files of the old site, apart from the names of its hosts.
_MARKS: Final = ("[gallery", "/wp-content/uploads/", ".files.wordpress.com")


def import_files(context: ImportContext, source: MediaSource | None) -> None:
    """Import the files that are not here yet, and report those that are missing.

    Then set featured images and render again the texts that show files.
    """
    _delete_leftovers()
    attachments = Attachment.objects.filter(site=context.site)
    context.report.count(FILES, Outcome.UNCHANGED, attachments.with_file().count())
    total = attachments.without_file().count()
    done = uncleaned = 0
    try:
        for batch in batched(_without_file(context.site), _BATCH, strict=False):
            missing = []
            for attachment in batch:
                try:
                    uncleaned += _import_file(context, attachment, source)
                except MissingFileError as reason:
                    missing.append(attachment)
                    name = attachment.title or file_name(attachment)
                    context.report.skip(FILES, attachment.wordpress_id, name, str(reason), attachment.url)
                done += 1
                context.report_progress("files", done, total)
            write_batch(context, partial(_redirect_to_parents, context, missing))
        set_featured_images(context)
        _rerender(context)
    except KeyboardInterrupt:
        if left := total - done:
            context.report.warnings.append(_left_text(left))
        raise
    finally:
        if uncleaned:
            context.report.warnings.append(_uncleaned_text(uncleaned))


def _without_file(site: str) -> Iterator[Attachment]:
    last = 0
    waiting = Attachment.objects.filter(site=site).without_file().select_related("uploaded_by").order_by("pk")
    while found := list(waiting.filter(pk__gt=last)[:_BATCH]):
        yield from found
        last = found[-1].pk


def _import_file(context: ImportContext, attachment: Attachment, source: MediaSource | None) -> bool:
    """Import one file. Return whether it is audio or video, whose metadata stays in it. Raises MissingFileError."""
    name = file_name(attachment)
    extension = PurePath(name).suffix.lower()
    if extension not in PICTURE_EXTENSIONS | FILE_TYPES.keys():
        raise MissingFileError(_("Files with the extension “%s” cannot be published here.") % extension)
    if source is None:
        text = _("The export does not contain the file itself. Import again with --fetch-media or --media FOLDER.")
        raise MissingFileError(text)
    try:
        with source.open(attachment) as opened:
            file = File(opened, name=name)
            check_size(attachment, file.size)
            if is_picture(attachment):
                _store(context, attachment, _picture(attachment, file))
            else:
                with _copy_nearby(file) as copy:
                    document = build_document(copy, title=attachment.title, by=attachment.uploaded_by)
                    _store(context, attachment, document)
    except ValidationError as error:
        raise MissingFileError(str(error.message)) from error
    except OSError as error:
        raise MissingFileError(_("It could not be read or stored: %s") % (error.strerror or error)) from error
    context.report.count(FILES, Outcome.IMPORTED)
    file_type = file_type_of(name)
    return file_type is not None and file_type.is_audio_or_video


def _picture(attachment: Attachment, file: File[bytes]) -> Picture:
    """Return the picture, which is not stored yet. Raises InvalidPictureError."""
    return build_picture(
        file, title=attachment.title, alt=attachment.alt, caption=attachment.caption, by=attachment.uploaded_by
    )


@contextmanager
def _copy_nearby(file: File[bytes]) -> Iterator[File[bytes]]:
    """Copy to the media library's disk, so that the storage only moves it: no video is copied during a transaction."""
    with TemporaryUploadedFile(file.name or "", "", 0, None) as copy:
        shutil.copyfileobj(file, copy)
        copy.size = copy.tell()
        copy.flush()
        yield copy


def _store(context: ImportContext, attachment: Attachment, upload: Picture | Document) -> None:
    """Store `upload` with its file. Raises MissingFileError if another import is storing the same one."""
    name = _free_name(upload)
    # Recorded beforehand: what a crash leaves in the storage is found by this.
    Attachment.objects.filter(pk=attachment.pk).update(writing=name)
    upload.file.name = PurePath(name).name
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
            attachment.save(update_fields=["picture", "document", "writing", "is_shown"])
            redirect_to_files([attachment])
            kind = PICTURES if isinstance(upload, Picture) else DOCUMENTS
            context.ledger.add_new(kind, attachment.wordpress_id, upload.pk, stored=fingerprint_upload(upload))
            context.ledger.write()
            content_changed()
    except BaseException:
        context.ledger.clear()
        _delete_unless_used(name)
        raise


def _free_name(upload: Picture | Document) -> str:
    """Return the name that the file gets in the storage when it is saved."""
    field: Any = upload._meta.get_field("file")
    wanted = field.generate_filename(upload, str(upload.file.name))
    return str(upload.file.storage.get_available_name(wanted, max_length=field.max_length))


def _delete_leftovers() -> None:
    """Delete what an import that was killed left in the storage."""
    for pk in list(Attachment.objects.exclude(writing="").values_list("pk", flat=True)):
        with transaction.atomic():
            # Whoever is writing it right now has locked the row.
            row = Attachment.objects.select_for_update().get(pk=pk)
            if row.writing:
                _delete_unless_used(row.writing)
                Attachment.objects.filter(pk=pk).update(writing="")


def _delete_unless_used(name: str) -> None:
    if not any(model._default_manager.filter(file=name).exists() for model in (Picture, Document)):
        default_storage.delete(name)


def _redirect_to_parents(context: ImportContext, missing: Iterable[Attachment]) -> None:
    """Redirect the pages of missing files to the entries that they were uploaded to."""
    missing = [attachment for attachment in missing if attachment.parent]
    entries = entries_by_id(context.site, {attachment.parent for attachment in missing})
    found = [(each, entries[each.parent]) for each in missing if each.parent in entries]
    paths = add_missing_redirects((each.link, entry) for each, entry in found)
    paths += add_id_redirects(context.site, {each.wordpress_id: entry for each, entry in found})
    context.ledger.add_redirects(paths)


def _rerender(context: ImportContext) -> None:
    """Render again the texts that may show new files."""
    new = Attachment.objects.filter(site=context.site, is_shown=False).with_file()
    pks = list(new.values_list("pk", flat=True))
    if not pks:
        return
    hosts = {host_of(context.site)}
    for url, guid in new.values_list("url", "guid").iterator(1000):
        hosts |= {host_of(url), host_of(guid)}
    may_show = Q()
    for mark in (*_MARKS, *sorted(aliases_of(hosts) | own_hosts())):
        may_show |= Q(source__contains=mark)
    entries = Entry.objects.filter(may_show)
    total = entries.count()
    rerender(entries, RerenderResult(), progress=lambda done: context.report_progress("rendering", done, total))
    for batch in batched(pks, 500, strict=False):
        Attachment.objects.filter(pk__in=batch).update(is_shown=True)


def _left_text(count: int) -> str:
    return ngettext("%d file has not been imported yet.", "%d files have not been imported yet.", count) % count


def _uncleaned_text(count: int) -> str:
    return ngettext(
        "%d audio or video file was imported as it is. Places, devices and names noted in it were not removed.",
        "%d audio and video files were imported as they are. Places, devices and names noted in them were not removed.",
        count,
    ) % (count,)
