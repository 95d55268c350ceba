"""Reading settings from environment variables. Errors name the variable and say what it should be."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured

_SWITCHES: Final = {
    **dict.fromkeys(("1", "true", "yes", "on", "y", "ok"), True),
    **dict.fromkeys(("0", "false", "no", "off", "n"), False),
}


def read_file(path: Path) -> None:
    """Read variables from a file, if there is one. Those in the environment stay.

    Raises ImproperlyConfigured if it can't be read: without it, the site would report that settings are missing.
    """
    try:
        with path.open(encoding="utf-8") as file:
            environ.Env.read_env(file, overwrite=False)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"The settings in {path.resolve()} can't be read: {error.strerror}. Run this command as the user of the "
            "site, on a server as `broadside NAME`. If you did, correct the owner or the permissions of the file."
        ) from error


def text(name: str, default: str = "") -> str:
    """Return the value of a variable as it is."""
    return os.environ.get(name, default)


def items(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the items of a variable that are separated by commas, without empty ones."""
    return [item for item in os.environ[name].split(",") if item] if name in os.environ else list(default)


def number(name: str, default: int) -> int:
    """Return a non-negative integer; the default if it is empty. Raises ImproperlyConfigured for anything else."""
    value = text(name).strip()
    if not value:
        return default
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} is {value!r}. It should be a whole number, such as {default}.")
    return int(value)


def switch(name: str, default: bool) -> bool:
    """Return whether a variable is on; the default if it is empty. Raises ImproperlyConfigured if it is neither."""
    value = text(name).strip().lower()
    if not value:
        return default
    if value not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} is {value!r}. It should be 1 (on) or 0 (off).")
    return _SWITCHES[value]
