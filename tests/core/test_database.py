"""Commits that don't wait for the disk, and the commits after them, which do."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.db.models import Func, TextField

from core.database import commits_without_sync, update_without_sync

pytestmark = pytest.mark.django_db(transaction=True)

if connection.vendor == "sqlite":
    DURABILITY, WAITS, DOES_NOT_WAIT = "(SELECT synchronous FROM pragma_synchronous)", "2", "1"
else:
    DURABILITY, WAITS, DOES_NOT_WAIT = "current_setting('synchronous_commit')", "on", "off"
in_this_statement = Func(template=DURABILITY, output_field=TextField())


def durability() -> str:
    """Return the setting that determines whether the next commit waits for the disk."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DURABILITY}")
        return str(cursor.fetchone()[0])


def set_durability(value: str) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous={value}")


@pytest.fixture(autouse=True)
def _commits_wait() -> Iterator[None]:
    """Wait for the disk as in production. Other tests on SQLite don't."""
    before = durability()
    set_durability(WAITS)
    yield
    set_durability(before)


@pytest.fixture
def group(_commits_wait: None) -> Group:
    return Group.objects.create(name="old")


def test_only_this_commit_does_not_wait(group: Group) -> None:
    # Repeated, because SQLite applies the setting when it compiles a statement, and Python caches compiled statements.
    for _ in range(3):
        update_without_sync(Group.objects.filter(pk=group.pk), name=in_this_statement)
        group.refresh_from_db()
        assert group.name == DOES_NOT_WAIT
        assert durability() == WAITS


def test_other_connections_see_it_at_once(group: Group) -> None:
    update_without_sync(Group.objects.filter(pk=group.pk), name="new")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM auth_group WHERE name = 'new'")
            assert cursor.fetchone() == (1,)
    finally:
        other.close()


def test_commits_wait_again_after_an_error(group: Group) -> None:
    Group.objects.create(name="taken")
    with pytest.raises(IntegrityError):
        update_without_sync(Group.objects.filter(pk=group.pk), name="taken")
    assert durability() == WAITS


def test_within_a_transaction_it_has_the_durability_of_the_transaction(group: Group) -> None:
    with transaction.atomic():
        update_without_sync(Group.objects.filter(pk=group.pk), name=in_this_statement)
        assert durability() == WAITS
    group.refresh_from_db()
    assert group.name == WAITS


def test_only_these_rows_are_updated(group: Group) -> None:
    others = Group.objects.exclude(pk=group.pk)
    names = set(others.values_list("name", flat=True))
    update_without_sync(Group.objects.filter(pk=group.pk), name="new")
    update_without_sync(Group.objects.none(), name="nothing")
    assert set(others.values_list("name", flat=True)) == names
    group.refresh_from_db()
    assert group.name == "new"


def test_on_sqlite_commits_in_a_block_do_not_wait_and_later_ones_do(group: Group) -> None:
    rows = Group.objects.filter(pk=group.pk)
    for _ in range(2):
        with commits_without_sync():
            for _commit in range(2):
                rows.update(name=in_this_statement)
                assert rows.get().name == (DOES_NOT_WAIT if connection.vendor == "sqlite" else WAITS)
        rows.update(name=in_this_statement)
        assert rows.get().name == WAITS


def test_commits_wait_again_after_a_block_that_failed(group: Group) -> None:
    with pytest.raises(RuntimeError, match="planned"), commits_without_sync():
        raise RuntimeError("planned")
    assert durability() == WAITS


def test_a_block_within_a_transaction_has_the_durability_of_the_transaction(group: Group) -> None:
    with transaction.atomic(), commits_without_sync():
        assert durability() == WAITS
    assert durability() == WAITS


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL reports what is on disk.")
def test_the_next_commit_flushes_it_to_the_disk(group: Group) -> None:
    update_without_sync(Group.objects.filter(pk=group.pk), name="new")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        (written,) = cursor.fetchone()
        Group.objects.create(name="another")
        cursor.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [written])
        assert cursor.fetchone() == (True,)
