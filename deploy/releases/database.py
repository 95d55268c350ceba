"""Running `manage.py upgrade_database` of the new release, which changes the database.

It writes a word to its output when it has put the migrated database in place, and waits for another on its input:
`keep` or `undo`. If its input ends because this program was killed, the link to the current release decides.
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
    """The upgrade of a database to another release. Leaving the block before `keep` restores it."""

    def __init__(self, layout: Layout, release: Release, account: Account, token: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own program
            release.command("upgrade_database", f"--link={layout.current}"),
            cwd=release.folder,
            env=clean_environment() | {"BROADSIDE_UPGRADE_TOKEN": token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            close_fds=False,
            # Ctrl-C must only reach this program, which then ends the other one in an orderly way.
            start_new_session=True,
            **account.options(),
        )

    def __enter__(self) -> "DatabaseUpgrade":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # This ends its input, at which it undoes everything unless it was told to keep it.
        self._process.communicate()

    def wait_until_replaced(self) -> None:
        """Wait until the database is that of the new release. Raises UpgradeError if the upgrade failed."""
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        if self._process.stdout.readline().strip() != _REPLACED:
            self._process.wait()
            raise UpgradeError("The database could not be migrated (see above). The site is unchanged.")

    def keep(self) -> None:
        """Keep the new database, let people write again, and delete the data for undoing."""
        self._answer(_KEEP)

    def undo(self) -> None:
        """Restore the database to what it was, and let people write again. Raises UpgradeError."""
        if not self._answer(_UNDO):
            raise UpgradeError(
                "The old database could not be restored (see above), so the site has the database of the new release."
            )

    def _answer(self, word: str) -> bool:
        try:
            self._process.communicate(f"{word}\n")
        except BrokenPipeError:
            self._process.wait()
        return self._process.returncode == 0
