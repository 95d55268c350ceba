"""How quickly, and in how much memory, a large export comes in and goes out again. See README.md."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from made_export import COMMENTS_PER_POST, TAGS_PER_POST, write_export

PROJECT = Path(__file__).resolve().parent.parent
READ = """
import sys; from pathlib import Path; import django; django.setup(); from wordpress.wxr.reader import Export
for record in Export(Path(sys.argv[1])).records(): pass
"""


@dataclass(frozen=True)
class Measured:
    """Seconds, and MiB at the peak: of the largest process, and of all processes together (looked at now and then)."""

    wall: float
    cpu: float
    largest: float
    together: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--posts", type=int, default=20_000, help="how many posts the export has (%(default)s)")
    size.add_argument("--gib", type=float, help="how large the export is")
    parser.add_argument("--short", action="store_true", help="texts of some hundred characters, not some thousand")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="broadside-benchmark-") as folder:
        posts = posts_in(options.gib, short=options.short) if options.gib else options.posts
        measure(Path(folder), posts, short=options.short)


def posts_in(gib: float, *, short: bool = False) -> int:
    sample = StringIO()
    write_export(sample, 1000, short=short)
    return int(gib * 2**30 / len(sample.getvalue().encode()) * 1000)


def measure(folder: Path, posts: int, *, short: bool) -> None:
    export = folder / "export.xml"
    with export.open("w", encoding="utf-8") as file:
        write_export(file, posts, short=short)
    more = int(posts * (TAGS_PER_POST + COMMENTS_PER_POST))
    print(f"{posts:,} posts, {more:,} taggings and comments, {export.stat().st_size / 2**20:,.0f} MiB")
    print("Seconds on the clock, and of the processors: the latter hold on a busy machine too.")
    print(f"{'':<16}{'wall':>9}{'CPU':>9}{'items/s':>9}{'more/s':>9}{'ratio':>8}{'MiB':>7}{'in all':>8}")
    manage = [sys.executable, "manage.py"]
    run([*manage, "migrate", "--verbosity", "0"], folder)
    steps = {
        "reading alone": [sys.executable, "-c", READ, str(export)],
        "import": [*manage, "import_wordpress", str(export)],
        "once more": [*manage, "import_wordpress", str(export)],
        "export": [*manage, "export_wordpress", "--output", str(folder / "again.xml")],
    }
    reading = 0.0
    for name, command in steps.items():
        one = run(command, folder)
        reading = reading or one.cpu
        print(
            f"{name:<16}{one.wall:9.1f}{one.cpu:9.1f}{posts / one.wall:9.0f}{more / one.wall:9.0f}"
            f"{one.cpu / reading:7.1f}×{one.largest:7.0f}{one.together:8.0f}"
        )
    for database in sorted(folder.glob("*.sqlite3*")):
        print(f"{database.name}: {database.stat().st_size / 2**20:,.0f} MiB")


def run(command: list[str], folder: Path) -> Measured:
    """Run `command` on the database in `folder`, or on that of DATABASE_URL."""
    environment = {
        "SECRET_KEY": "only-for-benchmarks" * 3,
        "SITE_URL": "https://blog.example.org",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BROADSIDE_DATA": str(folder),
        "DEBUG": "0",
        # As where it is installed: compiled once, not at each start.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # our own commands
        command, cwd=PROJECT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    watch = Watch(process.pid)
    watch.start()
    errors = process.stderr.read() if process.stderr else ""
    # This way, unlike with `process.wait()`, the kernel says what the process used.
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{errors}")
    wall = time.perf_counter() - start
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, watch.peak / 2**20)


class Watch(threading.Thread):
    """Sees how much memory a process and those that it started have together (on Linux)."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid = pid
        self.peak = 0

    def run(self) -> None:
        while together := self._resident(self._pid):
            self.peak = max(self.peak, together)
            time.sleep(0.1)

    def _resident(self, pid: int) -> int:
        """Bytes; nothing if the process has ended."""
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return 0
        return pages * resource.getpagesize() + sum(self._resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
