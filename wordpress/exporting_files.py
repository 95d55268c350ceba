"""Pictures and documents in an export, and files of an old site that are not here."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils import timezone

from blog.models import Page, Post
from blog.site import absolute_url
from library.models import Document, Picture
from wordpress.file_numbers import FileNumbers, missing_with_parents, uploads_with_origins
from wordpress.models import Attachment
from wordpress.originals import META_KEY, mark, packed, readable
from wordpress.plain import moment, plain, plain_lines
from wordpress.records import ALT
from wordpress.wxr import as_html, exact, item, local_time, meta_field, text_of, utc_time


class Files:
    """The attachments of an export. `page_numbers` are those of pages that cannot keep their own there."""

    def __init__(
        self, logins: Mapping[int, str], page_numbers: Mapping[int, int], next_number: Callable[[], int]
    ) -> None:
        self._logins = logins
        self._page_numbers = page_numbers
        self._numbers = FileNumbers(next_number)

    def number(self, model: type[Picture | Document], pk: int) -> int:
        """The number in the export of the picture or document of this key."""
        return self._numbers.of(model, pk)

    def items(self) -> Iterator[str]:
        """An item for each file. Posts and pages must have their numbers by now."""
        models: tuple[type[Picture | Document], ...] = (Picture, Document)
        for model in models:
            for upload, origin, parent in uploads_with_origins(model):
                yield self._upload(upload, origin, parent)
        for attachment, parent in missing_with_parents():
            yield self._attachment(attachment, self._numbers.of_missing(attachment), parent)

    def _upload(self, upload: Picture | Document, origin: Attachment | None, parent: Post | Page | None) -> str:
        """A picture or document, with what came with it if it was imported."""
        url = upload.file.url
        url = url if "://" in url else absolute_url(url)
        said = Attachment(
            url=url,
            guid=(origin.guid or origin.url) if origin else url,
            link=origin.link if origin else url,
            title=upload.title,
            caption=upload.caption if isinstance(upload, Picture) else origin.caption if origin else "",
            alt=upload.alt if isinstance(upload, Picture) else origin.alt if origin else "",
            description=origin.description if origin else "",
            menu_order=origin.menu_order if origin else 0,
            uploaded_by_id=upload.uploaded_by_id,
            uploaded_at=upload.uploaded_at,
        )
        return self._attachment(said, self.number(type(upload), upload.pk), parent, str(upload.file.name))

    def _attachment(self, said: Attachment, number: int, parent: Post | Page | None, file: str = "") -> str:
        key = parent.pk if parent else 0
        post_parent = self._page_numbers.get(key, key) if isinstance(parent, Page) else key
        local = local_time(said.uploaded_at or timezone.now()).replace(microsecond=0)
        title, caption, description, alt = (
            as_html(text) for text in (said.title, said.caption, said.description, said.alt)
        )
        original: dict[str, Any] = {
            name: text
            for name, text, read in (
                ("title", said.title, plain(readable(title))),
                ("alt", said.alt, plain(readable(alt))),
                ("caption", said.caption, plain_lines(readable(caption))),
                ("description", said.description, plain_lines(readable(description))),
            )
            if text != read
        }
        if said.uploaded_at and said.uploaded_at != moment(local):
            original["uploaded_at"] = exact(said.uploaded_at)
        if original:
            original = {"mark": mark(title, description, caption, ""), "date": str(local), **original}
        if key != post_parent:
            original["numbers"] = {"id": number, "post_id": number, "parent": key, "post_parent": post_parent}
        return item(
            title,
            said.link,
            self._logins.get(said.uploaded_by_id or 0, ""),
            said.guid,
            description,
            caption,
            {
                "post_id": number,
                "post_date": text_of(local if said.uploaded_at else None),
                "post_date_gmt": text_of(
                    utc_time(said.uploaded_at).replace(microsecond=0) if said.uploaded_at else None
                ),
                "comment_status": "closed",
                "ping_status": "closed",
                "post_name": "",
                "status": "inherit",
                "post_parent": post_parent,
                "menu_order": said.menu_order,
                "post_type": "attachment",
                "post_password": "",
                "is_sticky": 0,
                "attachment_url": said.url,
            },
            [
                *([meta_field("postmeta", "_wp_attached_file", file)] if file else []),
                *([meta_field("postmeta", ALT, alt)] if alt else []),
                *([meta_field("postmeta", META_KEY, packed(original))] if original else []),
            ],
        )
