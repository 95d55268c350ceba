"""The folder of everything that is not code, from the variable BROADSIDE_DATA."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def data_folder(path: str, default: Path) -> Path:
    """Return the folder at `path`, or `default`, and create the one for uploads in it. Raises ImproperlyConfigured.

    Only the default folder is created. Any other that is missing may be on a disk that isn't mounted, and a new, empty
    site in its place would hide that.
    """
    folder = Path(path or default).resolve()
    if path and not folder.is_dir():
        raise ImproperlyConfigured(
            f"The data folder {folder} doesn't exist. If it is on another disk, mount that. If its name is wrong, "
            "correct BROADSIDE_DATA. If this site is new, create the folder, and make the user of the site its owner."
        )
    try:
        for each in (folder, folder / "imports"):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} can't be created or written to: {error.strerror}. Correct BROADSIDE_DATA, or "
            "make the user of the site the owner of the folder, as root."
        ) from error
    return folder
