"""Kills an import at random times, continues it each time, and compares the databases. See README.md."""

import argparse
import datetime as dt
import hashlib
import random
import shutil
import signal
import time
from pathlib import Path

import scratch_site  # isort: split

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, UNUSABLE_PASSWORD_SUFFIX_LENGTH
from django.db import connection
from django.utils import timezone
from made_export import write_export

from tests.factories.database import rows_of_all
from wordpress.models import ImportedItem, ImportRun

UNUSABLE_LENGTH = len(UNUSABLE_PASSWORD_PREFIX) + UNUSABLE_PASSWORD_SUFFIX_LENGTH


def describe(start: dt.datetime) -> str:
    """Return a hash of all rows, except for values that depend on the time or the number of transactions."""
    digest = hashlib.sha256()
    for model, row in rows_of_all(without_version=True):
        values = [is_volatile(value, start) or value for value in row]
        digest.update(repr((model, values)).encode())
    connection.close()
    return digest.hexdigest()


def is_volatile(value: object, start: dt.datetime) -> bool:
    """Whether a value is the time of the import, or an unusable random password."""
    if isinstance(value, dt.datetime):
        return value >= start
    return isinstance(value, str) and value.startswith(UNUSABLE_PASSWORD_PREFIX) and len(value) == UNUSABLE_LENGTH


def kill_while_writing(rng: random.Random, longest: float) -> int:
    """Start the import, kill it up to `longest` seconds after its first write, and return how many items it stored."""
    before = ImportedItem.objects.count()
    importer = scratch_site.start_import()
    while ImportedItem.objects.count() == before:
        if importer.poll() is not None:
            raise SystemExit("Failed: the import ended before it could be killed. Choose more --posts.")
        time.sleep(0.01)
    time.sleep(rng.uniform(0, longest))
    importer.send_signal(signal.SIGKILL)
    if importer.wait() != -signal.SIGKILL or ImportRun.objects.get().finished_at is not None:
        raise SystemExit("Failed: the import had ended before it was killed. Choose more --posts.")
    return ImportedItem.objects.count() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=20_000, help="how many posts are imported (%(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="how often the import is killed (%(default)s)")
    options = parser.parse_args()
    scratch_site.migrate()
    database, empty = Path(settings.DATABASES["default"]["NAME"]), scratch_site.FOLDER / "empty.sqlite3"
    shutil.copy(database, empty)
    write_export(scratch_site.EXPORT, options.posts)
    began_at, start = timezone.now(), time.perf_counter()
    if scratch_site.start_import().wait():
        raise SystemExit("Failed: the import failed.")
    seconds = time.perf_counter() - start
    undisturbed = describe(began_at)
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    shutil.copy(empty, database)
    rng = random.Random()  # noqa: S311  # random times need no secrecy
    for kill in range(1, options.kills + 1):
        stored = kill_while_writing(rng, seconds / 2 / options.kills)
        print(f"kill {kill}: {stored:,} items stored since the last one, {ImportedItem.objects.count():,} in all")
    if scratch_site.start_import().wait():
        raise SystemExit("Failed: the last import failed.")
    if describe(began_at) != undisturbed:
        raise SystemExit("Failed: the database differs from that of an undisturbed import.")
    print(f"killed {options.kills} times; the database is the same as after an undisturbed import")


if __name__ == "__main__":
    main()
