"""Rows that belong to a person, found by e-mail address."""

import pytest

from accounts.models import User
from core.personal_data import PersonalRows, personal_rows
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PEOPLE = PersonalRows(User, "email")


@pytest.fixture
def rosa() -> User:
    UserFactory.create(email="arosa@example.org")
    user: User = UserFactory.create(email="Rosa@example.org", username="rosa")
    return user


def test_rows_are_found_case_insensitively(rosa: User) -> None:
    assert PEOPLE.count("rosa@EXAMPLE.org") == 1
    (row,) = PEOPLE.disclose("rosa@example.org")
    assert (row["username"], row["date_joined"]) == ("rosa", str(rosa.date_joined))


def test_only_the_rows_of_the_person_are_erased(rosa: User) -> None:
    assert PEOPLE.erase("rosa@example.org") == 1
    assert User.objects.get().email == "arosa@example.org"


def test_an_empty_address_matches_no_rows(rosa: User) -> None:
    User.objects.update(email="")
    assert PEOPLE.count("") == PEOPLE.erase("") == 0
    assert PEOPLE.disclose("") == []


def test_the_system_check_reports_missing_fields() -> None:
    assert list(personal_rows.find_problems("people", PEOPLE)) == []
    (problem,) = personal_rows.find_problems("people", PersonalRows(User, "mail"))
    assert problem == "User has no field 'mail'."
