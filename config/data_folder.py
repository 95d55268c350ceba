"""The folder of everything that is not code, from the variable BROADSIDE_DATA."""

import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def data_folder(path: str) -> Path:
    """Return the folder, and create it with the one for uploads. Raises ImproperlyConfigured if that is impossible.

    `doctor` changes nothing, and what it could say about an empty site would hide that the folder is missing.
    """
    folder = Path(path).resolve()
    if not folder.is_dir() and sys.argv[1:2] == ["doctor"]:
        raise ImproperlyConfigured(
            f"The data folder {folder} doesn't exist. If it is on another disk, mount that. If its name is wrong, "
            "correct BROADSIDE_DATA. If this site is new, run `manage.py migrate`, which creates it."
        )
    try:
        for each in (folder, folder / "imports"):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} can't be created: {error.strerror}. Correct BROADSIDE_DATA, or create the "
            "folder as root, and make the user of the site its owner."
        ) from error
    return folder
