"""`manage.py import_wordpress EXPORT.xml…`"""

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import Action
from accounts.audit.recording import record
from core.file_errors import describe_file_error
from core.outages import is_outage
from core.progress import INTERRUPTED, show_progress
from core.updating import inside_the_gate
from wordpress.atomic_files import atomic_file
from wordpress.importing.analysis import stage_texts
from wordpress.importing.checklist import checklist, setting_labels
from wordpress.importing.database import AlreadyRunningError, is_locked
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Outcome, Remarks, Report, kind_label, lines_by_item, summarise
from wordpress.importing.undo import UndoReport, undo_run
from wordpress.models import FileState, ImportRun
from wordpress.wxr.archives import unpacked
from wordpress.wxr.repair import InvalidExportError

# The report file lists everything; this many lines fit on a screen.
_MAX_SHOWN = 40
# In characters. More items that a line is about are only counted.
_MAX_NAMES_LENGTH = 150
_MAX_HOSTS = 200
# The values of --fetch-media: given without a value, or with this one.
_OLD_SITE, _EVERYWHERE = "", "everywhere"


class Command(BaseCommand):
    help = (
        "Imports posts, pages, categories, tags and comments from WordPress exports, then pictures, documents, audio "
        "and video. Run it again to continue an import that was interrupted; nothing is imported twice."
    )
    # The system checks write to the database too. If it is locked, they report that it does not support JSON.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="*", type=Path, metavar="FILE", help="an export (WXR), which may be in a ZIP or gzip archive"
        )
        parser.add_argument(
            "--map-author",
            action="append",
            default=[],
            type=_login_and_username,
            metavar="LOGIN=USER",
            help="assign the posts of this author to an existing user; can be repeated",
        )
        parser.add_argument(
            "--pages",
            action="append",
            default=[],
            metavar="TYPE",
            help="turn items of this type, which a plugin has stored, into pages; can be repeated",
        )
        parser.add_argument(
            "--take-title",
            action="store_true",
            help="give this site the title and tagline of the old blog, even if it has its own",
        )
        files = parser.add_mutually_exclusive_group()
        files.add_argument("--media", type=Path, metavar="DIR", help="import the media files from this folder")
        files.add_argument(
            "--fetch-media",
            nargs="?",
            const=_OLD_SITE,
            metavar=_EVERYWHERE,
            help="download the media files from the old site; with --fetch-media=everywhere, also those that texts "
            "show from other sites, once you have agreed to the list of hosts",
        )
        parser.add_argument(
            "--no-input", action="store_true", help="with --fetch-media=everywhere: download without asking"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be imported, without changing anything"
        )
        parser.add_argument(
            "--undo",
            type=int,
            metavar="RUN",
            help="remove what the import with this number added, instead of importing",
        )
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="write the full report to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fetch_media"] not in {None, _OLD_SITE, _EVERYWHERE}:
            # The option was followed by a file, which was taken for its value.
            options["files"].insert(0, Path(options["fetch_media"]))
            options["fetch_media"] = _OLD_SITE
        if (options["undo"] is None) == (not options["files"]):
            raise CommandError(_("Give either the files to import or --undo RUN."))
        try:
            # An upgrade that fails restores a copy of the database, without what was imported in the meantime.
            with inside_the_gate() as may_write:
                if not may_write:
                    raise CommandError(_("This site is being updated."))
                if options["undo"] is not None:
                    self._undo(options["undo"], options["report"])
                else:
                    self._import(options)
        except AlreadyRunningError as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, OSError) as error:
            if isinstance(error, OperationalError) and is_locked(error):
                text = _(
                    "The database is locked because something else has been writing to it for too long. Wait until it "
                    "has finished or stop it, then run the command again to continue. Nothing is imported twice."
                )
            elif is_outage(error):
                text = _(
                    "Something could not be read or stored (%s). Check that the disk isn't full and that the "
                    "database can be used, then run the command again to continue. Nothing is imported twice."
                )
                text %= str(error).strip()
            else:
                raise
            raise CommandError(text) from error

    def _import(self, options: dict[str, Any]) -> None:
        stages = stage_texts()
        everywhere = options["fetch_media"] == _EVERYWHERE
        try:
            with (
                show_progress(self.stderr, _("Interrupted. Nothing was imported.")) as update,
                unpacked(options["files"]) as exports,
            ):
                report = import_export(
                    exports.paths,
                    dry_run=options["dry_run"],
                    media=self._media(options["media"]),
                    fetch_media=options["fetch_media"] is not None,
                    fetch_everywhere=everywhere,
                    confirm_hosts=self._list_hosts if options["no_input"] else self._confirm_hosts,
                    map_authors=dict(options["map_author"]),
                    page_types=options["pages"],
                    take_title=options["take_title"],
                    progress=lambda stage, done, total: update(stages[stage], done, total),
                )
                report.rename_files(exports.with_original_names)
        except InvalidExportError as error:
            raise CommandError(_("%s Nothing was imported.") % error) from error
        if report.has_changes and not report.dry_run:
            record(Action.IMPORTED, by=None)
        self._print(report)
        self._write(report, options["report"])
        if report.interrupted:
            text = _("Interrupted. What has been imported so far stays; run the command again to continue.")
            raise CommandError(text, returncode=INTERRUPTED)

    def _undo(self, pk: int, report_path: Path | None) -> None:
        run = ImportRun.objects.filter(pk=pk).first()
        if run is None:
            runs = ", ".join(map(str, ImportRun.objects.order_by("pk"))) or _("none")
            raise CommandError(_("There is no import %(number)d. Imports: %(runs)s.") % {"number": pk, "runs": runs})
        stages = stage_texts()
        with show_progress(self.stderr, _("Interrupted. Run the command again to remove the rest.")) as update:
            report = undo_run(run, lambda stage, done, total: update(stages[stage], done, total))
        record(Action.UNDONE, [run], by=None)
        for kind, count in report.removed.items():
            self.stdout.write(f"{count:,} × {kind_label(kind)}: " + _("removed"))
        self._print_reasons(report.kept, _("Kept:"))
        self._write(report, report_path)
        self.stdout.write("")
        self.stdout.write(self.style.SUCCESS(_("Import undone.")))

    def _list_hosts(self, hosts: Mapping[str, int]) -> bool:
        """Print the hosts with their numbers of files, and accept them."""
        lines = [f"{count:8,}  {host}" for host, count in hosts.items()]
        self._print_lines(_("Files that texts show from other hosts:"), lines[:_MAX_HOSTS], len(lines[_MAX_HOSTS:]))
        return True

    def _confirm_hosts(self, hosts: Mapping[str, int]) -> bool:
        """Print the hosts, and ask whether to download from them. Without input, the answer is no."""
        self._list_hosts(hosts)
        count = sum(hosts.values())
        # Translators: the answers stay as they are.
        text = ngettext("Download %(count)d file? [y/N]", "Download %(count)d files? [y/N]", count) % {"count": count}
        try:
            answer = input(f"\n{text} ")
        except EOFError:
            self.stdout.write(_("There was no answer, so they are not downloaded. Use --no-input to download them."))
            return False
        return answer.strip().lower() in {"y", "yes"}

    def _media(self, folder: Path | None) -> MediaFolder | None:
        try:
            return MediaFolder(folder) if folder else None
        except OSError as error:
            raise CommandError(f"--media {describe_file_error(error, folder)}") from error

    def _write(self, report: Report | UndoReport, path: Path | None) -> None:
        if path is None:
            return
        try:
            with atomic_file(path) as file:
                report.write(file)
        except OSError as error:
            raise CommandError(_("The report could not be written: %s") % describe_file_error(error, path)) from error

    def _print(self, report: Report) -> None:
        for warning in report.warnings:
            self.stdout.write(self.style.WARNING(warning) + "\n")
        labels = {kind: kind_label(kind) for kind in report.counts}
        width = max(map(len, labels.values()), default=0) + 2
        self.stdout.write(" " * width + "".join(str(outcome.label).rjust(12) for outcome in Outcome))
        for kind, counts in report.counts.items():
            self.stdout.write(labels[kind].ljust(width) + "".join(f"{counts[outcome]:12,}" for outcome in Outcome))
        self._print_reasons(report.skipped, _("Skipped:"))
        self._print_lines(_("Changed during the import:"), *_lines_by_text(report.notes))
        self._print_file_references(report)
        self._print_settings(report)
        self.stdout.write("")
        if report.run is not None:
            text = _("To remove what this import added, run: manage.py import_wordpress --undo %d") % report.run
            self.stdout.write(text)
        if not report.interrupted:
            text = _("Import complete.")
            if report.dry_run:
                text = _("This was a dry run. Nothing was changed.")
            elif not report.has_changes:
                text = _("Everything had already been imported, so nothing was changed.")
            if report.warnings:
                text += " " + _("Please read the warnings at the top of this report.")
            self.stdout.write((self.style.WARNING if report.warnings else self.style.SUCCESS)(text))

    def _print_file_references(self, report: Report) -> None:
        if not any(report.file_states.values()):
            return
        states = ", ".join(f"{report.file_states[state]:,} {state.label}" for state in FileState)
        self.stdout.write("\n" + _("Files that texts refer to: %s.") % states)
        missing = lines_by_item(report.missing_files())
        lines = list(islice(missing, _MAX_SHOWN))
        self._print_lines(_("Posts and pages without some of their files:"), lines, sum(1 for _line in missing))

    def _print_settings(self, report: Report) -> None:
        """Print the settings that were taken from the old blog, and the checklist."""
        taken = [f"{label}: {value}" for label, value in setting_labels(report.taken_settings)]
        self._print_lines(_("Taken from the old blog:"), taken)
        if report.blog and not report.dry_run:
            points = [
                " ".join(filter(None, [f"[{point.state.label}] {point.name}: {point.text}", point.hint]))
                for point in checklist(report.blog)
            ]
            self._print_lines(_("Checklist:"), points)

    def _print_reasons(self, remarks: Remarks, heading: str) -> None:
        reasons = summarise(remarks)
        lines = [f"{reason.count:,} × {reason.label}: {reason.text}" for reason in reasons.shown]
        self._print_lines(heading, lines, reasons.more)

    def _print_lines(self, heading: str, lines: list[str], more: int = 0) -> None:
        if more:
            lines.append(_("… and %d more. Use --report FILE.json to list them all.") % more)
        if lines:
            self.stdout.write("\n  ".join([f"\n{heading}", *lines]))


def _lines_by_text(notes: Remarks) -> tuple[list[str], int]:
    """Return a line for each of the first texts of `notes`, with the items that it is about.

    Also return the number of notes that are in none of these lines.
    """
    counts = Counter[tuple[str, str]]()
    names: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        key = (note.kind, note.text)
        if key not in names and len(names) == _MAX_SHOWN:
            continue
        counts[key] += 1
        shown = names.setdefault(key, [])
        if len(", ".join(shown)) < _MAX_NAMES_LENGTH:
            shown.append(f"{note.id} “{note.title}”" if note.id else f"“{note.title}”")
    lines = []
    for (kind, text), shown in names.items():
        count = counts[kind, text]
        more = f", … ({count:,})" if count > len(shown) else ""
        lines.append(f"{kind_label(kind)} {', '.join(shown)}{more}: {text}")
    return lines, len(notes) - counts.total()


def _login_and_username(text: str) -> tuple[str, str]:
    login, separator, username = text.rpartition("=")
    if not separator or not username:
        raise ArgumentTypeError(_("“%s” must have the form LOGIN=USER.") % text)
    return login, username
