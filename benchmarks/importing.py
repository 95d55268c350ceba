"""Measures the time and memory for importing a large export and exporting it again. See README.md."""

import argparse

import scratch_site  # isort: split

from made_export import COMMENTS_PER_POST, TAGS_PER_POST, write_export
from processes import run_measured

READ = """
import sys; from pathlib import Path; import django; django.setup(); from wordpress.wxr.reader import Export
for record in Export(Path(sys.argv[1])).records(): pass
"""
SETTINGS = {"SITE_URL": "https://blog.example.org"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--posts", type=int, default=20_000, help="how many posts the export has (%(default)s)")
    size.add_argument("--gib", type=float, help="size of the export")
    parser.add_argument("--tags", type=int, help="how many different tags the export has")
    parser.add_argument("--short", action="store_true", help="write texts of hundreds of characters, not thousands")
    options = parser.parse_args()
    export, posts = scratch_site.EXPORT, options.posts
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
    scratch_site.migrate()
    steps = {
        "reading alone": ["-c", READ, str(export)],
        "import": ["manage.py", "import_wordpress", str(export)],
        "once more": ["manage.py", "import_wordpress", str(export)],
        "export": ["manage.py", "export_wordpress", "--output", str(scratch_site.FOLDER / "again.xml")],
    }
    reading = 0.0
    for name, arguments in steps.items():
        wall, cpu, largest, together = run_measured(arguments, SETTINGS)
        reading = reading or cpu
        print(
            f"{name:<16}{wall:9.1f}{cpu:9.1f}{posts / wall:9.0f}{items / wall:9.0f}{cpu / items * 1000:9.2f}"
            f"{cpu / reading:7.1f}×{largest:7.0f}{together:8.0f}"
        )
    for database in sorted(scratch_site.FOLDER.glob("*.sqlite3*")):
        print(f"{database.name}: {database.stat().st_size / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
