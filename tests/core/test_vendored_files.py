"""The files in static/vendor are exactly those that their projects published."""

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

FOLDERS = sorted((Path(settings.BASE_DIR) / "static" / "vendor").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_match_their_checksums(folder: Path) -> None:
    sums = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert {line.split()[1] for line in sums} == {path.name for path in folder.iterdir()} - {"SHA256SUMS", "README.md"}
    for line in sums:
        digest, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
