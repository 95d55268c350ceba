"""The files of attachments: found (wordpress.folders) or fetched (wordpress.fetching), checked, put into the library.

Each is stored by itself, after the import's own transaction: a file may take minutes. Stopped and run again, it goes
on with those that are not here yet, and leaves no file behind that nobody knows.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import batched
from pathlib import PurePath
from typing import Any, BinaryIO, Final, Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from blog.models import Page, Post
from blog.rerendering import Rerendered, rerender
from blog.site import content_changed
from library import pictures
from library.documents import new_document
from library.kinds import KINDS, kind_of
from library.models import Document, Picture
from library.pictures import new_picture
from wordpress.addresses import PICTURE_ENDINGS, remember_new
from wordpress.attachments import file_name, lead_to_files
from wordpress.featured import show_featured_images
from wordpress.hosts import host_of, names, own_names
from wordpress.models import Attachment
from wordpress.numbers import entries_of, remember_numbers
from wordpress.reports import FILES, Outcome, Report
from wordpress.survey import Progress

_BATCH: Final = 200
# What a text has in it that shows files of the old site, the names of its hosts apart.
_SIGNS: Final = ("[gallery", "/wp-content/uploads/", ".files.wordpress.com")


class NoFile(Exception):  # noqa: N818  # named for what is the case
    """There is no file to be had; the text says why in one sentence."""


class Media(Protocol):
    """Where files are to be had."""

    def open(self, attachment: Attachment) -> AbstractContextManager[BinaryIO]:
        """The file of `attachment`, from its start. Raises NoFile."""
        ...


def bring_in_files(site: str, media: Media | None, report: Report, progress: Progress | None = None) -> None:
    """Bring in the files of `site` that are not here yet; name in `report` those that do not come.

    Then render again the texts that show them. Ctrl-C ends it in good order: `report.interrupted`.
    """
    _clear_up()
    attachments = Attachment.objects.filter(site=site)
    if here := attachments.with_file().count():
        report.count(FILES, Outcome.UNCHANGED, here)
    total = attachments.without_file().count()
    came = done = unclean = 0
    try:
        for some in batched(_waiting(site), _BATCH, strict=False):
            missing = []
            for attachment in some:
                try:
                    unclean += _bring_in(attachment, media)
                    came += 1
                except NoFile as reason:
                    missing.append(attachment)
                    name = attachment.title or file_name(attachment)
                    report.skip(FILES, attachment.wordpress_id, name, str(reason), attachment.url)
                done += 1
                if progress:
                    progress("files", done, total)
            _lead_to_parents(site, missing)
        featured = show_featured_images(site, report)
        _render_again(site, progress)
    except KeyboardInterrupt:
        report.interrupted = True
        report.warnings.append(_interrupted(total - done))
        featured = False
    if came:
        report.count(FILES, Outcome.IMPORTED, came)
    if unclean:
        report.warnings.append(_unclean(unclean))
    if came or featured:
        content_changed()


def _waiting(site: str) -> Iterator[Attachment]:
    last = 0
    while found := list(
        Attachment.objects.filter(site=site, pk__gt=last)
        .without_file()
        .select_related("uploaded_by")
        .order_by("pk")[:_BATCH]
    ):
        yield from found
        last = found[-1].pk


def _bring_in(attachment: Attachment, media: Media | None) -> bool:
    """Whether the file holds what could not be taken out: it is a recording or a film. Raises NoFile."""
    name = file_name(attachment)
    ending = PurePath(name).suffix.lower()
    if ending not in PICTURE_ENDINGS | KINDS.keys():
        raise NoFile(_("Files of the kind “%s” cannot be published here.") % ending)
    if media is None:
        raise NoFile(_("Its file did not come along: import again and have it fetched, or say --media FOLDER."))
    try:
        with media.open(attachment) as opened:
            file = File(opened, name=name)
            demand_size(attachment, file.size)
            if ending in PICTURE_ENDINGS:
                _store(attachment, _picture(attachment, file))
            else:
                with _near(file) as copy:
                    _store(attachment, new_document(copy, title=attachment.title, by=attachment.uploaded_by))
    except ValidationError as error:
        raise NoFile(str(error.message)) from error
    except OSError as error:
        raise NoFile(_("It could not be read or stored: %s") % (error.strerror or error)) from error
    kind = kind_of(name)
    return kind is not None and kind.is_recording


def demand_size(attachment: Attachment, size: int) -> None:
    """Raises NoFile if the file of `attachment` may not be as large as `size`, in bytes."""
    if PurePath(file_name(attachment)).suffix.lower() in PICTURE_ENDINGS:
        if size > pictures.MAX_BYTES:
            raise NoFile(_("It is larger than %s.") % filesizeformat(pictures.MAX_BYTES))
    elif size > settings.BROADSIDE_IMPORT_FILE_MAX_BYTES:
        limit = filesizeformat(settings.BROADSIDE_IMPORT_FILE_MAX_BYTES)
        raise NoFile(_("It is larger than %s: set IMPORT_FILE_MAX_MB higher and import again.") % limit)


def _picture(attachment: Attachment, file: File[bytes]) -> Picture:
    """Not stored yet. Raises NotAPicture."""
    return new_picture(
        file, title=attachment.title, alt=attachment.alt, caption=attachment.caption, by=attachment.uploaded_by
    )


@contextmanager
def _near(file: File[bytes]) -> Iterator[File[bytes]]:
    """A copy on the library's disk, which the storage only moves: a film is not copied while the database is held."""
    with TemporaryUploadedFile(file.name or "", "", 0, None) as copy:
        shutil.copyfileobj(file, copy)
        copy.size = copy.tell()
        copy.flush()
        yield copy


def _store(attachment: Attachment, upload: Picture | Document) -> None:
    """Store `upload` with its file. Raises NoFile if another import is at the same one."""
    name = _free_name(upload)
    # Said before it is done: what a crash leaves in the storage is found by this.
    Attachment.objects.filter(pk=attachment.pk).update(writing=name)
    upload.file.name = PurePath(name).name
    try:
        with transaction.atomic():
            row = Attachment.objects.select_for_update().get(pk=attachment.pk)
            if row.writing != name or row.picture_id or row.document_id:
                raise NoFile(_("Another import is bringing it in at this moment."))
            upload.save()
            moment = attachment.uploaded_at or upload.uploaded_at
            type(upload)._default_manager.filter(pk=upload.pk).update(uploaded_at=moment)
            attachment.picture = upload if isinstance(upload, Picture) else None
            attachment.document = upload if isinstance(upload, Document) else None
            attachment.writing = ""
            attachment.is_shown = False
            attachment.save(update_fields=["picture", "document", "writing", "is_shown"])
            lead_to_files([attachment])
    except BaseException:
        _discard(name)
        raise


def _free_name(upload: Picture | Document) -> str:
    """The name that the file gets in the storage when it is saved."""
    field: Any = upload._meta.get_field("file")
    wanted = field.generate_filename(upload, str(upload.file.name))
    return str(upload.file.storage.get_available_name(wanted, max_length=field.max_length))


def _clear_up() -> None:
    """Delete what an import that was killed left in the storage."""
    for pk in list(Attachment.objects.exclude(writing="").values_list("pk", flat=True)):
        with transaction.atomic():
            # Whoever is writing it at this moment holds the row.
            row = Attachment.objects.select_for_update().get(pk=pk)
            if row.writing:
                _discard(row.writing)
                Attachment.objects.filter(pk=pk).update(writing="")


def _discard(name: str) -> None:
    if not any(model._default_manager.filter(file=name).exists() for model in (Picture, Document)):
        default_storage.delete(name)


def _lead_to_parents(site: str, missing: Iterable[Attachment]) -> None:
    """Let the pages of files that are not here lead to the post or page that they were uploaded to."""
    missing = [attachment for attachment in missing if attachment.parent]
    entries = entries_of(site, {attachment.parent for attachment in missing})
    found = [(each, entries[each.parent]) for each in missing if each.parent in entries]
    remember_new((each.link, entry) for each, entry in found)
    remember_numbers(site, {each.wordpress_id: entry for each, entry in found})


def _render_again(site: str, progress: Progress | None) -> None:
    """Render the texts again that may show files that have come."""
    came = Attachment.objects.filter(site=site, is_shown=False).with_file()
    keys = list(came.values_list("pk", flat=True))
    if not keys:
        return
    hosts = {host_of(site)}
    for url, guid in came.values_list("url", "guid").iterator(1000):
        hosts |= {host_of(url), host_of(guid)}
    holds = Q()
    for sign in (*_SIGNS, *sorted(names(hosts) | own_names())):
        holds |= Q(source__contains=sign)
    total = sum(model._default_manager.filter(holds).count() for model in (Post, Page))
    result = Rerendered()
    for model in (Post, Page):
        rerender(model, result, among=holds, progress=lambda done: progress and progress("rendering", done, total))
    # Before they are marked as shown: killed in between, the next run says it again.
    content_changed()
    for some in batched(keys, 500, strict=False):
        Attachment.objects.filter(pk__in=some).update(is_shown=True)


def _unclean(number: int) -> str:
    return ngettext(
        "%d recording or film came in as it is: a place, a device or a name that is noted in it was not taken out.",
        "%d recordings and films came in as they are: places, devices and names noted in them were not taken out.",
        number,
    ) % (number,)


def _interrupted(left: int) -> str:
    return ngettext(
        "Interrupted: %d file was not looked at. Run the same again, and it goes on there.",
        "Interrupted: %d files were not looked at. Run the same again, and it goes on there.",
        left,
    ) % (left,)
