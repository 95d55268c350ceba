"""What became of everything in an export. Nothing is left out without a line here that says why."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TextIO

from django.utils.translation import gettext as _

from wordpress.remarks import Remark, Remarks, reasons_of

AUTHORS, CATEGORIES, TAGS, OTHER_TERMS = "author", "category", "tag", "other term"
POSTS, PAGES, COMMENTS = "post", "page", "comment"
# What is said of a file, and the file itself: one may be here without the other.
ATTACHMENTS, FILES = "attachment", "file"


class Outcome(StrEnum):
    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


def outcome_texts() -> dict[Outcome, str]:
    """What people read of each."""
    return {
        Outcome.IMPORTED: _("imported"),
        Outcome.UPDATED: _("updated"),
        Outcome.UNCHANGED: _("unchanged"),
        Outcome.SKIPPED: _("left out"),
    }


@dataclass(slots=True)
class Report:
    """`counts` by kind; a kind is one of those above or, for other items, their type in WordPress."""

    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)
    skipped: Remarks = field(default_factory=Remarks)
    notes: Remarks = field(default_factory=Remarks)
    warnings: list[str] = field(default_factory=list)
    # Whether somebody stopped it while files came in: the rest comes with the next run.
    interrupted: bool = False

    def count(self, kind: str, outcome: Outcome, number: int = 1) -> None:
        if number:
            self.counts.setdefault(kind, Counter())[outcome] += number

    def skip(
        self,
        kind: str,
        id: int,  # noqa: A002  # WordPress's word for it
        title: str,
        reason: str,
        address: str = "",
    ) -> None:
        """Count something that was not brought in, and why."""
        self.count(kind, Outcome.SKIPPED)
        self.skipped.add(Remark(kind, id, title[:100], reason, address))

    def note(self, kind: str, id: int, title: str, text: str) -> None:  # noqa: A002  # likewise
        """Say what is different about something that was brought in."""
        self.notes.add(Remark(kind, id, title[:100], text))

    def total(self, outcome: Outcome) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    @property
    def has_changes(self) -> bool:
        """Whether anything here became different."""
        return bool(self.total(Outcome.IMPORTED) + self.total(Outcome.UPDATED))

    def summary(self) -> dict[str, Any]:
        """It in types that JSON has, with remarks of one text together: as much as a page can show."""
        return {
            **self._all_but_remarks(),
            "left_out": asdict(reasons_of(self.skipped)),
            "different": asdict(reasons_of(self.notes)),
        }

    def write(self, file: TextIO) -> None:
        """All of it as JSON, a line for each remark: together they may be too many for memory."""
        file.write(json.dumps(self._all_but_remarks(), ensure_ascii=False, indent=1).removesuffix("\n}"))
        for name, remarks in (("skipped", self.skipped), ("notes", self.notes)):
            file.write(f',\n "{name}": [')
            file.writelines(
                f"{',' if number else ''}\n  {json.dumps(asdict(remark), ensure_ascii=False)}"
                for number, remark in enumerate(remarks)
            )
            file.write("]")
        file.write("\n}\n")

    def _all_but_remarks(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "dry_run": self.dry_run,
            "counts": {
                kind: {outcome.value: counts[outcome] for outcome in Outcome} for kind, counts in self.counts.items()
            },
            "warnings": self.warnings,
            "interrupted": self.interrupted,
        }
