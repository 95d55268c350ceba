"""The meta fields in which our exports store values that WXR has no place for (wordpress.wxr.extensions)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from wordpress.wxr import elements
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, to_json


def differing_values(fields: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return the values, by name, that an importer can't restore. `fields` are pairs of value and restored value."""
    return {
        name: value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value
        for name, (value, restored) in fields.items()
        if value != restored
    }


def extension_field(kind: str, values: dict[str, Any], *checked: str, date: dt.datetime | None = None) -> str:
    """Return the meta field with `values`, or an empty string if there are none.

    The values are valid until one of the texts `checked` changes; datetimes also until `date` does.
    """
    if not values:
        return ""
    mark = {"mark": checksum(*checked)} | ({"date": str(date)} if date else {})
    return elements.meta_field(kind, EXTENSION_KEY, to_json(mark | values))
