"""Measures the page cache against a bare Django view, and nginx with our files against nginx alone. See README.md."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import scratch_site  # isort: split

from django.db import connection
from django.utils import timezone
from load import Result, Target, load, ratio
from processes import PROJECT, free_port
from scratch_site import Server

from accounts.models import User
from blog.models import Post, Status

HOST = "localhost"
FOLDER = Path(tempfile.mkdtemp(prefix="broadside-nginx-"))
# Static files may have been collected before.
STATIC = Path(os.environ.get("STATIC_ROOT", FOLDER / "static"))
SITE = {"SITE_URL": f"http://{HOST}", "PAGES_FOLDER": f"{FOLDER}/pages", "STATIC_ROOT": str(STATIC)}


def build() -> str:
    """Create a post whose page has about 60 kB, and return its path."""
    scratch_site.migrate()
    if not STATIC.exists():
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(collect, check=True, cwd=PROJECT, env=os.environ | SITE)  # noqa: S603  # our own command
    author = User.objects.create_user("writer")
    words = "\n\n".join(f"Paragraph {n} of a text with some words that are not the same." * 2 for n in range(360))
    post: Post = Post.objects.create(
        title="A post", source=words, author=author, status=Status.PUBLISHED, published_at=timezone.now()
    )
    scratch_site.create_posts(20, author)
    connection.close()
    return post.get_absolute_url()


def nginx_servers(folder: Path, pages: Path, *, port: int, plain_port: int, app_port: int) -> str:
    """Return the directives of our configuration, and of a server that sends files and nothing else."""
    paths = {
        "/run/broadside/pages": str(pages),
        "/srv/broadside/static/": f"{STATIC}/",
        "/var/log/nginx/blog.log": f"{folder}/access.log",
    }
    ours = scratch_site.shipped_nginx(port, app_port, paths)
    plain = f"server {{ listen 127.0.0.1:{plain_port}; root {folder}/plain; access_log {folder}/plain.log private; "
    plain += "gzip_static on; " + ("brotli_static on; " if scratch_site.BROTLI.exists() else "") + "}"
    return f"{ours}\n{plain}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=3, help="for each target and number of connections (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="report the medians of this many rounds (%(default)s)")
    options = parser.parse_args()
    folder, pages = FOLDER, FOLDER / "pages"
    path = build()
    port, plain_port = free_port(), free_port()
    with (
        scratch_site.serve_bare_view() as bare,
        scratch_site.serve(settings=SITE | {"PAGES_FOLDER": ""}) as direct,
        scratch_site.serve(settings=SITE) as app,
        scratch_site.serve_with_nginx(
            folder, nginx_servers(folder, pages, port=port, plain_port=plain_port, app_port=app.port), port
        ) as nginx,
    ):
        encodings, host = ("Accept-Encoding", "br, gzip"), ("Host", HOST)
        hit, behind_nginx = (Target(server, path, (encodings, host)) for server in (direct, nginx))
        etag = hit.get()[0]["ETag"]
        for _attempt in range(200):
            # Wait until nginx sends the file itself.
            if behind_nginx.get()[0]["ETag"].startswith('"'):
                break
        else:
            raise SystemExit("nginx never sent a file itself.")
        shutil.copytree(pages / "current" / path.strip("/"), folder / "plain" / path.strip("/"))
        targets = {
            "bare Django view of 60 kB": Target(bare, "/"),
            "hit in the application": hit,
            "304 in the application": Target(direct, path, (encodings, host, ("If-None-Match", etag)), 304),
            "nginx alone, the same bytes": Target(Server(plain_port, nginx.pid), path, (encodings,)),
            "our page behind nginx": behind_nginx,
        }
        results: dict[str, tuple[list[Result], ...]] = {label: ([], []) for label in targets}
        for _round in range(options.rounds):
            for label, target in targets.items():
                for count, column in zip((1, 16), results[label], strict=True):
                    column.append(load(target, count, options.seconds))
    shutil.rmtree(folder)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    print(f"{'':<30}{'req/s, 1':>10}{'req/s, 16':>11}{'of':>7}{'CPU, µs':>9}{'of':>7}")
    for label, (one, many) in results.items():
        base = results["nginx alone, the same bytes" if "nginx" in label else "bare Django view of 60 kB"][1]
        faster, dearer = ratio(many, base, "per_second"), ratio(many, base, "cpu")
        rates = [statistics.median(each.per_second for each in column) for column in (one, many)]
        cpu = statistics.median(each.cpu for each in many) * 1000
        print(f"{label:<30}{rates[0]:>10,.0f}{rates[1]:>11,.0f}{faster:>7.0%}{cpu:>9.0f}{dearer:>7.2f}")


main()
