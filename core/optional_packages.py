"""Packages that are needed only if a setting is on."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from django.conf import settings

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A package by the name under which it is imported, and the extra that installs it."""

    module: str
    extra: str

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None


def _find_problems(name: str, package: OptionalPackage) -> Iterator[str]:
    if getattr(settings, f"BROADSIDE_{name}") and not package.is_installed:
        yield f"It is not installed. Run `uv sync --extra {package.extra}`, or remove {name} from the settings."


# By the environment variable whose setting needs the package.
optional_packages: Final[Registry[OptionalPackage]] = Registry("package for the setting", _find_problems)
