"""Thousands of rows, for tests of how the database reads large tables."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model

from core.bulk import insert_rows, max_pk


def insert_copies(prototype: Model, changes: Iterable[dict[str, Any]]) -> list[int]:
    """Insert a copy of an unsaved object for each of these changes of its fields, and return their IDs.

    Nothing is derived from the fields. Making model objects would take ten times as long.
    """
    model = type(prototype)
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    values = {field.name: field.pre_save(prototype, add=True) for field in fields}
    different = [field for field in fields if field.unique and field.has_default()]
    copies = (values | {field.name: field.get_default() for field in different} | change for change in changes)
    last = max_pk(model)
    insert_rows(model, list(values), [list(copy.values()) for copy in copies])
    return list(model._default_manager.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True))
