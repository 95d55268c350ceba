"""Text of OpenDocument files that was deleted while changes were tracked, which anyone could restore.

Source: OpenDocument 1.3, 5.5 (Change Tracking). The text is kept at the beginning of the document, and an empty element
says where it was.
"""

from typing import Any, Final

from media.cleaners.markup import without

_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
# What is left out if it contains nothing else: one change, and a link.
_HOLDERS: Final = (f"{_TEXT}changed-region", f"{_TEXT}a")


def has_deleted_text(content: bytes) -> bool:
    """Whether a part may contain deleted text."""
    return b"tracked-changes" in content


def without_deleted_text(tree: Any) -> Any:
    """Return a part as a program does whose user accepts the deletions. Inserted text stays marked.

    What the cells of a spreadsheet contained before changes is left out as well.
    """
    removed = dict.fromkeys(tree.iter(f"{_TABLE}tracked-changes", f"{_TEXT}deletion", f"{_TEXT}change"))
    for holder in tree.iter(*_HOLDERS):
        texts = (holder.text, *(each.tail for each in holder))
        if len(holder) and all(each in removed for each in holder) and not any(text and text.strip() for text in texts):
            removed[holder] = None
    return without(tree, removed)
