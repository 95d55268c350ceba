"""Plain values of import reports, to compare with what a test expects."""

from wordpress.importing.report import Remark, Remarks, Report


def remarks(report: Report) -> list[str]:
    return [f"{note.kind} {note.id}: {note.text}" for note in report.notes]


def first(remarks: Remarks) -> Remark:
    return next(iter(remarks))


def counted(report: Report, kind: str) -> dict[str, int]:
    """How many of a kind had each outcome that any had."""
    return {outcome.value: number for outcome, number in report.counts[kind].items() if number}
