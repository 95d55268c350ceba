"""What is said about single items of an export. Unusual exports cause millions of remarks, so they are on disk."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

# Bytes of remarks that are kept in memory: those of most imports.
_IN_MEMORY: Final = 1024 * 1024
# How many examples a summary names for each reason, how many reasons it shows, and how many it tells apart.
_EXAMPLES: Final = 20
_SHOWN: Final = 200
_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to say about one item of the export. `id` and `title` are those in the export."""

    kind: str
    id: int
    title: str
    text: str
    # For files: their URL on the old site.
    url: str = ""


class Remarks:
    """Remarks in order, in an unnamed temporary file. Only one iteration at a time is possible."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.BROADSIDE_IMPORTS_DIR))  # noqa: SIM115  # see __del__
        self._count = 0

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Remark]:
        self._file.seek(0)
        try:
            for line in self._file:
                yield Remark(*json.loads(line))
        finally:
            self._file.seek(0, os.SEEK_END)

    def add(self, remark: Remark) -> None:
        self._file.write(json.dumps(astuple(remark)).encode() + b"\n")
        self._count += 1

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Remove the remarks that are added inside if that raises an error."""
        count, end = self._count, self._file.tell()
        try:
            yield
        except BaseException:
            self._count = count
            self._file.seek(end)
            self._file.truncate()
            raise


@dataclass(slots=True)
class Reason:
    """Why items were skipped or are different, and some of these items."""

    kind: str
    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.count - len(self.examples)


@dataclass(slots=True)
class Reasons:
    """The most frequent reasons, and the number of remarks with other reasons."""

    shown: list[Reason]
    more: int


def summarise(remarks: Remarks) -> Reasons:
    """Group remarks by kind and text, the most frequent first."""
    reasons: dict[tuple[str, str], Reason] = {}
    for remark in remarks:
        key = (remark.kind, remark.text)
        if key not in reasons and len(reasons) == _COUNTED:
            continue
        reason = reasons.setdefault(key, Reason(*key))
        reason.count += 1
        if len(reason.examples) < _EXAMPLES:
            title = remark.title or _("(no title)")
            reason.examples.append(f"{title} ({remark.id})" if remark.id else title)
    shown = sorted(reasons.values(), key=lambda reason: -reason.count)[:_SHOWN]
    return Reasons(shown, len(remarks) - sum(reason.count for reason in shown))
