"""Metrics in Prometheus format: requests, counted by all processes together, and the state of the site.

Only imported if a token is set and the extra `metrics` is installed. Nothing is counted by path or by sender.
Sources: prometheus.io, "Metric and label naming"; prometheus_client, "Multiprocess Mode".
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qs

from django.conf import settings
from django.tasks import TaskResultStatus
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from blog.caching.requests import FROM_CACHE
from comments.models import Comment, CommentStatus
from mail.delivery import mailings
from operations.checks.work import oldest_waiting_since
from operations.models import BackupRun, RunKind, WorkerHeartbeat

type Environ = dict[str, Any]
type Answer = Callable[[Environ, Any], Iterable[bytes] | None]

# In seconds, from a page in memory to one so slow that readers give up.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_CACHE_LABELS: Final = {True: "hit", False: "miss", None: "none"}

_requests: Final = Counter(
    "broadside_requests", "Requests by kind, status, and use of the page cache", ["kind", "status", "cache"]
)
_seconds: Final = Histogram(
    "broadside_request_seconds", "Time until the response begins", ["kind", "cache"], buckets=_BUCKETS
)


def measured(answer: Answer) -> Answer:
    """Wrap `answer`, a WSGI application, so that it counts requests except those for which it returns None."""

    def answer_and_count(environ: Environ, start_response: Any) -> Iterable[bytes] | None:
        started = time.perf_counter()
        statuses = []

        def start(status: str, headers: Any, *exc_info: Any) -> Any:
            statuses.append(status[:3])
            return start_response(status, headers, *exc_info)

        response = answer(environ, start)
        if response is not None and statuses:
            kind, cache = kind_of(environ), _CACHE_LABELS[environ.get(FROM_CACHE)]
            _requests.labels(kind, statuses[-1], cache).inc()
            _seconds.labels(kind, cache).observe(time.perf_counter() - started)
        return response

    return answer_and_count


def kind_of(environ: Environ) -> str:
    """Return the kind of a request, one of a few, by its method and the start or end of its path."""
    path: str = environ["PATH_INFO"]
    for prefix, kind in (("/admin/", "admin"), (settings.STATIC_URL, "static"), (settings.MEDIA_URL, "media")):
        if path.startswith(prefix):
            return kind
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD", "OPTIONS"}:
        return "submission"
    if path.startswith("/search/") or "s" in parse_qs(environ.get("QUERY_STRING", "")):
        return "search"
    if path.endswith(("/feed/", "/feed/atom/", "/feed/rss/", "/feed/rss2/")):
        return "feed"
    return "page"


class _State(Collector):
    """The state of the site, from the database and the disk."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        tasks = DBTaskResult.objects
        oldest = oldest_waiting_since()
        heartbeat = WorkerHeartbeat.objects.latest_at()
        backup = BackupRun.objects.last_successful(RunKind.BACKUP)
        values: dict[tuple[str, str], float | None] = {
            ("tasks_waiting", "Tasks that are due"): tasks.all().ready().count(),
            ("tasks_failed", "Tasks that failed"): tasks.filter(status=TaskResultStatus.FAILED).count(),
            ("task_waiting_seconds", "How long the oldest due task has been waiting"): (
                (now - oldest).total_seconds() if oldest else 0
            ),
            ("mail_recipients_waiting", "Recipients whose e-mails are due"): sum(
                mailing.recipients.due().count() for mailing in mailings.values()
            ),
            ("worker_heartbeat_age_seconds", "Time since the last heartbeat of a worker"): (
                (now - heartbeat).total_seconds() if heartbeat else None
            ),
            ("backup_age_seconds", "Time since the last successful backup"): (
                (now - backup.finished_at).total_seconds() if backup else None
            ),
            ("comments_pending", "Comments awaiting moderation"): Comment.objects.filter(
                status=CommentStatus.PENDING
            ).count(),
            ("disk_free_bytes", "Free space on the disk of the data folder"): shutil.disk_usage(settings.DATA_DIR).free,
        }
        for (name, text), value in values.items():
            # There is no age if it has never happened.
            if value is not None:
                yield GaugeMetricFamily(f"broadside_{name}", text, value=value)


def exposition() -> bytes:
    """Return all metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types for it
    registry.register(_State())
    return generate_latest(registry)
