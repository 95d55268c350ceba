"""`manage.py import_wordpress EXPORT.xml…`"""

from argparse import ArgumentParser, ArgumentTypeError
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from django.utils.translation import gettext as _

from wordpress.archives import unpacked
from wordpress.files import whole_file
from wordpress.importing import import_export
from wordpress.media_folder import MediaFolder
from wordpress.progress import shown
from wordpress.reader import ExportRefused
from wordpress.remarks import Remarks, reasons_of
from wordpress.reports import Report, outcome_texts
from wordpress.sqlite import is_locked
from wordpress.survey import stage_texts

# More lines than this nobody reads on a screen; the report in a file has them all.
_SHOWN = 40
_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Brings in posts, pages, categories, tags and comments from WordPress exports, all or nothing; then pictures, "
        "documents and recordings, one by one."
    )
    # They write to the database too: of one that is locked they say that it knows no JSON. We say what is the case.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="an export (WXR), also in a ZIP or gzip archive"
        )
        parser.add_argument(
            "--map-author",
            action="append",
            default=[],
            type=_author_and_person,
            metavar="LOGIN=USER",
            help="this author of the export is that person here; can be said several times",
        )
        files = parser.add_mutually_exclusive_group()
        files.add_argument("--media", type=Path, metavar="DIR", help="bring in the files from this folder")
        files.add_argument("--fetch-media", action="store_true", help="fetch the files from the old site")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="write all that happened into a file")

    def handle(self, *args: Any, **options: Any) -> None:
        stages = stage_texts()
        try:
            with shown(self.stderr) as tell, unpacked(options["files"]) as exports:
                report = import_export(
                    exports.paths,
                    dry_run=options["dry_run"],
                    media=self._media(options["media"]),
                    fetch_media=options["fetch_media"],
                    map_authors=dict(options["map_author"]),
                    progress=lambda stage, done, total: tell(stages[stage], done, total),
                )
                exports.name_in(report)
        except ExportRefused as refusal:
            raise CommandError(_("%s Nothing was imported.") % refusal) from refusal
        except OperationalError as error:
            if not is_locked(error):
                raise
            text = _(
                "The database is locked: something else has been writing to it for too long, perhaps another import. "
                "Wait until that has ended or stop it, then run the same again: nothing comes in twice."
            )
            raise CommandError(text) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError(_("Interrupted: nothing was imported."), returncode=_INTERRUPTED) from interrupt
        self._print(report)
        if options["report"]:
            try:
                with whole_file(options["report"]) as file:
                    report.write(file)
            except OSError as error:
                raise CommandError(_("The import is done, but the report could not be written: %s") % error) from error

        if report.interrupted:
            raise CommandError(_("Interrupted: some files are still to come."), returncode=_INTERRUPTED)

    def _media(self, folder: Path | None) -> MediaFolder | None:
        try:
            return MediaFolder(folder) if folder else None
        except OSError as error:
            raise CommandError(f"--media {folder}: {error.strerror or error}") from error

    # The report

    def _print(self, report: Report) -> None:
        columns = [(outcome, text) for outcome, text in outcome_texts().items()]
        width = max([len(kind) for kind in report.counts], default=0) + 2
        self.stdout.write(" " * width + "".join(text.rjust(12) for _outcome, text in columns))
        for kind, counts in report.counts.items():
            self.stdout.write(kind.ljust(width) + "".join(f"{counts[outcome]:12,}" for outcome, _text in columns))
        self._print_reasons(report.skipped)
        self._print_notes(report.notes)
        for warning in report.warnings:
            self.stdout.write("\n" + self.style.WARNING(warning))
        self.stdout.write("")
        self.stdout.write(self._summary(report))

    def _print_reasons(self, skipped: Remarks) -> None:
        if skipped:
            self.stdout.write("\n" + _("Left out:"))
        reasons = reasons_of(skipped)
        for reason in reasons.shown:
            self.stdout.write(f"  {reason.number:,} × {reason.kind}: {reason.text}")
        self._print_rest(reasons.more)

    def _print_notes(self, notes: Remarks) -> None:
        if notes:
            self.stdout.write("\n" + _("Different from the original:"))
        for note in islice(notes, _SHOWN):
            number = f" {note.id}" if note.id else ""
            self.stdout.write(f"  {note.kind}{number} “{note.title}”: {note.text}")
        self._print_rest(len(notes) - _SHOWN)

    def _print_rest(self, number: int) -> None:
        if number > 0:
            self.stdout.write("  " + _("… and %d more: --report FILE.json lists them all.") % number)

    def _summary(self, report: Report) -> str:
        if report.dry_run:
            return self.style.SUCCESS(_("This was a dry run: nothing was changed."))
        if not report.has_changes:
            return self.style.SUCCESS(_("Everything was here already: nothing was changed."))
        return self.style.SUCCESS(_("Done."))


def _author_and_person(text: str) -> tuple[str, str]:
    login, sign, username = text.rpartition("=")
    if not sign or not username:
        raise ArgumentTypeError(_("“%s” is not LOGIN=USER.") % text)
    return login, username
