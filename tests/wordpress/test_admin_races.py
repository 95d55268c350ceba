"""Several people import at the same moment, and processes are killed at work."""

import signal
import subprocess
import sys
import uuid

import pytest

from tests.blog.desk import at_desk, person
from tests.blog.test_admin_races import at_once
from tests.wordpress.test_admin import upload
from tests.wordpress.worker import press, work
from wordpress.folders import Folder
from wordpress.models import ACTIVE, Import, State

pytestmark = pytest.mark.django_db(transaction=True)

HOLD = """
import sys, time, fcntl
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_of_several_uploads_one_begins() -> None:
    desks = [at_desk(person("superuser")) for _number in range(4)]
    answers = at_once(*[lambda desk=desk: upload(desk) for desk in desks])
    assert [answer.status_code for answer in answers] == [302] * 4
    found = Import.objects.get()
    assert [path.name for path in Folder(found.pk).path.parent.iterdir()] == [str(found.pk)]
    work()
    assert Import.objects.get().state == State.READY


def test_one_form_sent_several_times_at_once_is_one_import() -> None:
    desk, key = at_desk(person("superuser")), uuid.uuid4()
    answers = at_once(*[lambda: upload(desk, key=key)] * 4)
    assert [answer.status_code for answer in answers] == [302] * 4
    assert Import.objects.get().pk == key
    assert len(Folder(key).files()) == 1


def test_of_several_starts_one_counts() -> None:
    desk = at_desk(person("superuser"))
    for _number in range(2):
        upload(desk)
        work()
    found = list(Import.objects.all())
    at_once(*[lambda one=one: press(desk, one, "import") for one in found * 2])
    assert Import.objects.filter(state__in=ACTIVE).count() == 1
    work()
    assert sorted(Import.objects.values_list("state", flat=True)) == [State.DONE, State.READY]


def test_a_killed_process_lets_go_of_its_import() -> None:
    folder = Folder(uuid.uuid4())
    folder.make()
    worker = subprocess.Popen(  # noqa: S603  (our own Python and our own words)
        [sys.executable, "-c", HOLD, str(folder.path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "held\n"
    assert folder.is_held()
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert not folder.is_held()
