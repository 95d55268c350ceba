"""Talking with `manage.py upgrade_database` of the new release, which changes the database.

It writes one word to its output when it has put the migrated database in place, and waits for one on its input: `keep`
or `undo`. If its input ends instead, because this program was killed, it decides by the link to the current release.
"""

import subprocess
from types import TracebackType
from typing import Final

from releases.errors import UpgradeError
from releases.layout import Layout
from releases.programs import Account, Release, clean_environment

_REPLACED: Final = "replaced"
_KEEP: Final = "keep"
_UNDO: Final = "undo"


class DatabaseUpgrade:
    """The database between two releases. Leaving the block before `keep` puts it back as it was."""

    def __init__(self, layout: Layout, release: Release, account: Account, token: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own program
            release.command("upgrade_database", f"--link={layout.current}"),
            cwd=release.folder,
            env=clean_environment() | {"BROADSIDE_UPGRADE_TOKEN": token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            close_fds=False,
            # Ctrl-C is for this program alone, which then ends the other one in order.
            start_new_session=True,
            **account.options(),
        )

    def __enter__(self) -> "DatabaseUpgrade":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # At the end of its input, it undoes what was not to be kept.
        self._process.communicate()

    def wait_until_replaced(self) -> None:
        """Return when the database is that of the new release. Raises UpgradeError if that failed."""
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        if self._process.stdout.readline().strip() != _REPLACED:
            self._process.wait()
            raise UpgradeError("The database could not be migrated (see above). The site is as it was.")

    def keep(self) -> None:
        """Let people write again. What was kept for undoing is deleted."""
        self._answer(_KEEP)

    def undo(self) -> None:
        """Put the database back as it was, and let people write again. Raises UpgradeError."""
        if not self._answer(_UNDO):
            raise UpgradeError("The database could not be put back (see above), so it is that of the new release.")

    def _answer(self, word: str) -> bool:
        try:
            self._process.communicate(f"{word}\n")
        except BrokenPipeError:
            self._process.wait()
        return self._process.returncode == 0
