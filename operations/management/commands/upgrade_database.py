import os
import secrets
import sys
import threading
from functools import partial
from pathlib import Path
from queue import Queue
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from core.progress import show_progress
from core.progress_callback import ProgressCallback
from core.updating import GateError, closed
from operations.backups.errors import BackupError
from operations.backups.schedule import describe_error
from operations.backups.work import work_folder
from operations.migrations_applied import unapplied_migrations
from operations.upgrading.copies import PATIENCE, ChangedError, Copies
from operations.upgrading.postgresql import PostgresqlCopies
from operations.upgrading.sqlite import SqliteCopies
from operations.upgrading.trial import TrialError, apply_migrations, trial_environment, try_web_server

# How often to try to copy the database while something other than the site writes to it.
_ATTEMPTS: Final = 3
# How many seconds to wait for a running backup, or for processes left by a killed upgrade.
_LONGEST_WAIT: Final = 300
# The messages to and from deploy/upgrade.py.
_REPLACED: Final = "replaced"
_KEEP: Final = "keep"


class Command(BaseCommand):
    help = (
        "The part of deploy/upgrade.py that this release runs: migrates a copy of the database, tries the site with "
        "it, and replaces the database with it. Don't run it by hand, except with --rehearse, which changes nothing."
    )
    # The database is still that of the previous release.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rehearse", action="store_true", help="only try it on a copy of the database")
        parser.add_argument(
            "--migrate-copy", action="store_true", help="migrate and check the database that DATABASE_URL names"
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=60,
            help="how many seconds the web server has to start (default: %(default)s)",
        )
        parser.add_argument("--link", type=Path, metavar="PATH", help="the link to the release in use")

    def handle(self, *args: Any, rehearse: bool, migrate_copy: bool, link: Path | None, **options: Any) -> None:
        if migrate_copy:
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            call_command("check", databases=["default"])
            return
        try:
            with work_folder(_LONGEST_WAIT) as folder, show_progress(self.stderr) as progress:
                copies = _copies(folder)
                copies.clear()
                if rehearse:
                    self._rehearse(copies, folder, options["patience"], progress)
                else:
                    self._upgrade(copies, folder, link, progress)
                copies.clear()
        except (BackupError, OSError, DatabaseError) as error:
            raise CommandError(describe_error(error)) from error
        except TrialError as error:
            raise CommandError(str(error)) from error
        except ChangedError as error:
            text = _("Something else writes to the database, such as an import. Try again when it has finished.")
            raise CommandError(text) from error
        except GateError as error:
            text = _(
                "Someone is submitting something that takes more than a minute, or an import is running in a terminal. "
                "Try again later."
            )
            raise CommandError(text) from error

    def _rehearse(self, copies: Copies, folder: Path, patience: float, progress: ProgressCallback) -> None:
        started = monotonic()
        try:
            _migrate_a_copy(copies, folder, progress, patience)
        finally:
            copies.clear()
        text = _("The new version works. During the upgrade, nothing can be saved for about %d seconds.")
        self.stderr.write(text % (monotonic() - started + 1), style_func=self.style.SUCCESS)

    def _upgrade(self, copies: Copies, folder: Path, link: Path | None, progress: ProgressCallback) -> None:
        caller = _Caller()
        with closed(os.environ.get("BROADSIDE_UPGRADE_TOKEN", secrets.token_urlsafe()), PATIENCE):
            is_replaced = bool(unapplied_migrations())
            if is_replaced:
                for attempt in range(1, _ATTEMPTS + 1):
                    try:
                        with copies.held():
                            _migrate_a_copy(copies, folder, progress)
                            with caller.must_not_leave:
                                copies.replace()
                        break
                    except ChangedError:
                        if attempt == _ATTEMPTS:
                            raise
                    except (BackupError, DatabaseError, OSError, TrialError):
                        # Nothing was replaced.
                        copies.clear()
                        raise
            connection.close()
            answer = caller.ask()
            # With no answer, the caller was killed, before or after the new release was put into use.
            is_kept = answer == _KEEP or (answer == "" and link is not None and link.resolve() == settings.BASE_DIR)
            if is_replaced and not is_kept:
                copies.undo()
                self.stderr.write(_("The database is unchanged."), style_func=str)


class _Caller:
    """The program that started this one. If it ends, so does this one, except while `must_not_leave` is held."""

    def __init__(self) -> None:
        self.must_not_leave = threading.Lock()
        self._answers: Queue[str] = Queue()
        self._is_asked = False
        threading.Thread(target=self._listen, name="caller", daemon=True).start()

    def ask(self) -> str:
        """Report that the database is replaced, and return the answer; an empty string if the caller is gone."""
        self._is_asked = True
        try:
            sys.stdout.write(f"{_REPLACED}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            return ""
        return self._answers.get()

    def _listen(self) -> None:
        answer = sys.stdin.readline().strip()
        with self.must_not_leave:
            if not answer and not self._is_asked:
                # The processes that this one started end with it.
                os._exit(1)
        self._answers.put(answer)


def _copies(folder: Path) -> Copies:
    if connection.vendor == "postgresql":
        return PostgresqlCopies(os.environ["DATABASE_URL"])
    return SqliteCopies(folder)


def _migrate_a_copy(copies: Copies, folder: Path, progress: ProgressCallback, patience: float = 0) -> None:
    """Copy the database and migrate the copy to this release. Raises TrialError.

    With `patience`, also try the web server on the copy; it has that many seconds to start.
    """
    url = copies.copy(partial(progress, _("Copying the database")))
    environment = trial_environment(url, folder)
    apply_migrations(environment)
    if patience:
        try_web_server(environment, patience)
