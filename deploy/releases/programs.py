"""Running other programs, and the site's own commands as the site's user."""

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from releases.errors import UpgradeError

# Programs are started with `close_fds=False`, so that they inherit the lock of releases.layout, but no other file.
# The site's commands don't inherit root's environment, because their settings are in the site's file.
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def say(text: str) -> None:
    print(text, flush=True)


@dataclass(frozen=True)
class Account:
    """The user that the site's commands run as; the current user if `name` is empty."""

    name: str = ""

    @classmethod
    def named(cls, name: str) -> "Account":
        if os.geteuid() != 0:
            return cls()
        try:
            pwd.getpwnam(name)
        except KeyError:
            raise UpgradeError(
                f"There is no user “{name}” for the site to run as. Create one, as docs/running.md describes, or name "
                "another one with --user."
            ) from None
        return cls(name)

    def options(self) -> dict[str, Any]:
        """Return the arguments of `subprocess.Popen` that make a program run as this user."""
        if not self.name:
            return {}
        user = pwd.getpwnam(self.name)
        groups = os.getgrouplist(self.name, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups}


@dataclass(frozen=True)
class Release:
    """The folder of a release, and running its commands."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [str(self.folder / ".venv" / "bin" / "python"), "manage.py", *arguments]

    def manage(
        self, account: Account, *arguments: str, environment: Mapping[str, str] | None = None, failure: str = ""
    ) -> None:
        """Run a command of `manage.py` and show its output. Raises UpgradeError with the text `failure` if it fails."""
        failure = failure or f"`manage.py {arguments[0]}` failed (see above). Nothing was changed."
        environment = clean_environment() | dict(environment or {})
        run(self.command(*arguments), failure, cwd=self.folder, env=environment, **account.options())


def clean_environment() -> dict[str, str]:
    return {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"}


def run(command: list[str], failure: str, **options: Any) -> None:
    """Run a program and show its output. Raises UpgradeError with the text `failure` if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, close_fds=False, check=False, **options)  # noqa: S603  our own
    except OSError as error:
        raise UpgradeError(f"{failure} {command[0]} can't be run: {error.strerror}.") from error
    if done.returncode:
        raise UpgradeError(failure)
