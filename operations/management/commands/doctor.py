import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.dates import format_datetime
from operations.checks.catalogue import CHECKS
from operations.checks.diagnoses import CheckOptions, Severity
from operations.checks.outcomes import CheckOutcome, run_checks


class Command(BaseCommand):
    help = (
        "Checks settings, files, disk, worker, mail, clock, HTTPS, backups and more, and reports what to do. The exit "
        "status is 1 if there is a problem. Run it as the user of the site. It changes nothing."
    )
    # The command reports their findings itself, and continues.
    requires_system_checks: list[str] = []  # Django's own name

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(CHECKS)
        parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help=f"only these checks: {names}")
        parser.add_argument("--json", action="store_true", help="write JSON for programs")
        parser.add_argument(
            "--mail", action="store_true", help="send a message to each owner, to see whether it arrives"
        )
        parser.add_argument(
            "--online",
            action="store_true",
            help="query PyPI, which learns what is installed, for known vulnerabilities",
        )
        parser.add_argument(
            "--advisories", default="", metavar="FILE", help="look for vulnerabilities in this archive of OSV records"
        )
        parser.add_argument("--remember", action="store_true", help="show the results of slow checks on the dashboard")

    def handle(self, *args: Any, only: list[str], **options: Any) -> None:
        if unknown := set(only) - CHECKS.keys():
            raise CommandError(
                _("There is no check called %(unknown)s. The checks are: %(all)s.")
                % {"unknown": ", ".join(sorted(unknown)), "all": ", ".join(CHECKS)}
            )
        check_options = CheckOptions(mail=options["mail"], online=options["online"], advisories=options["advisories"])
        found = run_checks(only, check_options, remember=options["remember"])
        if options["json"]:
            outcomes = list(found)
            self.stdout.write(json.dumps([_as_json(outcome) for outcome in outcomes], indent=1, ensure_ascii=False))
        else:
            outcomes = self._write(found)
        if any(outcome.severity == Severity.PROBLEM for outcome in outcomes):
            # The report has already said what is wrong.
            raise SystemExit(1)

    def _write(self, outcomes: Iterable[CheckOutcome]) -> list[CheckOutcome]:
        """Write each outcome as soon as it is known, and a summary at the end. Return the outcomes."""
        styles = {
            Severity.OK: ("✓", self.style.SUCCESS),
            Severity.WARNING: ("!", self.style.WARNING),
            Severity.PROBLEM: ("✗", self.style.ERROR),
        }
        written: list[CheckOutcome] = []
        advised: set[str] = set()
        for outcome in outcomes:
            written.append(outcome)
            for diagnosis in outcome.diagnoses:
                mark, style = styles[diagnosis.severity]
                self.stdout.write(style(f"{mark} {outcome.title}: {diagnosis.text}"))
                # Without the database, a dozen checks have the same advice.
                if diagnosis.advice and diagnosis.advice not in advised:
                    advised.add(diagnosis.advice)
                    self.stdout.write(f"    {diagnosis.advice}")
            if outcome.checked_at:
                when = format_datetime(outcome.checked_at)
                self.stdout.write(f"    {_('This was checked on %s.') % when}")
            if not outcome.diagnoses:
                self.stdout.write(f"- {outcome.title}: {_('not checked')}")
        counts = {kind: sum(outcome.severity == kind for outcome in written) for kind in Severity}
        self.stdout.write("")
        if counts[Severity.PROBLEM] or counts[Severity.WARNING]:
            problems = ngettext("%d problem", "%d problems", counts[Severity.PROBLEM]) % counts[Severity.PROBLEM]
            warnings = ngettext("%d warning", "%d warnings", counts[Severity.WARNING]) % counts[Severity.WARNING]
            self.stdout.write(f"{problems}, {warnings}.")
        else:
            count = sum(bool(outcome.diagnoses) for outcome in written)
            text = ngettext("No problems found (%d item checked).", "No problems found (%d items checked).", count)
            self.stdout.write(text % count)
        return written


def _as_json(outcome: CheckOutcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "severity": outcome.severity.value if outcome.diagnoses else None,
        "checked_at": outcome.checked_at.isoformat() if outcome.checked_at else None,
        "diagnoses": [
            {"severity": diagnosis.severity.value, "text": diagnosis.text, "advice": diagnosis.advice}
            for diagnosis in outcome.diagnoses
        ],
    }
