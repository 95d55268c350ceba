"""Reading the reports of imports."""

from wordpress.remarks import Remark, Remarks
from wordpress.reports import Report


def remarks(report: Report) -> list[str]:
    return [f"{note.kind} {note.id}: {note.text}" for note in report.notes]


def first(remarks: Remarks) -> Remark:
    return next(iter(remarks))


def counted(report: Report, kind: str) -> dict[str, int]:
    """How many of a kind had each outcome that any had."""
    return {outcome.value: number for outcome, number in report.counts[kind].items() if number}
