"""A site in a temporary directory, or in the empty database in DATABASE_URL. Importing this module sets up Django."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plain_browser import Browser
from processes import PROJECT, free_port, wait_for_port, with_descendants

# Removed when the process ends.
_FOLDER = tempfile.TemporaryDirectory(prefix="broadside-benchmark-")
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("SECRET_KEY", "only-for-benchmarks" * 3)
FOLDER = Path(os.environ.setdefault("BROADSIDE_DATA", _FOLDER.name))
EXPORT = FOLDER / "export.xml"
# As in deploy/systemd/broadside.service.
ALLOCATION = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}
# The module with which nginx sends compressed files, if it is installed.
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
os.environ.setdefault("LOG_LEVEL", "ERROR")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402  # the environment is set up first

django.setup()

from django.contrib.auth.models import Group  # noqa: E402  # Django is set up first
from django.core.management import call_command  # noqa: E402  # Django is set up first
from django.db import connection  # noqa: E402  # Django is set up first
from django.test import Client  # noqa: E402  # Django is set up first

from accounts.models import User  # noqa: E402  # Django is set up first
from blog.models import Post, Status  # noqa: E402  # Django is set up first
from comments.models import CommentPolicy, CommentSettings  # noqa: E402  # Django is set up first


def log_in(role: str) -> tuple[User, Client]:
    """Create a person with this role, and return them with a client in which they are logged in."""
    person: User = User.objects.create_user(role.lower(), is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    return person, client


@contextmanager
def recorded_queries() -> Iterator[list[str]]:
    """Yield a list to which each statement is added until the block ends."""
    statements: list[str] = []

    def record(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(record):
        yield statements


def create_posts(count: int, author: User) -> list[Post]:
    texts = {"source": "Some text.", "status": Status.PUBLISHED}
    return [Post.objects.create(title=f"Post {n}", author=author, **texts) for n in range(count)]


def allow_comments() -> None:
    """Publish all comments immediately, without rate limits."""
    settings = CommentSettings.current()
    settings.comment_policy, settings.proof_of_work = CommentPolicy.OPEN, False
    settings.comments_per_sender = settings.comments_per_site = 0
    settings.save()


def migrate() -> None:
    call_command("migrate", verbosity=0)
    connection.close()


def start_import() -> subprocess.Popen[bytes]:
    """Start importing EXPORT."""
    command = [sys.executable, "manage.py", "import_wordpress", str(EXPORT)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own command


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server: its port, and the ID of its first process, which starts the others."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time that all processes have used so far, in seconds (on Linux)."""
        # The clock of another process. Source: clock_getcpuclockid(3), and how Linux numbers these clocks.
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in with_descendants(self.pid))

    def worker_bytes(self) -> int:
        """Return the current memory of the largest process (on Linux)."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in with_descendants(self.pid))
        return max(pages) * resource.getpagesize()


def serve(workers: int = 1, settings: Mapping[str, str] | None = None, port: int = 0) -> AbstractContextManager[Server]:
    """Run the site as in production, with these additional settings, by default on any free port."""
    options = "--workers", str(workers)
    return _serve("config.rsgi:application", "rsgi", port or free_port(), *options, **settings or {})


def serve_bare_view() -> AbstractContextManager[Server]:
    """Run the unit of the benchmarks, `bare_django`."""
    return _serve("benchmarks.bare_django:application", "wsgi", free_port(), "--blocking-threads", "4")


def _serve(
    application: str, interface: str, port: int, *options: str, **settings: str
) -> AbstractContextManager[Server]:
    command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-ws", "--log-level", "warning", *options, application]
    return run_server(command, port, **ALLOCATION | settings)


def shipped_nginx(port: int, app_port: int, paths: Mapping[str, str]) -> str:
    """Return deploy/nginx.conf for these ports of localhost, with these `paths` in place of its own.

    It is without TLS, which would hide differences in speed.
    """
    shipped = (PROJECT / "deploy" / "nginx.conf").read_text()
    for pattern, replacement in (
        (r"\n *listen \[::\][^\n]*", ""),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"(?s)server \{\n    listen 80.*?\n\}\n", ""),
        (r"(?s)server \{\n    listen 443 ssl default_server.*?\n\}\n", ""),
        (r"\n    ssl_[^\n]*", ""),
        (r"blog\.example\.org", "localhost"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{app_port}"),
        *((re.escape(path), here) for path, here in paths.items()),
        *([] if BROTLI.exists() else [(r"brotli_static on;", "")]),
    ):
        shipped = re.sub(pattern, replacement, shipped)
    return shipped


def nginx_command(folder: Path, http: str, *, error_log: str) -> list[str]:
    """Write a configuration with these directives in `http`, and return the command of nginx, with one worker."""
    brotli = f"load_module {BROTLI};" if BROTLI.exists() else ""
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{brotli} {user} daemon off; worker_processes 1; events {{}}\n"
        f"pid {folder}/nginx.pid; error_log {error_log};\nhttp {{\n{http}\n}}\n"
    )
    return ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/start.log"]


def serve_with_nginx(folder: Path, http: str, port: int) -> AbstractContextManager[Server]:
    """Run nginx with these directives, which must make it listen on `port`."""
    http = f"types {{ text/html html; }} sendfile on; keepalive_requests 1000000;\n{http}"
    return run_server(nginx_command(folder, http, error_log="/dev/null crit"), port)


@contextmanager
def run_server(command: list[str], port: int, **environment: str) -> Iterator[Server]:
    """Run a server with these additional environment variables, and yield it once it listens on `port`."""
    connection.close()
    # It logs each page that is not found, and its hints would end up in our tables.
    silence = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=PROJECT, env=os.environ | environment, stdout=silence, stderr=silence)  # noqa: S603  # our own command
    try:
        wait_for_port(port, server)
        yield Server(port, server.pid)
    finally:
        server.terminate()
        server.wait()


def status_of(port: int, path: str) -> int:
    """Get `path`, and return the status of the response."""
    return Browser(port).get(path).status


def send_comment(port: int, post: int, text: str) -> int:
    """Post one comment, and return the status of the response."""
    form = {"name": f"Reader of {text}", "email": "reader@example.org", "text": text}
    return Browser(port).post(f"/comments/on/post/{post}/", form).status
