"""Environment variables, as settings read them. An error names the variable, and says what it should be."""

import os
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ImproperlyConfigured

_SWITCHES: Final = {
    **dict.fromkeys(("1", "true", "yes", "on", "y", "ok"), True),
    **dict.fromkeys(("0", "false", "no", "off", "n"), False),
}


def text(name: str, default: str = "") -> str:
    """Return the value of a variable as it is."""
    return os.environ.get(name, default)


def items(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return what is between the commas of a variable, without what is empty."""
    return [item for item in os.environ[name].split(",") if item] if name in os.environ else list(default)


def number(name: str, default: int) -> int:
    """Return a whole number that is not negative. Raises ImproperlyConfigured for anything else but an empty value."""
    value = text(name).strip()
    if not value:
        return default
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} is {value!r}. It should be a whole number, such as {default}.")
    return int(value)


def switch(name: str, default: bool) -> bool:
    """Return whether something is on. Raises ImproperlyConfigured if it is said to be neither on nor off."""
    value = text(name).strip().lower()
    if not value:
        return default
    if value not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} is {value!r}. It should be 1 (on) or 0 (off).")
    return _SWITCHES[value]
