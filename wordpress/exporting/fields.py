"""Meta fields of an export, and what the fields of WordPress cannot contain."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from core.text import unify_line_ends
from wordpress.wxr.elements import iso_utc, meta_field
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, clean_for_xml, to_json


def post_meta(key: str, value: str) -> str:
    """Return a meta field of an item; nothing if `value` is empty."""
    return meta_field("postmeta", key, value) if value else ""


def differing_values(fields: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return the values, by name, that differ from what an importer restores from the fields of WordPress.

    `fields` are pairs of the value and what is restored.
    """
    return {
        name: iso_utc(value) if isinstance(value, dt.datetime) else value
        for name, (value, restored) in fields.items()
        if value != restored
    }


def extension_field(kind: str, values: dict[str, Any], *checked: str, date: dt.datetime | None = None) -> str:
    """Return the meta field that holds `values`; nothing if there are none (wordpress.wxr.extensions).

    It is valid until one of the texts `checked` is edited. Its datetimes are valid until `date` is edited.
    """
    if not values:
        return ""
    mark = {"mark": checksum(*checked)} | ({"date": str(date)} if date else {})
    return meta_field(kind, EXTENSION_KEY, to_json(mark | values))


def warn_about_control_characters(warn: Callable[[str], None], obj: Model, *texts: str) -> None:
    """Call `warn` if any of `texts`, which belong to `obj`, loses characters in the export."""
    if any(clean_for_xml(text) != unify_line_ends(text) for text in texts):
        warn(
            _("%(kind)s %(id)d “%(title)s”: Control characters were removed because XML can't contain them.")
            % {"kind": obj._meta.verbose_name, "id": obj.pk, "title": obj}
        )
