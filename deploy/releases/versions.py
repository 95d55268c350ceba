"""Version numbers of releases, such as 1.4.2, and of candidates, such as 1.4.2rc1."""

import re
from typing import Final

from releases.errors import UpgradeError

_VERSION: Final = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(?:rc([0-9]{1,6}))?")


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def order(version: str) -> tuple[int, int, int, bool, int]:
    """Return the sort key of a version. Raises UpgradeError if it isn't one."""
    found = _VERSION.fullmatch(version)
    if not found:
        raise UpgradeError(f"“{version}” is not a release number, such as 1.4.2.")
    major, minor, patch, candidate = found.groups()
    return int(major), int(minor), int(patch), candidate is None, int(candidate or 0)
