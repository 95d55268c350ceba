"""Plain values of import reports, to compare with expectations."""

from wordpress.importing.report import Remark, Remarks, Report


def remarks(report: Report) -> list[str]:
    return [f"{note.kind} {note.id}: {note.text}" for note in report.notes]


def first(remarks: Remarks) -> Remark:
    return next(iter(remarks))


def counted(report: Report, kind: str) -> dict[str, int]:
    """Return how many items of this kind had each outcome, without zeros."""
    return {outcome.value: count for outcome, count in report.counts[kind].items() if count}
