"""The README in every store, for people who have nothing else: how to restore a backup without Broadside."""

from typing import Final

BY_HAND: Final = """\
Backups of a site that runs on Broadside
========================================

Each folder in backups/ is a backup, named by the time at which it was made (UTC). It is complete if it contains
SHA256SUMS. Files in media/ are shared by all backups, so copy this folder as a whole.

With Broadside
--------------

    manage.py restore FOLDER                     the newest backup, into an empty site
    manage.py restore FOLDER --key key.txt       if the file names end in .age
    manage.py restore FOLDER --check             to find out whether it could be restored

Without Broadside
-----------------

You need age (only if names end in .age), zstd, and sqlite3 or PostgreSQL. Neither the checksums nor the encryption
prove who made a backup, and psql runs whatever is in it: use a backup only if no one else could have changed it. In
its folder:

1. Check that nothing is damaged:

    sha256sum --check --quiet SHA256SUMS

2. The database: database.sqlite3.zst is a SQLite file, database.sql.zst a script for an empty PostgreSQL database.

    age --decrypt --identity key.txt database.sqlite3.zst.age | zstd --decompress > broadside.sqlite3
    age --decrypt --identity key.txt database.sql.zst.age | zstd --decompress | psql --single-transaction DATABASE

   Without encryption, start with `zstd --decompress --stdout database.sqlite3.zst`.

3. The media. Each line of media.jsonl.zst gives a file in media/ ("stored") and its name on the site ("name"). This
   puts them into the folder restored/:

    age --decrypt --identity key.txt media.jsonl.zst.age | zstd --decompress > media.jsonl
    python3 - <<'END'
    import json, pathlib, subprocess
    for line in open("media.jsonl", encoding="utf-8"):
        file = json.loads(line)
        for path in file["stored"], file["name"]:
            assert {"/", ".."}.isdisjoint(pathlib.Path(path).parts), f"{path} is in another folder."
        source, target = pathlib.Path("../..", file["stored"]), pathlib.Path("restored", file["name"])
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".age":
            subprocess.run(["age", "-d", "-i", "key.txt", "-o", target, source], check=True)
        else:
            target.write_bytes(source.read_bytes())
    END

4. settings.env has the settings without secrets, and manifest.json says what the backup was made from: the version of
   Broadside, and how many rows each table has. templates.json, if it is there, has the path and the text of each of the
   site's templates.
"""
