"""The audit log as a file: CSV for spreadsheets, or JSON lines for programs. Records are sent as they are read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from django.db.models import QuerySet

from accounts.audit.reading import with_people
from accounts.models import AuditRecord
from core.bulk import batches
from core.spreadsheets import csv_lines

# How many records are read at once.
_BATCH: Final = 2000

_COLUMNS: Final = (
    *("time", "person", "person_id", "role"),
    *("action", "what", "kind", "object_id", "object", "details", "count"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A format of the file: its media type, and the function that writes records as pieces of text."""

    media_type: str
    write: Callable[[QuerySet[AuditRecord]], Iterator[str]]


def _rows(records: QuerySet[AuditRecord]) -> Iterator[dict[str, Any]]:
    """Yield the records, oldest first. Read in batches, a million of them need neither memory nor a cursor."""
    for batch in batches(records, _BATCH):
        yield from map(_values, with_people(batch))


def _values(record: AuditRecord) -> dict[str, Any]:
    who = (record.at.isoformat(), record.who, record.person_id, record.role)
    what = (record.action, record.text, record.kind, record.object_id, record.what, record.details, record.count)
    return dict(zip(_COLUMNS, who + what, strict=True))


def _as_csv(records: QuerySet[AuditRecord]) -> Iterator[str]:
    # The byte order mark, by which spreadsheets recognise UTF-8.
    yield "\ufeff"
    yield from csv_lines(chain([_COLUMNS], (row.values() for row in _rows(records))))


def _as_json_lines(records: QuerySet[AuditRecord]) -> Iterator[str]:
    for row in _rows(records):
        yield json.dumps(row, ensure_ascii=False) + "\n"


FORMATS: Final = {
    "csv": Format("text/csv; charset=utf-8", _as_csv),
    "jsonl": Format("application/jsonl; charset=utf-8", _as_json_lines),
}
