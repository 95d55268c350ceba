"""`manage.py verify_import EXPORT.xml…`"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.archives import unpacked
from wordpress.progress import shown
from wordpress.reader import ExportRefused
from wordpress.sites import SiteHere, SiteThere
from wordpress.verifying import Verification, verify

_SHOWN = 100
_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Checks that every address of a WordPress export answers here: posts and pages with the right title, date, "
        "terms and comments, listings and feeds with their newest post."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export that was imported")
        parser.add_argument("--base", metavar="URL", help="ask the site that runs there; else no network is used")
        parser.add_argument(
            "--delay", type=float, default=0.0, metavar="SECONDS", help="wait so long before each request"
        )
        parser.add_argument("--report", type=Path, metavar="FILE.json", help="write all that is wrong into a file")

    def handle(self, *args: Any, **options: Any) -> None:
        base: str | None = options["base"]
        if base and not base.lower().startswith(("http://", "https://")):
            raise CommandError(_("--base is an address that begins with http:// or https://."))
        site = SiteThere(base, max(0.0, options["delay"])) if base else SiteHere()
        found = Verification()
        interrupted = False
        try:
            with shown(self.stderr) as tell, unpacked(options["files"]) as exports:
                now = timezone.make_naive(timezone.now())
                verify(exports.paths, site, found, now=now, progress=partial(tell, _("Checking")))
        except ExportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            interrupted = True
        self._print(found)
        if options["report"]:
            self._write(options["report"], found, interrupted)
        numbers = {"faults": len(found.faults), "checked": found.checked}
        if interrupted:
            text = _("Interrupted. Until then there were %(faults)d faults in %(checked)d things.")
            raise CommandError(text % numbers, returncode=_INTERRUPTED)
        if found.faults:
            raise CommandError(_("%(faults)d faults in %(checked)d things that were checked.") % numbers)
        self.stdout.write(self.style.SUCCESS(_("All is right: %d things were checked.") % found.checked))

    def _print(self, found: Verification) -> None:
        for fault in found.faults[:_SHOWN]:
            self.stdout.write(f"{fault.kind} {fault.id or ''} “{fault.title}” {fault.address}: {fault.problem}")
        if len(found.faults) > _SHOWN:
            more = len(found.faults) - _SHOWN
            self.stdout.write(_("… and %d more: --report FILE.json lists them all.") % more)
        if number := len(found.missing):
            text = ngettext(
                "%d file of the old site is not here: texts that show it need the old site.",
                "%d files of the old site are not here: texts that show them need the old site.",
                number,
            )
            self.stdout.write(self.style.WARNING(text % number))

    def _write(self, path: Path, found: Verification, interrupted: bool) -> None:
        try:
            path.write_text(
                json.dumps({"interrupted": interrupted, **asdict(found)}, ensure_ascii=False, indent=1),
                encoding="utf-8",
            )
        except OSError as error:
            raise CommandError(_("The report could not be written: %s") % error) from error
