"""Several users start imports at the same time, and workers are killed."""

import signal
import subprocess
import sys
import uuid

import pytest

from tests.factories.admin import client_of, user_in_role
from tests.factories.import_jobs import start, upload
from tests.factories.types import AtOnce, Work
from wordpress.downloads import jobs
from wordpress.models import ACTIVE_STATES, ExportJob, ImportJob, Job, JobState
from wordpress.uploads import lifecycle
from wordpress.uploads.folder import JobFolder

pytestmark = pytest.mark.django_db(transaction=True)

LOCK = """
import sys, time, fcntl
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)
"""


def test_only_one_of_several_uploads_creates_a_job(at_once: AtOnce, work: Work) -> None:
    clients = [client_of(user_in_role("superuser")) for _index in range(4)]
    responses = at_once(*[lambda client=client: upload(client) for client in clients])
    assert [response.status_code for response in responses] == [302] * 4
    job = ImportJob.objects.get()
    assert [path.name for path in JobFolder(job.pk).path.parent.iterdir()] == [str(job.pk)]
    work()
    assert ImportJob.objects.get().state == JobState.READY


def test_form_sent_several_times_at_once_creates_one_job(at_once: AtOnce) -> None:
    client, key = client_of(user_in_role("superuser")), uuid.uuid4()
    responses = at_once(*[lambda: upload(client, key=key)] * 4)
    assert [response.status_code for response in responses] == [302] * 4
    assert ImportJob.objects.get().pk == key
    assert len(JobFolder(key).files()) == 1


def test_only_one_of_several_jobs_starts(at_once: AtOnce, work: Work) -> None:
    client = client_of(user_in_role("superuser"))
    for _index in range(2):
        upload(client)
        work()
    jobs = list(ImportJob.objects.all())
    at_once(*[lambda job=job: start(client, job, "import") for job in jobs * 2])
    assert ImportJob.objects.filter(state__in=ACTIVE_STATES).count() == 1
    work()
    assert sorted(ImportJob.objects.values_list("state", flat=True)) == [JobState.DONE, JobState.READY]


@pytest.mark.parametrize("model", [ImportJob, ExportJob])
def test_job_of_a_killed_worker_that_the_next_one_claims_meanwhile_goes_on(
    model: type[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = model._default_manager.create(state=JobState.RUNNING)
    folder, has_died = JobFolder(job.pk), lifecycle.has_died
    folder.create()

    def claim_meanwhile(found: Job) -> bool:
        is_dead = has_died(found)
        assert lifecycle.move(found, [JobState.RUNNING], JobState.RUNNING)
        # That was another process.
        found.state_since = job.state_since
        return is_dead

    monkeypatch.setattr(lifecycle, "has_died", claim_meanwhile)
    lifecycle.delete_abandoned_uploads()
    jobs.tidy_up()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert folder.path.exists()


def test_killed_process_releases_its_lock() -> None:
    folder = JobFolder(uuid.uuid4())
    folder.create()
    worker = subprocess.Popen(  # noqa: S603  # a fixed program, run by our own Python
        [sys.executable, "-c", LOCK, str(folder.path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "locked\n"
    assert folder.is_locked()
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert not folder.is_locked()
