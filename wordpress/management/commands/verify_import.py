import json
from argparse import ArgumentParser
from contextlib import closing
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.file_errors import describe_file_error
from core.http import host_of
from core.progress import INTERRUPTED, show_progress
from wordpress.importing.report import lines_by_item
from wordpress.models import FileState
from wordpress.verifying.checkpoint import Checkpoint
from wordpress.verifying.site_checker import SiteChecker, Stage
from wordpress.verifying.site_client import HttpClient, InProcessClient
from wordpress.wxr.archives import unpacked
from wordpress.wxr.repair import InvalidExportError

_MAX_SHOWN = 100
# The maximum number of seconds of work that are lost if the command is killed.
_SAVE_INTERVAL = 60.0


class Command(BaseCommand):
    help = (
        "Checks that this site answers every URL of a WordPress export: posts and pages with the right title, date, "
        "terms and comments, and listings and feeds with their newest post."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export that has been imported")
        parser.add_argument(
            "--base", metavar="URL", help="check the site at this URL over the network, instead of this installation"
        )
        parser.add_argument(
            "--delay", type=float, default=0.0, metavar="SECONDS", help="with --base: how long to wait between requests"
        )
        parser.add_argument(
            "--all",
            action="store_true",
            dest="check_all",
            help="check every tag and category, instead of a sample of those with few posts",
        )
        parser.add_argument("--resume", action="store_true", help="continue an interrupted check of the same files")
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="write all problems to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        base: str | None = options["base"]
        if base and not host_of(base):
            raise CommandError(_("--base must be a URL that starts with http:// or https://."))
        client = HttpClient(base, max(0.0, options["delay"])) if base else InProcessClient()
        checker = SiteChecker(client, now=timezone.make_naive(timezone.now()), check_all=options["check_all"])
        interrupted = False
        try:
            checkpoint = Checkpoint(options["files"], base, options["check_all"])
            if options["resume"]:
                _restore(checker, checkpoint)
            try:
                with closing(client), unpacked(options["files"]) as exports:
                    self._check(checker, exports.paths, checkpoint)
                checkpoint.delete()
            except KeyboardInterrupt:
                interrupted = True
                checkpoint.save(checker.state())
        except InvalidExportError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(describe_file_error(error)) from error
        self._print(checker)
        if options["report"]:
            self._write(options["report"], checker, interrupted)
        if interrupted:
            text = _("Interrupted. %s To continue, run the same command with --resume.")
            raise CommandError(text % _summary(checker), returncode=INTERRUPTED)
        if checker.problems:
            raise CommandError(_summary(checker))
        self.stdout.write(self.style.SUCCESS(_summary(checker)))

    def _check(self, checker: SiteChecker, paths: list[Path], checkpoint: Checkpoint) -> None:
        """Check everything, and save the progress from time to time, in case the command is killed."""
        labels: dict[Stage, str] = {"reading": _("Reading"), "checking": _("Checking")}
        saved = monotonic()
        with show_progress(self.stderr, rate_of=labels["checking"]) as update:

            def progress(stage: Stage, done: int, total: int) -> None:
                nonlocal saved
                update(labels[stage], done, total)
                if stage == "checking" and monotonic() - saved > _SAVE_INTERVAL:
                    checkpoint.save(checker.state())
                    saved = monotonic()

            checker.check(paths, progress=progress)

    def _print(self, checker: SiteChecker) -> None:
        for problem in checker.problems[:_MAX_SHOWN]:
            item = " ".join(filter(None, [problem.kind, str(problem.id or ""), f"“{problem.title}”", problem.path]))
            self.stdout.write(f"{item}: {problem.message}")
        if (more := len(checker.problems) - _MAX_SHOWN) > 0:
            self.stdout.write(_("… and %d more. Use --report FILE.json to list them all.") % more)
        if count := checker.skipped_terms:
            text = ngettext(
                "%d tag or category with few posts was not checked. Use --all to check each one.",
                "%d tags and categories with few posts were not checked. Use --all to check each one.",
                count,
            )
            self.stdout.write(text % count)
        for reason, count in checker.not_checked.most_common():
            text = ngettext(
                "%(count)d item was not checked: %(reason)s", "%(count)d items were not checked: %(reason)s", count
            )
            self.stdout.write(text % {"count": count, "reason": reason})
        if checker.file_states:
            states = ", ".join(f"{checker.file_states[state]:,} {state.label}" for state in FileState)
            self.stdout.write(_("Files that texts refer to: %s.") % states)
        lines = lines_by_item(checker.missing_references)
        for line in islice(lines, _MAX_SHOWN):
            self.stdout.write(f"  {line}")
        if more := sum(1 for _line in lines):
            self.stdout.write(_("… and %d more. Use --report FILE.json to list them all.") % more)
        if count := len(checker.missing_files):
            text = ngettext(
                "%d file of the old site has not been imported. Texts that use it still need the old site.",
                "%d files of the old site have not been imported. Texts that use them still need the old site.",
                count,
            )
            self.stdout.write(self.style.WARNING(text % count))

    def _write(self, path: Path, checker: SiteChecker, interrupted: bool) -> None:
        try:
            report = {
                "interrupted": interrupted,
                "skipped_terms": checker.skipped_terms,
                "not_checked": dict(checker.not_checked),
                **checker.results(),
            }
            path.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
        except OSError as error:
            raise CommandError(_("The report could not be written: %s") % describe_file_error(error, path)) from error


def _restore(checker: SiteChecker, checkpoint: Checkpoint) -> None:
    """Continue from the checkpoint. Raises CommandError if there is none."""
    try:
        checker.restore(checkpoint.load() or {})
    except (LookupError, TypeError, ValueError) as error:
        text = _(
            "There is no interrupted check of these files with the same options to continue. Leave out --resume to "
            "start one."
        )
        raise CommandError(text) from error


def _summary(checker: SiteChecker) -> str:
    if not checker.problems:
        text = ngettext(
            "No problems found (%d item checked).", "No problems found (%d items checked).", checker.checked
        )
        return text % checker.checked
    text = ngettext(
        "%(problems)d problem found (%(checked)d items checked).",
        "%(problems)d problems found (%(checked)d items checked).",
        len(checker.problems),
    )
    return text % {"problems": len(checker.problems), "checked": checker.checked}
