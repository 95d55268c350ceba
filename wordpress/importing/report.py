"""What happened to each item of an export. Nothing is skipped without a remark that says why."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TextIO

from django.utils.translation import gettext as _

from wordpress.importing.report_log import Remark, Remarks, summarise

AUTHORS, CATEGORIES, TAGS, OTHER_TERMS = "author", "category", "tag", "other term"
POSTS, PAGES, COMMENTS = "post", "page", "comment"
# What an export says about a file, and the file itself: one may be here without the other.
ATTACHMENTS, FILES = "attachment", "file"


class Outcome(StrEnum):
    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


def outcome_texts() -> dict[Outcome, str]:
    """Return the label of each outcome."""
    return {
        Outcome.IMPORTED: _("imported"),
        Outcome.UPDATED: _("updated"),
        Outcome.UNCHANGED: _("unchanged"),
        Outcome.SKIPPED: _("skipped"),
    }


class ReportMark(NamedTuple):
    """How far a report was, for `Report.reset`."""

    counts: dict[str, Counter[Outcome]]
    skipped: tuple[int, int]
    notes: tuple[int, int]


@dataclass(slots=True)
class Report:
    """`counts` by kind; a kind is one of those above or, for other items, their type in WordPress."""

    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)
    skipped: Remarks = field(default_factory=Remarks)
    notes: Remarks = field(default_factory=Remarks)
    warnings: list[str] = field(default_factory=list)
    # Whether someone cancelled the import. The next import continues it.
    interrupted: bool = False
    # The ID under which `--undo` removes what was added; None if nothing was.
    run: int | None = None

    def count(self, kind: str, outcome: Outcome, count: int = 1) -> None:
        if count:
            self.counts.setdefault(kind, Counter())[outcome] += count

    def skip(self, kind: str, id: int, title: str, reason: str, url: str = "") -> None:  # noqa: A002  # WordPress's name for it
        """Count an item that was not imported, and say why."""
        self.count(kind, Outcome.SKIPPED)
        self.skipped.add(Remark(kind, id, title[:100], reason, url))

    def note(self, kind: str, id: int, title: str, text: str) -> None:  # noqa: A002  # likewise
        """Say what is different about an item that was imported."""
        self.notes.add(Remark(kind, id, title[:100], text))

    def rename_files(self, rename: Callable[[str], str]) -> None:
        """Replace file names in the list of files and in the warnings."""
        self.files = [rename(path) for path in self.files]
        self.warnings = [rename(text) for text in self.warnings]

    def total(self, outcome: Outcome) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    @property
    def has_changes(self) -> bool:
        """Whether the import has changed anything here."""
        return bool(self.total(Outcome.IMPORTED) + self.total(Outcome.UPDATED))

    def has_changed_since(self, mark: ReportMark) -> bool:
        """Whether anything was imported or updated after `mark`."""
        changed = (Outcome.IMPORTED, Outcome.UPDATED)
        return any(
            counts[outcome] != mark.counts.get(kind, Counter())[outcome]
            for kind, counts in self.counts.items()
            for outcome in changed
        )

    def mark(self) -> ReportMark:
        """Return how far the report is now."""
        counts = {kind: counts.copy() for kind, counts in self.counts.items()}
        return ReportMark(counts, self.skipped.mark(), self.notes.mark())

    def reset(self, mark: ReportMark) -> None:
        """Take back what was reported since `mark`, because it was rolled back."""
        self.counts = mark.counts
        self.skipped.truncate(mark.skipped)
        self.notes.truncate(mark.notes)

    def summary(self) -> dict[str, Any]:
        """Return the report as JSON types, with the remarks grouped: as much as a page can show."""
        return {
            **self._without_remarks(),
            "skipped": asdict(summarise(self.skipped)),
            "notes": asdict(summarise(self.notes)),
        }

    def write(self, file: TextIO) -> None:
        """Write the whole report as JSON."""
        write_json(file, self._without_remarks(), skipped=self.skipped, notes=self.notes)

    def _without_remarks(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "dry_run": self.dry_run,
            "counts": {
                kind: {outcome.value: counts[outcome] for outcome in Outcome} for kind, counts in self.counts.items()
            },
            "warnings": self.warnings,
            "interrupted": self.interrupted,
            "run": self.run,
        }


def write_json(file: TextIO, values: dict[str, Any], **lists: Remarks) -> None:
    """Write an object with `values` and lists of remarks, one per line: together they may be too large for memory."""
    file.write(json.dumps(values, ensure_ascii=False, indent=1).removesuffix("\n}"))
    for name, remarks in lists.items():
        file.write(f',\n "{name}": [')
        file.writelines(
            f"{',' if index else ''}\n  {json.dumps(asdict(remark), ensure_ascii=False)}"
            for index, remark in enumerate(remarks)
        )
        file.write("]")
    file.write("\n}\n")
