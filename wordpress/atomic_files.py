"""Files and folders that appear only once they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import TextIO, cast


@contextmanager
def atomic_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that replaces `path` once it is complete. Other users of the machine cannot read it."""
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", prefix=f".{path.name[:50]}-", dir=path.parent, delete_on_close=False
    ) as file:
        yield cast("TextIO", file)
        file.close()
        os.replace(file.name, path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Create a folder that is moved to `path` once it is complete. Other users of the machine cannot read it.

    Raises FileExistsError if `path` exists and is not an empty folder.
    """
    path = path.resolve()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name[:50]}-", dir=path.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        yield folder
        if path.exists():
            path.rmdir()
        folder.rename(path)
