"""Measures the page cache against a bare Django view, and nginx with our files against nginx alone. See README.md."""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import scratch_site  # isort: split

import httpx
from django.utils import timezone
from scratch_site import run_server

from accounts.models import User
from blog.models import Post, Status

HOST = "localhost"
FOLDER = Path(tempfile.mkdtemp(prefix="broadside-nginx-"))
SITE = {"SITE_URL": f"http://{HOST}", "PAGES_FOLDER": f"{FOLDER}/pages", "STATIC_ROOT": f"{FOLDER}/static"}
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """What is requested: a URL with headers, from a server that runs in `pid` and its children."""

    label: str
    url: str
    pid: int
    headers: tuple[str, ...] = ("Accept-Encoding: br, gzip",)


def build() -> str:
    """Create a post whose page has about 60 kB, and return its path."""
    scratch_site.migrate()
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, check=True, cwd=scratch_site.PROJECT, env=os.environ | SITE)  # noqa: S603  # our own command
    author = User.objects.create_user("writer")
    words = "\n\n".join(f"Paragraph {n} of a text with some words that are not the same." * 2 for n in range(360))
    post = Post.objects.create(
        title="A post", source=words, author=author, status=Status.PUBLISHED, published_at=timezone.now()
    )
    scratch_site.create_posts(20, author)
    scratch_site.connection.close()
    return post.get_absolute_url()


def granian(application: str, port: int) -> list[str]:
    """Return the command for one worker process, so that the applications are compared, and not the cores."""
    interface = "rsgi" if application.startswith("config.rsgi") else "wsgi"
    options = ["--interface", interface, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    options += [] if interface == "rsgi" else ["--blocking-threads", "4"]
    return [sys.executable, "-m", "granian", *options, "--no-ws", "--log-level", "error", application]


def nginx(folder: Path, pages: Path, *, port: int, plain_port: int, app_port: int) -> list[str]:
    """Return the command for one nginx with our configuration, and a server that sends files and nothing else.

    Both without TLS, which would hide the difference.
    """
    ours = (scratch_site.PROJECT / "deploy" / "nginx.conf").read_text()
    for pattern, replacement in (
        (r"\n *listen \[::\][^\n]*", ""),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"(?s)server \{\n    listen 80.*?\n\}\n", ""),
        (r"(?s)server \{\n    listen 443 ssl default_server.*?\n\}\n", ""),
        (r"\n    ssl_[^\n]*", ""),
        (r"blog\.example\.org", HOST),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{app_port}"),
        (r"/run/broadside/pages", str(pages)),
        (r"/srv/broadside/static/", f"{folder}/static/"),
        (r"/var/log/nginx/blog.log", f"{folder}/access.log"),
        *([] if BROTLI.exists() else [(r"brotli_static on;", "")]),
    ):
        ours = re.sub(pattern, replacement, ours)
    plain = f"server {{ listen 127.0.0.1:{plain_port}; root {folder}/plain; access_log {folder}/plain.log private; "
    plain += "gzip_static on; " + ("brotli_static on; " if BROTLI.exists() else "") + "}"
    (folder / "nginx.conf").write_text(
        f"{f'load_module {BROTLI};' if BROTLI.exists() else ''}\n{'user root;' if os.getuid() == 0 else ''}\n"
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null crit; events {{}}\n"
        f"http {{ types {{ text/html html; }} sendfile on; keepalive_requests 1000000;\n{ours}\n{plain}\n}}"
    )
    return ["nginx", "-c", f"{folder}/nginx.conf", "-e", f"{folder}/start.log"]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children so far, in seconds."""
    seconds = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in {int(process.name), int(fields[1])}:
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
    return seconds


def load(target: Target, connections: int, seconds: int) -> tuple[float, float]:
    """Request a target for some seconds. Return requests per second, and CPU microseconds per request."""
    headers = [part for header in (*target.headers, f"Host: {HOST}") for part in ("-H", header)]
    before = cpu_seconds(target.pid)
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", *headers, target.url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own arguments
    if "Non-2xx" in output and "304" not in target.label:
        raise SystemExit(f"{target.label}: {output}")
    (count,) = re.findall(r"(\d+) requests in", output)
    (rate,) = re.findall(r"Requests/sec: +([\d.]+)", output)
    return float(rate), (cpu_seconds(target.pid) - before) / int(count) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=3, help="for each target and number of connections (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="whose median counts (%(default)s)")
    options = parser.parse_args()
    missing = [name for name in ("wrk", "nginx") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"NOTHING WAS MEASURED: Install {' and '.join(missing)}, which Debian has packages of.")
    folder, pages = FOLDER, FOLDER / "pages"
    path = build()
    bare, app, direct, port, plain = (scratch_site.free_port() for _ in range(5))
    servers = nginx(folder, pages, port=port, plain_port=plain, app_port=app)
    with (
        run_server(granian("benchmarks.bare_django:application", bare), bare) as bare_pid,
        run_server(granian("config.rsgi:application", direct), direct, **SITE | {"PAGES_FOLDER": ""}) as direct_pid,
        run_server(granian("config.rsgi:application", app), app, **SITE),
        run_server(servers, port) as nginx_pid,
    ):
        headers = {"Host": HOST, "Accept-Encoding": "br, gzip"}
        etag = httpx.get(f"http://127.0.0.1:{direct}{path}", headers=headers).headers["ETag"]
        for _attempt in range(200):
            # Until nginx sends the file itself.
            if httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers).headers["ETag"].startswith('"'):
                break
        else:
            raise SystemExit("nginx never sent a file by itself.")
        shutil.copytree(pages / "current" / path.strip("/"), folder / "plain" / path.strip("/"))
        known = ("Accept-Encoding: br, gzip", f"If-None-Match: {etag}")
        targets = [
            Target("bare Django view of 60 kB", f"http://127.0.0.1:{bare}/", bare_pid),
            Target("hit in the application", f"http://127.0.0.1:{direct}{path}", direct_pid),
            Target("304 in the application", f"http://127.0.0.1:{direct}{path}", direct_pid, known),
            Target("nginx alone, the same bytes", f"http://127.0.0.1:{plain}{path}", nginx_pid),
            Target("our page behind nginx", f"http://127.0.0.1:{port}{path}", nginx_pid),
        ]
        results = {(target, count): [] for target in targets for count in (1, 16)}
        for _round in range(options.rounds):
            for target, count in results:
                results[target, count].append(load(target, count, options.seconds))
    shutil.rmtree(folder)
    medians = {
        key: tuple(statistics.median(values) for values in zip(*runs, strict=True)) for key, runs in results.items()
    }
    print(f"{'':<30}{'req/s, 1':>10}{'req/s, 16':>11}{'of':>7}{'CPU, µs':>9}{'of':>7}")
    for index, target in enumerate(targets):
        base = targets[0] if index < 3 else targets[3]
        one, many, compared = medians[target, 1], medians[target, 16], medians[base, 16]
        print(
            f"{target.label:<30}{one[0]:>10,.0f}{many[0]:>11,.0f}{many[0] / compared[0]:>7.0%}"
            f"{many[1]:>9.0f}{many[1] / compared[1]:>7.2f}"
        )


main()
