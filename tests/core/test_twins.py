"""Finding names that are likely twins, in a time that hostile names don't increase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.twins import Likeness, find_twins
from tests.factories.types import GrowsWithLength


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("Coöperation", "cooperation", Likeness.ACCENTS),
        ("Łódź", "lodz", Likeness.ACCENTS),
        ("co-operation", "cooperation", Likeness.SPACING),
        ("You Tube", "YouTube", Likeness.SPACING),
        ("women’s rights", "womens rights", Likeness.SPACING),
        ("U.N.", "UN", Likeness.SPACING),
        ("HRD", "HRDs", Likeness.PLURAL),
        ("human right defender", "Human Rights Defenders", Likeness.PLURAL),
        ("country report", "countries’ reports", Likeness.PLURAL),
        ("droit humain", "droits humains", Likeness.PLURAL),
        ("rights, human", "human rights", Likeness.ORDER),
        ("freedom of expression", "freedom of expresion", Likeness.TYPO),
        ("Azerbaijan", "Azerbajian", Likeness.TYPO),
        ("Martin Ennals Award", "Martin Enals Award", Likeness.TYPO),
        ("правозащитник", "правозашитник", Likeness.TYPO),
        (
            "Declaration on the protection of all human rights defenders",
            "Declaration on the protecton of all human rights defenders",
            Likeness.TYPO,
        ),
    ],
)
def test_twins_are_found_with_their_likeness(one: str, other: str, likeness: Likeness) -> None:
    (twins,) = find_twins([one, "something else", other])
    assert (twins.first, twins.second, twins.likeness) == (0, 2, likeness)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Iran", "Iraq"),
        ("C", "C++"),
        ("Article 19", "Article 9"),
        ("Human Rights Day 2018", "Human Rights Day 2019"),
        ("Gambia", "Zambia"),
        ("Niger", "Nigeria"),
        ("Slovakia", "Slovenia"),
        ("🎉", "🎊"),
        ("news", "views"),
        ("Radio France", "Radio Francis"),
        ("", ""),
    ],
)
def test_different_names_are_not_twins(one: str, other: str) -> None:
    assert find_twins([one, other]) == []


def test_each_name_is_paired_with_the_first_one_and_the_likeliest_come_first() -> None:
    found = find_twins(["defenders", "defender", "Défenders", "defnders"])
    assert [(twins.first, twins.second) for twins in found] == [(0, 2), (0, 1), (0, 3)]


@given(st.lists(st.text(max_size=60), max_size=30))
def test_a_pair_has_two_different_names_and_is_found_only_once(names: list[str]) -> None:
    found = find_twins(names)
    assert all(0 <= twins.first < twins.second < len(names) and 0 <= twins.score <= 100 for twins in found)
    assert len({(twins.first, twins.second) for twins in found}) == len(found)


@pytest.mark.parametrize(
    "pattern",
    [lambda n: f"{'a' * 30}{n}", lambda n: "a" * (n % 200), lambda n: f"word {n:b} word".replace("1", "b"), str],
)
def test_hostile_names_take_time_in_proportion_to_their_number(
    pattern: object, grows_with_length: GrowsWithLength
) -> None:
    def search(text: str) -> None:
        find_twins([pattern(n) for n in range(len(text))])  # type: ignore[operator]  # a function

    assert grows_with_length(search, "x" * 1_250)
