"""What is wrong with a file that someone has named."""

import os
import pwd
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _


def describe_file_error(error: OSError, path: Path | str | None = None) -> str:
    """Return the file and what is wrong with it. `path` is the file that was named, if the error may name another one.

    The command `broadside` is often typed by root, but runs as a user who can't open root's files.
    """
    description = f"{path or error.filename}: {error.strerror or error}."
    if isinstance(error, PermissionError):
        advice = _(
            "This command runs as the user %(user)s. Make that user the owner of the file, or use a folder of that "
            "user, such as %(folder)s."
        )
        description += " " + advice % {"user": _user_name(), "folder": settings.DATA_DIR}
    return description


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in containers
        return str(os.geteuid())
