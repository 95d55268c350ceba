"""Restoring what our own exports contain beyond WXR (wordpress.wxr.extensions)."""

from typing import Final

from django.db.models import Model

from blog.models import Entry, Status
from wordpress.models import Attachment
from wordpress.wxr.records import Item

# Captions and descriptions have no limit of their own.
_MAX_TEXT_LENGTH: Final = 100_000


def restore_entry(entry: Entry, item: Item) -> None:
    """Set the fields of `entry` that the extension of `item` contains."""
    if extension := item.extension:
        _set_texts(entry, extension.texts, ("title", "excerpt", "language"))
        for name in ("published_at", "created_at", "modified_at"):
            exact = extension.datetimes.get(name)
            if exact is not None:
                setattr(entry, name, exact)
            elif name == "published_at" and name in extension.datetimes and entry.status != Status.PUBLISHED:
                entry.published_at = None


def restore_attachment(attachment: Attachment, item: Item) -> None:
    """Set the fields of `attachment` that the extension of `item` contains."""
    if extension := item.extension:
        texts = {name: text for name, text in extension.texts.items() if len(text) <= _MAX_TEXT_LENGTH}
        _set_texts(attachment, texts, ("title", "alt", "caption", "description"))
        attachment.uploaded_at = extension.datetimes.get("uploaded_at") or attachment.uploaded_at


def _set_texts(target: Model, texts: dict[str, str], names: tuple[str, ...]) -> None:
    """Set those of the fields `names` whose texts are given and fit."""
    for name in names:
        text = texts.get(name)
        max_length: int | None = getattr(target._meta.get_field(name), "max_length", None)
        if text is not None and (max_length is None or len(text) <= max_length):
            setattr(target, name, text)
