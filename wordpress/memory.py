"""Whether something has changed since it was brought in: there, here, or on both sides.

What is in the database and not in an export is never deleted: exports may hold a part of a site.
"""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wordpress.lookups import add_rows, rows
from wordpress.models import ImportedItem
from wordpress.records import ENCLOSURE, FOOTNOTES, THUMBNAIL, Author, Comment, Item, Term
from wordpress.reports import COMMENTS

_COLUMNS = ("site", "kind", "wordpress_id", "object_pk", "fingerprint", "left_as")


@dataclass(frozen=True, slots=True)
class Left:
    """What an import left: the fingerprint of what was exported, and that of what was made of it."""

    exported: str
    here: str


class Memory:
    """What earlier imports left; takes what this one leaves."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._new: list[tuple[Any, ...]] = []

    def recall(self, kind: str, keys: Iterable[int]) -> dict[int, Left]:
        found = rows(ImportedItem, "object_pk", keys, "object_pk", "fingerprint", "left_as", kind=kind)
        return {pk: Left(exported, here) for pk, exported, here in found}

    def keys(self, kind: str, numbers: Iterable[int]) -> dict[int, list[int]]:
        """What became of the things that this site's exports gave these numbers."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for number, key in rows(
            ImportedItem, "wordpress_id", numbers, "wordpress_id", "object_pk", kind=kind, site=self._site
        ):
            found[number].append(key)
        return found

    def remember(self, kind: str, number: int, key: int, left: Left) -> None:
        self._new.append((self._site, kind, number, key, left.exported, left.here))

    def write(self) -> None:
        """Store what was taken since the last time."""
        add_rows(ImportedItem, _COLUMNS, self._new, unique=("kind", "object_pk"))
        self._new = []


def forget_comments(keys: Iterable[int]) -> None:
    """Forget what was imported as the comments of these keys: the next import leaves them as they are."""
    ImportedItem.objects.filter(kind=COMMENTS, object_pk__in=keys).delete()


def of_item(item: Item) -> str:
    """The fingerprint of an exported post or page; its comments have their own."""
    return _digest(
        item.title,
        item.slug,
        item.author,
        item.status,
        item.date,
        item.date_gmt,
        item.modified,
        item.modified_gmt,
        item.content,
        item.excerpt,
        item.parent,
        item.menu_order,
        item.sticky,
        item.password,
        item.comment_status,
        [tuple(ref) for ref in item.terms],
        *(value for key, value in item.meta if key == FOOTNOTES),
        *(value for key, value in item.meta if key == THUMBNAIL),
        *(value for key, value in item.meta if key == ENCLOSURE),
    )


def of_comment(comment: Comment) -> str:
    """The fingerprint of an exported comment."""
    return _digest(
        comment.author,
        comment.email,
        comment.url,
        comment.date,
        comment.date_gmt,
        comment.content,
        comment.approved,
        comment.type,
        comment.parent,
        comment.user_id,
    )


def of_term(term: Term) -> str:
    """The fingerprint of an exported category or tag."""
    return _digest(term.slug, term.name, term.parent, term.description)


def of_author(author: Author) -> str:
    """The fingerprint of an exported author."""
    return _digest(author.email, author.display_name, author.first_name, author.last_name)


def of_moment(modified_at: dt.datetime) -> str:
    """The fingerprint of a stored entry: each change here sets the moment anew."""
    return _digest(modified_at.astimezone(dt.UTC).isoformat())


def of_row(*values: object) -> str:
    """The fingerprint of a stored row without a moment of change: of what may be changed here."""
    return _digest(*values)


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
