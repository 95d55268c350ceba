"""Migrating from several groups per user to one role, and from display names that could be empty."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection

from accounts.models import User
from accounts.roles import permissions_of
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

migration: Any = import_module("accounts.migrations.0004_one_role")
SCHEMA_EDITOR = SimpleNamespace(connection=connection)


def migrate() -> None:
    for step in (migration.name_people, migration.give_one_role):
        step(apps, SCHEMA_EDITOR)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ""),
        (["Author"], "Author"),
        (["Author", "Editor"], "Editor"),
        (["Editor", "Moderator"], "Editor"),
        (["Author", "Editor", "Moderator"], "Editor"),
        (["Author", "Moderator"], "Author, Moderator"),
        (["Author", "Translators"], "Author, Translators"),
        (["Translators"], "Translators"),
    ],
)
def test_everyone_keeps_exactly_their_permissions_in_one_role(before: list[str], after: str) -> None:
    Group.objects.create(name="Translators").permissions.set(Permission.objects.filter(codename="view_redirect"))
    person = UserFactory(is_staff=bool(before))
    person.groups.set(Group.objects.filter(name__in=before))
    held = User.objects.get(pk=person.pk).get_all_permissions()
    for _ in range(2):
        migrate()
        stored = User.objects.get(pk=person.pk)
        assert stored.role == after
        assert stored.groups.count() == (1 if after else 0)
        assert stored.get_all_permissions() == held
        assert stored.is_staff is bool(before)


def test_two_people_with_the_same_groups_share_the_new_role() -> None:
    people = UserFactory.create_batch(2)
    for person in people:
        person.groups.set(Group.objects.filter(name__in=["Author", "Moderator"]))
    migrate()
    assert len({group.pk for person in people for group in person.groups.all()}) == 1


def test_an_existing_group_with_the_new_name_keeps_its_permissions() -> None:
    taken = Group.objects.create(name="Author, Moderator")
    person = UserFactory()
    person.groups.set(Group.objects.filter(name__in=["Author", "Moderator"]))
    migrate()
    assert taken.permissions.count() == 0
    assert User.objects.get(pk=person.pk).get_all_permissions() == permissions_of("Author") | permissions_of(
        "Moderator"
    )


def test_owners_lose_their_groups_and_keep_their_role() -> None:
    owner = UserFactory(is_superuser=True)
    owner.groups.set(Group.objects.filter(name="Author"))
    migrate()
    stored = User.objects.get(pk=owner.pk)
    assert (stored.role, stored.groups.count(), stored.is_staff) == ("Owner", 0, True)


def test_readers_see_the_same_names_as_before() -> None:
    nameless, named = UserFactory(username="ana", display_name=""), UserFactory(display_name="Bo")
    migrate()
    assert [str(User.objects.get(pk=person.pk)) for person in (nameless, named)] == ["ana", "Bo"]
