from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress import show_progress
from operations.backups.creating import BackupResult
from operations.backups.errors import BackupError
from operations.backups.schedule import back_up, describe_error, do_what_is_due

# How many missing files are listed.
_NAMED = 20


class Command(BaseCommand):
    help = (
        "Makes a backup of the whole site while it runs: database, media, and settings without secrets. It can be "
        "interrupted at any time; what it has copied so far is used by the next one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "destination",
            nargs="?",
            default="",
            help="a folder or s3://KEY:SECRET@host/bucket (default: BACKUP_URL)",
        )
        parser.add_argument(
            "--if-due", action="store_true", help="only do what BACKUP_TIMES schedules, and nothing without BACKUP_URL"
        )

    def handle(self, *args: Any, destination: str, if_due: bool, **options: Any) -> None:
        if if_due and not settings.BROADSIDE_BACKUP_URL:
            return
        destination = destination or settings.BROADSIDE_BACKUP_URL
        if not destination:
            raise CommandError(_("Give a destination: `manage.py backup FOLDER`, or set BACKUP_URL."))
        interrupted = _(
            "Interrupted. There is no new backup. Run the command again: it reuses what has been copied so far."
        )
        try:
            with show_progress(self.stderr, interrupted) as progress:
                report = do_what_is_due(progress) if if_due else back_up(destination, progress)
        except (BackupError, OSError, DatabaseError) as error:
            raise CommandError(describe_error(error)) from error
        if report:
            self._write(report)

    def _write(self, report: BackupResult) -> None:
        manifest = report.manifest
        text = ngettext(
            "Backup %(name)s is complete: %(tables)d tables with %(rows)d rows, and %(files)d media file (%(size)s, "
            "%(new)d new).",
            "Backup %(name)s is complete: %(tables)d tables with %(rows)d rows, and %(files)d media files (%(size)s, "
            "%(new)d new).",
            manifest.media_files,
        )
        counts = {
            "tables": len(manifest.tables),
            "rows": sum(table.rows for table in manifest.tables.values()),
            "files": manifest.media_files,
            "new": report.new_media_files,
        }
        self.stdout.write(text % {"name": report.name, "size": filesizeformat(manifest.media_bytes), **counts})
        if not settings.BROADSIDE_BACKUP_PUBLIC_KEY:
            self.stdout.write(_("It is not encrypted. Set BACKUP_PUBLIC_KEY, as docs/backups.md describes."))
        for name in manifest.missing[:_NAMED]:
            self.stderr.write(_("Missing from this site: %s") % name, style_func=str)
        if (others := len(manifest.missing) - _NAMED) > 0:
            self.stderr.write(_("… and %d more. manifest.json in the backup lists them all.") % others, style_func=str)
        if report.removed:
            self.stdout.write(_("Removed, according to BACKUP_KEEP_…: %s") % ", ".join(report.removed))
