"""Registries and the system check that verifies them."""

from collections.abc import Iterator

import pytest

from core import registry
from core.registry import Registry, check_registries


@pytest.fixture(autouse=True)
def _no_other_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "registries", [])


def at_least_one(name: str, item: int) -> Iterator[str]:
    if item < 1:
        yield "It must be at least 1."


def test_items_keep_the_order_of_registration() -> None:
    numbers: Registry[int] = Registry("number")
    numbers.register("two", 2)
    numbers.register("one", 1)
    assert list(numbers.items()) == [("two", 2), ("one", 1)]
    assert (numbers["one"], len(numbers), "three" in numbers) == (1, 2, False)


def test_a_name_can_only_be_registered_once() -> None:
    numbers: Registry[int] = Registry("number")
    numbers.register("one", 1)
    with pytest.raises(ValueError, match="There is already a number called 'one'"):
        numbers.register("one", 2)
    assert numbers["one"] == 1


def test_the_system_check_reports_each_problem_of_each_item() -> None:
    numbers = Registry("number", at_least_one)
    numbers.register("one", 1)
    numbers.register("none", 0)
    assert [(error.id, error.msg) for error in check_registries()] == [
        ("core.E001", "The number 'none': It must be at least 1.")
    ]


def test_the_system_check_reports_nothing_without_problems() -> None:
    numbers = Registry("number", at_least_one)
    numbers.register("one", 1)
    assert check_registries() == []
