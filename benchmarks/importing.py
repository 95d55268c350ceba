"""Measures the time and memory for importing a large export and exporting it again. See README.md."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from made_export import COMMENTS_PER_POST, TAGS_PER_POST, write_export

READ = """
import sys; from pathlib import Path; import django; django.setup(); from wordpress.wxr.reader import Export
for record in Export(Path(sys.argv[1])).records(): pass
"""
PROJECT = Path(__file__).resolve().parent.parent
# Not a scratch_site: the peak memory of a process includes that of its parent, so this one does without Django.
DATA = tempfile.TemporaryDirectory(prefix="broadside-benchmark-")
ENVIRONMENT = {
    "SECRET_KEY": "only-for-benchmarks" * 3,
    "SITE_URL": "https://blog.example.org",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "BROADSIDE_DATA": DATA.name,
    "DEBUG": "0",
    # As in an installation, modules are compiled once, not at each start.
    "PYTHONDONTWRITEBYTECODE": "",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--posts", type=int, default=20_000, help="how many posts the export has (%(default)s)")
    size.add_argument("--gib", type=float, help="size of the export")
    parser.add_argument("--tags", type=int, help="how many different tags the export has")
    parser.add_argument("--short", action="store_true", help="write texts of hundreds of characters, not thousands")
    options = parser.parse_args()
    folder, posts = Path(DATA.name), options.posts
    export = folder / "export.xml"
    if options.gib:
        write_export(export, 1000, short=options.short, tags=options.tags)
        posts = int(options.gib * 2**30 / export.stat().st_size * 1000)
    write_export(export, posts, short=options.short, tags=options.tags)
    comments, taggings = int(posts * COMMENTS_PER_POST), posts * TAGS_PER_POST
    items = posts + comments
    print(f"{posts:,} posts, {comments:,} comments, {taggings:,} taggings, {export.stat().st_size / 2**20:,.0f} MiB")
    print("An item is a post or a comment. Taggings are not counted.")
    print("Seconds on the clock, and of the processors: the latter hold on a busy machine too.")
    print(f"{'':<16}{'wall':>9}{'CPU':>9}{'posts/s':>9}{'items/s':>9}{'ms/item':>9}{'ratio':>8}{'MiB':>7}{'in all':>8}")
    run(["manage.py", "migrate", "--verbosity", "0"])
    steps = {
        "reading alone": ["-c", READ, str(export)],
        "import": ["manage.py", "import_wordpress", str(export)],
        "once more": ["manage.py", "import_wordpress", str(export)],
        "export": ["manage.py", "export_wordpress", "--output", str(folder / "again.xml")],
    }
    reading = 0.0
    for name, arguments in steps.items():
        wall, cpu, largest, together = run(arguments)
        reading = reading or cpu
        print(
            f"{name:<16}{wall:9.1f}{cpu:9.1f}{posts / wall:9.0f}{items / wall:9.0f}{cpu / items * 1000:9.2f}"
            f"{cpu / reading:7.1f}×{largest:7.0f}{together:8.0f}"
        )
    for database in sorted(folder.glob("*.sqlite3*")):
        print(f"{database.name}: {database.stat().st_size / 2**20:,.0f} MiB")


def run(arguments: list[str]) -> tuple[float, float, float, float]:
    """Run Python. Return the wall-clock and processor time in seconds, and the peak memory in MiB.

    Memory is given for the largest process and for all processes together, which are checked ten times a second.
    """
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # our own commands
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=os.environ | ENVIRONMENT,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with ThreadPoolExecutor() as pool:
        peak = pool.submit(peak_memory, process.pid)
        errors = process.stderr.read() if process.stderr else ""
        # Unlike `process.wait()`, this returns what the process used.
        _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{errors}")
    wall = time.perf_counter() - start
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, peak.result() / 2**20


def peak_memory(pid: int) -> int:
    """Wait for a process to end, and return its peak memory in bytes, with its child processes (on Linux)."""
    peak = 0
    while together := resident(pid):
        peak = max(peak, together)
        time.sleep(0.1)
    return peak


def resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        # It has ended.
        return 0
    return pages * resource.getpagesize() + sum(resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
