"""What is said of single things of an export. An odd one gives cause for a million remarks: they are kept on disk."""

import json
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

# Bytes of remarks that memory holds: those of most imports.
_IN_MEMORY: Final = 1024 * 1024
# Of many remarks of one text so many are named, of many texts so many shown, and so many counted to find these.
_NAMED: Final = 20
_SHOWN: Final = 200
_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing of the export, by its id there and its title, and what is to say about it."""

    kind: str
    id: int
    title: str
    text: str
    # Where it is on the old site, of files.
    address: str = ""


class Remarks:
    """Remarks in their order, in a file without a name, which goes when they go. One may read them at a time."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.BROADSIDE_IMPORTS_DIR))  # noqa: SIM115  # see __del__
        self._number = 0

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Remark]:
        self._file.seek(0)
        try:
            for line in self._file:
                yield Remark(*json.loads(line))
        finally:
            self._file.seek(0, os.SEEK_END)

    def add(self, remark: Remark) -> None:
        self._file.write(json.dumps(astuple(remark)).encode() + b"\n")
        self._number += 1


@dataclass(slots=True)
class Reason:
    """Why something was left out or is different, and what it is true of."""

    kind: str
    text: str
    number: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.number - len(self.named)


@dataclass(slots=True)
class Reasons:
    """The most frequent ones, and how many remarks there are beside."""

    shown: list[Reason]
    more: int


def reasons_of(remarks: Remarks) -> Reasons:
    """Remarks of one kind and text together, the most frequent first."""
    reasons: dict[tuple[str, str], Reason] = {}
    for remark in remarks:
        key = (remark.kind, remark.text)
        if key not in reasons and len(reasons) == _COUNTED:
            continue
        reason = reasons.setdefault(key, Reason(*key))
        reason.number += 1
        if len(reason.named) < _NAMED:
            title = remark.title or _("(no title)")
            reason.named.append(f"{title} ({remark.id})" if remark.id else title)
    shown = sorted(reasons.values(), key=lambda reason: -reason.number)[:_SHOWN]
    return Reasons(shown, len(remarks) - sum(reason.number for reason in shown))
