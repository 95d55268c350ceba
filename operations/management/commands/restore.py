import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.sql import emit_post_migrate_signal
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import Action
from accounts.audit.recording import record
from core.file_errors import describe_file_error
from core.progress import show_progress
from core.progress_callback import ProgressCallback
from core.text import printable
from operations.backups import restoring
from operations.backups.contents import OpenedBackup, parse_name
from operations.backups.errors import BackupError
from operations.backups.schedule import describe_error, verify
from operations.backups.sealing import Identity, read_private_keys
from operations.backups.stores import Store, open_store
from operations.backups.work import work_folder
from operations.migrations_applied import unapplied_migrations
from operations.models import BackupRun, RunKind

_MAX_KEY_FILE = 2**16


class Command(BaseCommand):
    help = (
        "Restores a backup of the whole site, or proves that it could be restored (--check). Stop the web server and "
        "the worker first, except for --check and --list. If it is interrupted, the site is either unchanged or "
        "restored."
    )
    # The database may be empty or damaged.
    requires_system_checks: list[str] = []  # Django's own name

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", default="", help="where backups are (default: BACKUP_URL)")
        parser.add_argument(
            "--backup", default="", metavar="NAME", help="which backup (default: the newest of a site in use)"
        )
        parser.add_argument(
            "--key", default="", metavar="FILE", help="the file with the private key; - reads it from stdin"
        )
        parser.add_argument(
            "--replace", action="store_true", help="replace a site that has content, which will be lost"
        )
        parser.add_argument(
            "--check", action="store_true", help="restore separately from the site, compare, and change nothing"
        )
        parser.add_argument("--list", action="store_true", help="only list the backups")
        parser.add_argument(
            "--without-damaged-media",
            action="store_true",
            help="restore everything else if media files in the backup are damaged or missing, and list them",
        )

    def handle(self, *args: Any, source: str, backup: str, key: str, **options: Any) -> None:
        source = source or settings.BROADSIDE_BACKUP_URL
        if not source:
            raise CommandError(_("Give a source: `manage.py restore FOLDER`, or set BACKUP_URL."))
        interrupted = _(
            "Interrupted. Nothing was changed, unless the database was being replaced: then run this again."
        )
        try:
            store = open_store(source)
            if options["list"]:
                self.stdout.writelines(f"{name}\n" for name in restoring.names_of_backups(store))
                return
            keys = self._read_keys(key) if key else []
            with show_progress(self.stderr, interrupted) as progress:
                if options["check"]:
                    name = verify(store, backup, keys, progress)
                    self.stdout.write(_("Backup %s can be restored: database and media are as they were.") % name)
                else:
                    left_out: list[str] | None = [] if options["without_damaged_media"] else None
                    restored = self._restore(store, backup, keys, options["replace"], left_out, progress)
                    is_own = source == settings.BROADSIDE_BACKUP_URL
                    _record_runs(restored, is_own=is_own, is_undamaged=not left_out)
        except (BackupError, OSError, DatabaseError) as error:
            raise CommandError(printable(describe_error(error))) from error

    def _read_keys(self, key: str) -> list[Identity]:
        if key == "-":
            return read_private_keys(sys.stdin.read(_MAX_KEY_FILE))
        try:
            with Path(key).open(encoding="utf-8", errors="replace") as file:
                return read_private_keys(file.read(_MAX_KEY_FILE))
        except OSError as error:
            raise CommandError(describe_file_error(error, key)) from error

    def _restore(
        self,
        store: Store,
        name: str,
        keys: list[Identity],
        replace: bool,
        left_out: list[str] | None,
        progress: ProgressCallback,
    ) -> OpenedBackup:
        with work_folder() as folder:
            restoring.finish()
            opened = restoring.open_backup(store, name, keys) if name else restoring.open_newest_in_use(store, keys)
            restoring.restore(opened, folder, replace=replace, progress=progress, left_out=left_out)
        if unapplied_migrations():
            call_command("migrate", verbosity=0, interactive=False)
        else:
            # What the command would still do, such as giving roles the permissions that they have in this version.
            emit_post_migrate_signal(verbosity=0, interactive=False, db=DEFAULT_DB_ALIAS)
        record(Action.BACKUP_RESTORED, by=None, details=opened.name)
        manifest = opened.manifest
        text = ngettext(
            "Backup %(name)s of %(site)s is restored: %(tables)d tables and %(files)d media file.",
            "Backup %(name)s of %(site)s is restored: %(tables)d tables and %(files)d media files.",
            manifest.media_files,
        )
        counts = {"tables": len(manifest.tables), "files": manifest.media_files}
        self.stdout.write(text % {"name": opened.name, "site": printable(manifest.site), **counts})
        for missing in manifest.missing:
            self.stderr.write(_("Missing when the backup was made: %s") % printable(missing), style_func=str)
        for damaged in left_out or ():
            self.stderr.write(_("Damaged in the backup, so upload it again: %s") % printable(damaged), style_func=str)
        self._write_settings(opened.settings)
        self.stdout.write(_("Start the web server and the worker again. Everyone has to log in again."))
        return opened

    def _write_settings(self, before: dict[str, str]) -> None:
        now = settings.BROADSIDE_ENVIRONMENT
        differ = {name: value for name, value in before.items() if now.get(name) != value}
        if differ:
            self.stdout.write(_("These settings were different when the backup was made:"))
            self.stdout.writelines(printable(f"  {name}={value}\n") for name, value in differ.items())


def _record_runs(opened: OpenedBackup, *, is_own: bool, is_undamaged: bool) -> None:
    """Record when the backup was made, if it is in the site's own store, and that it could be restored completely.

    Backups leave these records out, so the site would otherwise report that it has none.
    """
    name = opened.name
    if is_own:
        missing = len(opened.manifest.missing)
        BackupRun.record(RunKind.BACKUP, backup=name, missing=missing, finished_at=parse_name(name))
    if is_undamaged:
        BackupRun.record(RunKind.CHECK, backup=name)
