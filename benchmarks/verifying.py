"""Measures the cost of `verify_import`, in its own process and on the site that it checks. See README.md."""

import argparse
from io import StringIO

import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection
from importing import READ
from made_export import write_export
from processes import run_measured

from blog.models import Post
from comments.models import Comment
from tags.models import Tag

EXPORT = scratch_site.FOLDER / "own.xml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=20_000, help="how many posts the export has (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="report the lowest of this many rounds (%(default)s)")
    options = parser.parse_args()
    make_site(options.posts)
    posts = Post.objects.count()
    print(f"{posts:,} posts, {Comment.objects.count():,} comments, {Tag.objects.count():,} tags, ", end="")
    print(f"{EXPORT.stat().st_size / 2**20:,.0f} MiB. Seconds of the processors:")
    print(f"{'':<28}{'CPU':>9}{'ms/post':>9}{'ratio':>8}{'MiB':>7}")
    rounds = [measure() for _round in range(options.rounds)]
    reading = min(each["reading the export alone"][0] for each in rounds)
    for name in rounds[0]:
        cpu, mebibytes = (min(each[name][column] for each in rounds) for column in (0, 1))
        print(f"{name:<28}{cpu:9.1f}{cpu / posts * 1000:9.2f}{cpu / reading:7.1f}×{mebibytes:7.0f}")


def make_site(posts: int) -> None:
    """Import a generated export, and export it again, so that its posts have the URLs of this site.

    A second run in the same BROADSIDE_DATA measures the same site.
    """
    scratch_site.migrate()
    if not Post.objects.exists():
        write_export(scratch_site.EXPORT, posts)
        call_command("import_wordpress", str(scratch_site.EXPORT), stdout=StringIO())
    call_command("export_wordpress", output=EXPORT, stdout=StringIO())
    connection.close()


def measure() -> dict[str, tuple[float, float]]:
    """Return the processor time in seconds and the peak memory in MiB of each part."""
    verify = ["manage.py", "verify_import", str(EXPORT)]
    alone, offline = run_measured(["-c", READ, str(EXPORT)]), run_measured(verify)
    with scratch_site.serve() as server:
        before = server.cpu_seconds()
        online = run_measured([*verify, "--base", f"http://127.0.0.1:{server.port}"])
        serving = server.cpu_seconds() - before, server.worker_bytes() / 2**20
    return {
        "reading the export alone": (alone.cpu, alone.together),
        "without a network": (offline.cpu, offline.together),
        "over HTTP: verify_import": (online.cpu, online.together),
        "over HTTP: the server": serving,
    }


if __name__ == "__main__":
    main()
