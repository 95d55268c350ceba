"""What became of everything in an export. Nothing is left out without a line here that says why."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

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


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing of the export, by its id there and its title, and what is to say about it."""

    kind: str
    id: int
    title: str
    text: str
    # Where it is on the old site, of files.
    address: str = ""


@dataclass(slots=True)
class Report:
    """`counts` by kind; a kind is one of those above or, for other items, their type in WordPress."""

    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)
    skipped: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
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
        self.skipped.append(Remark(kind, id, title[:100], reason, address))

    def note(self, kind: str, id: int, title: str, text: str) -> None:  # noqa: A002
        """Say what is different about something that was brought in."""
        self.notes.append(Remark(kind, id, title[:100], text))

    def total(self, outcome: Outcome) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    @property
    def has_changes(self) -> bool:
        """Whether anything here became different."""
        return bool(self.total(Outcome.IMPORTED) + self.total(Outcome.UPDATED))

    def as_dict(self) -> dict[str, Any]:
        """All of it, in types that JSON has."""
        return {
            "files": self.files,
            "dry_run": self.dry_run,
            "counts": {
                kind: {outcome.value: counts[outcome] for outcome in Outcome} for kind, counts in self.counts.items()
            },
            "skipped": [asdict(remark) for remark in self.skipped],
            "notes": [asdict(remark) for remark in self.notes],
            "warnings": self.warnings,
            "interrupted": self.interrupted,
        }
