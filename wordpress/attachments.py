"""The attachments of an export: what is said of files there. The files themselves come later (wordpress.media)."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from blog.addresses import MAX_LENGTH, as_stored
from library.models import Document, Picture
from wordpress.addresses import old_key, remember_address, remember_new
from wordpress.authors import Authors
from wordpress.hosts import host_of
from wordpress.models import Attachment
from wordpress.numbers import remember_numbers
from wordpress.originals import restore_attachment
from wordpress.plain import moment, plain, plain_lines
from wordpress.records import ALT, Item
from wordpress.reports import ATTACHMENTS, Outcome, Report
from wordpress.survey import Survey

_BATCH = 500
_MAX_URL_LENGTH = 2000
_SAID = (
    *("url", "guid", "path", "former_path", "link", "title", "caption", "alt", "description"),
    *("parent", "menu_order", "uploaded_by_id", "uploaded_at"),
)
# Addresses with that of the blog in them.
_ADDRESSES = {"url", "guid", "link"}
# What of it a picture or document of the library has.
_SHARED = ("title", "caption", "alt")


class Attachments:
    """Takes the attachments of an export one after the other."""

    def __init__(self, survey: Survey, authors: Authors, report: Report) -> None:
        self._site = survey.site
        self._authors = authors
        self._report = report
        self._seen: set[int] = set()
        self._taken: list[Attachment] = []

    def take(self, item: Item) -> None:
        """Remember what `item` says, or say in the report why not."""
        if reason := self._reason_to_skip(item):
            self._report.skip(ATTACHMENTS, item.id, plain(item.title), reason, item.attachment_url)
            return
        self._seen.add(item.id)
        self._taken.append(self._read(item))
        if len(self._taken) >= _BATCH:
            self.finish()

    def finish(self) -> None:
        """Store what was taken and is not stored yet."""
        numbers = [attachment.wordpress_id for attachment in self._taken]
        known = Attachment.objects.filter(site=self._site, wordpress_id__in=numbers)
        here = {attachment.wordpress_id: attachment for attachment in known.select_related("picture", "document")}
        new, changed, updated = [], [], 0
        for said in self._taken:
            stored = here.get(said.wordpress_id)
            if stored is None:
                new.append(said)
            elif changes := [name for name in _SAID if getattr(stored, name) != getattr(said, name)]:
                self._pass_on(stored, said, changes)
                updated += any(not _is_same(name, getattr(stored, name), getattr(said, name)) for name in changes)
                if _place(stored) != _place(said):
                    # Texts that name it there are rendered before it is stored: they have to be once more.
                    stored.is_shown = False
                for name in changes:
                    setattr(stored, name, getattr(said, name))
                changed.append(stored)
        Attachment.objects.bulk_create(new)
        fields = [*(name.removesuffix("_id") for name in _SAID), "is_shown"]
        Attachment.objects.bulk_update(changed, fields, batch_size=100)
        lead_to_files(changed)
        self._report.count(ATTACHMENTS, Outcome.IMPORTED, len(new))
        self._report.count(ATTACHMENTS, Outcome.UPDATED, updated)
        self._report.count(ATTACHMENTS, Outcome.UNCHANGED, len(self._taken) - len(new) - updated)
        self._taken = []

    def _reason_to_skip(self, item: Item) -> str:
        if not item.id:
            return _("It has no number.")
        if item.id in self._seen:
            return _("It is in the export twice.")
        if _file_address(item):
            return ""
        if host_of(item.attachment_url):
            return _("The address of its file names no kind of file.")
        return _("It does not say where its file is.")

    def _read(self, item: Item) -> Attachment:
        url = _file_address(item)
        guid = item.guid if host_of(item.guid) and len(item.guid) <= _MAX_URL_LENGTH else ""
        attachment = Attachment(
            site=self._site,
            wordpress_id=item.id,
            url=url,
            guid=guid,
            path=_key(url),
            former_path=_key(guid),
            link=item.link[:_MAX_URL_LENGTH],
            title=plain(item.title)[:500],
            caption=plain_lines(item.excerpt),
            alt=plain(dict(item.meta).get(ALT, ""))[:1000],
            description=plain_lines(item.content),
            parent=item.parent,
            menu_order=item.menu_order,
            uploaded_by_id=self._authors.of_file(item.author),
            uploaded_at=moment(item.date, item.date_gmt),
        )
        restore_attachment(attachment, item)
        return attachment

    def _pass_on(self, stored: Attachment, said: Attachment, changes: Iterable[str]) -> None:
        """Let the picture or document say what is new, unless somebody has changed its words here."""
        upload: Picture | Document | None = stored.picture or stored.document
        fields = [name for name in _SHARED if name in changes and hasattr(upload, name)]
        if upload is None or not fields:
            return
        renewed: dict[str, Any] = {}
        for name in fields:
            if getattr(upload, name) == (getattr(stored, name) or default_of(stored, name)):
                renewed[name] = getattr(said, name) or default_of(said, name)
        if len(renewed) < len(fields):
            text = _("It was changed in the export and here since the last import: here it stays as it is.")
            self._report.note(ATTACHMENTS, said.wordpress_id, said.title, text)
        type(upload)._default_manager.filter(pk=upload.pk).update(**renewed)


def lead_to_files(attachments: Iterable[Attachment]) -> None:
    """Let the old addresses of files that are here, and of their pages, lead to them."""
    for attachment in attachments:
        upload = attachment.picture or attachment.document
        if upload is None:
            continue
        # Of two sites that had a file at one path the first keeps it.
        remember_new((address, upload) for address in (attachment.url, attachment.guid) if _is_file(old_key(address)))
        if not old_key(attachment.link).startswith("/?"):
            remember_address(attachment.link, upload)
        remember_numbers(attachment.site, {attachment.wordpress_id: upload})


def default_of(attachment: Attachment, name: str) -> str:
    """What a picture or document has for a field that the export leaves empty."""
    return file_name(attachment).rpartition(".")[0][:500] if name == "title" else ""


def file_name(attachment: Attachment) -> str:
    """The name of the file on the old site, decoded: for people, not for a file system."""
    return attachment.path.rpartition("/")[2]


def _place(attachment: Attachment) -> tuple[str, str]:
    """By what texts name it."""
    return host_of(attachment.url), attachment.path


def _is_same(name: str, stored: Any, said: Any) -> bool:
    """Whether the field `name` says the same: an address does if only that of the blog in it is another now."""
    return name in _ADDRESSES and old_key(stored) == old_key(said)


def _file_address(item: Item) -> str:
    """Where the file is: old exports say so in the guid only."""
    for address in (item.attachment_url, item.guid):
        if host_of(address) and len(address) <= _MAX_URL_LENGTH and _is_file(old_key(address)):
            return address
    return ""


def _is_file(key: str) -> bool:
    return key.startswith("/") and "." in key.rpartition("/")[2] and not key.startswith("/?")


def _key(address: str) -> str:
    path = as_stored(old_key(address))
    return path if len(path) <= MAX_LENGTH else ""
