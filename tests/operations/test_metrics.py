"""Metrics for Prometheus are counted across all processes, contain no paths, and require a token."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from operations.health import HealthPages
from operations.metrics_folder import prepare_metrics
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run
from tests.factories.reader import Reader

TOKEN = "a-token-for-monitoring-0123"
# A web server, and functions that send requests to it.
SERVER = """
import json, sys
import django
django.setup()
from config import rsgi, wsgi

def ask(path, query="", method="GET", **headers):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": ""}
    environ |= {"SERVER_NAME": "x", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost"}
    environ |= {"REMOTE_ADDR": "203.0.113.77", "wsgi.url_scheme": "http", "wsgi.input": sys.stdin.buffer}
    environ |= {"wsgi.errors": sys.stderr, **headers}
    statuses = []
    start = lambda status, headers, *rest: statuses.append(status)
    answer = rsgi.answer_at_once(environ, start)
    if answer is None:
        answer = wsgi.application(environ, start)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return statuses[0], body.decode("utf-8", "replace")

def metrics(token=TOKEN):
    return ask("/metrics", HTTP_AUTHORIZATION=f"Bearer {token}")
"""
SERVER = SERVER.replace("TOKEN", repr(TOKEN))
ENVIRONMENT = {"SECRET_KEY": "x", "SITE_URL": "http://localhost"}


@pytest.fixture
def data(tmp_path: Path, copy_database: CopyDatabase) -> Path:
    """The data folder of an empty site."""
    copy_database(tmp_path)
    return tmp_path


def serve(folder: Path, code: str, **environment: str) -> Any:
    """Run code in a web server, and return its JSON output."""
    result = run(folder, SERVER + code, **ENVIRONMENT, **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def samples(text: str) -> dict[str, float]:
    """Return the values by name with labels."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_are_counted_across_processes_by_kind(data: Path) -> None:
    readers = """
for parameter in ("utm_source", "fbclid", "tags"):
    ask("/", f"{parameter}=MARKER")
ask("/MARKER/")
ask("/", "s=MARKER")
ask("/feed/")
ask("/admin/login/")
ask("/comments/on/post/1/", method="POST")
print(json.dumps(metrics()[1]))
"""
    serve(data, readers, MONITORING_TOKEN=TOKEN)
    text = serve(data, readers, MONITORING_TOKEN=TOKEN)
    found = samples(text)

    def count(kind: str, status: int, cache: str) -> float:
        return found[f'broadside_requests_total{{cache="{cache}",kind="{kind}",status="{status}"}}']

    assert count("page", 200, "hit") + count("page", 200, "miss") == 6
    assert count("page", 200, "hit") >= 4
    assert count("page", 404, "miss") == 2
    assert count("admin", 200, "none") == 2
    assert sum(value for name, value in found.items() if 'kind="submission"' in name and "_total" in name) == 2
    assert found['broadside_request_seconds_count{cache="none",kind="admin"}'] == 2
    assert "MARKER" not in text
    assert "203.0.113" not in text


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase) -> Any:
    """The statuses of requests with several tokens, and the metrics before and after a backup and a task."""
    code = """
from operations.models import BackupRun, RunKind, WorkerHeartbeat
from operations.tasks import back_up_if_due
statuses = [answer[0][:3] for answer in (ask("/metrics"), metrics("wrong"), metrics())]
before = metrics()[1]
WorkerHeartbeat.beat("a")
BackupRun.record(RunKind.BACKUP, backup="x")
back_up_if_due.enqueue()
print(json.dumps({"statuses": statuses, "before": before, "after": metrics()[1]}))
"""
    folder = tmp_path_factory.mktemp("data")
    copy_database(folder)
    return serve(folder, code, MONITORING_TOKEN=TOKEN)


def test_the_state_of_the_site_is_read_from_the_database(answers: Any) -> None:
    before, after = samples(answers["before"]), samples(answers["after"])
    assert (before["broadside_tasks_waiting"], after["broadside_tasks_waiting"]) == (0, 1)
    for name in ("broadside_worker_heartbeat_age_seconds", "broadside_backup_age_seconds"):
        assert name not in before
        assert 0 <= after[name] < 60
    for name in ("tasks_failed", "task_waiting_seconds", "mail_recipients_waiting", "comments_pending"):
        assert after[f"broadside_{name}"] >= 0
    assert after["broadside_disk_free_bytes"] > 0


def test_without_the_right_token_the_page_is_not_found(answers: Any) -> None:
    assert answers["statuses"] == ["404", "404", "200"]


@pytest.mark.parametrize(("token", "prelude"), [("", ""), (TOKEN, "prometheus_client")])
def test_without_a_token_or_the_library_there_are_no_metrics(token: str, prelude: str, data: Path) -> None:
    hide = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == MISSING else find_spec(name, *a)
""".replace("MISSING", repr(prelude))
    code = "print(json.dumps([metrics()[0][:3], 'prometheus_client' in sys.modules]))"
    result = run(data, hide + SERVER + code, **ENVIRONMENT, MONITORING_TOKEN=token)
    assert json.loads(result.stdout.splitlines()[-1]) == ["404", False], result.stderr


def test_counters_of_ended_servers_are_removed(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BROADSIDE_METRICS_DIR, settings.BROADSIDE_MONITORING_TOKEN = tmp_path / "metrics", TOKEN
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    ended, notes = tmp_path / "metrics" / str(2**22 + 7), tmp_path / "metrics" / "notes"
    for folder in (ended, notes):
        folder.mkdir(parents=True)
    assert prepare_metrics()
    assert {path.name for path in (tmp_path / "metrics").iterdir()} == {"notes", str(os.getppid())}


@pytest.mark.django_db
def test_head_has_no_body(settings: Settings) -> None:
    settings.BROADSIDE_MONITORING_TOKEN = TOKEN
    reader = Reader()
    reader.application = HealthPages(reader.application, lambda: b"a 1\n")
    response = reader.get("/metrics", authorization=f"Bearer {TOKEN}")
    assert (response.status, response.text) == (200, "a 1\n")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reader.head("/metrics", authorization=f"Bearer {TOKEN}").body == b""
