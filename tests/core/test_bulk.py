"""Inserting and changing many rows at once (core.bulk)."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from core.bulk import insert_rows, update
from operations.models import CheckResult


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["a text", '"', 3, True, {"a": [1]}, ["a"]])
def test_any_json_is_stored_as_it_is(value: object) -> None:
    insert_rows(CheckResult, ("name", "checked_at", "diagnoses"), [("disk", timezone.now(), value)])
    assert CheckResult.objects.get().diagnoses == value


@pytest.mark.django_db
def test_only_these_fields_are_changed_and_in_one_statement(django_assert_num_queries: Any) -> None:
    now = timezone.now()
    insert_rows(CheckResult, ("name", "checked_at", "diagnoses"), [(name, now, ["a"]) for name in "bcd"])
    stored = list(CheckResult.objects.order_by("name")[:2])
    for row, diagnoses in zip(stored, (["b", None], {"c": 1}), strict=True):
        row.checked_at, row.diagnoses = now + dt.timedelta(days=3), diagnoses
    with django_assert_num_queries(1):
        update(stored, ["diagnoses"])
        update([], ["diagnoses"])
    rows = CheckResult.objects.order_by("name").values_list("name", "checked_at", "diagnoses")
    assert list(rows) == [("b", now, ["b", None]), ("c", now, {"c": 1}), ("d", now, ["a"])]
