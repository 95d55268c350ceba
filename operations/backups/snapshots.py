"""The state of the database at one moment, which is dumped and described while the site keeps running."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

from media.storage import Readable
from operations.backups.contents import Table

# Tables that a backup leaves empty because their rows are useless later or would let people in (sessions, links for
# choosing a password, rate limits, the state of this machine, its backups and worker), or because they concern names
# that were withdrawn.
LEFT_OUT: Final = (
    "accounts_passwordlink",
    "accounts_session",
    "comments_ratecount",
    "comments_spentchallenge",
    "django_session",
    "mail_recipientdomain",
    "operations_backuprun",
    "operations_checkresult",
    "operations_freespace",
    "operations_goneurl",
    "operations_scheduledtime",
    "operations_withdrawal",
    "operations_withdrawnrow",
    "operations_workerheartbeat",
)
_MODULUS: Final = 2**128

# Called with how much of a step is done, and the total.
type Progress = Callable[[int, int], None]


class Snapshot(Protocol):
    """A snapshot of the database. `size` is that of the dump in bytes; an estimate if it has yet to be written."""

    @property
    def size(self) -> int: ...

    def dump(self) -> AbstractContextManager[Readable]:
        """Read the whole database. Tables in LEFT_OUT are empty."""

    def tables(self, progress: Progress) -> dict[str, Table]:
        """Describe what the dump contains, table by table."""

    def rows(self, sql: str) -> Iterator[tuple[object, ...]]:
        """Return the rows of a query."""


def describe(rows: Iterable[bytes]) -> Table:
    """Return the number of rows, and a digest of them that doesn't depend on their order."""
    count = total = 0
    for row in rows:
        count += 1
        total = (total + int.from_bytes(hashlib.blake2b(row, digest_size=16).digest())) % _MODULUS
    return Table(count, f"{total:032x}")
