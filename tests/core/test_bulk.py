"""Inserting many rows at once (core.bulk)."""

import pytest
from django.utils import timezone

from core.bulk import insert_rows
from operations.models import CheckResult


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["a text", '"', 3, True, {"a": [1]}, ["a"]])
def test_any_json_is_stored_as_it_is(value: object) -> None:
    insert_rows(CheckResult, ("name", "checked_at", "diagnoses"), [("disk", timezone.now(), value)])
    assert CheckResult.objects.get().diagnoses == value
