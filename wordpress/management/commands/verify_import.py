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

from wordpress.archives import unpacked
from wordpress.progress import shown
from wordpress.reader import ExportRefused
from wordpress.verifying import SiteHere, SiteThere, verify

_SHOWN = 100
_INTERRUPTED = 130


class Command(BaseCommand):
    help = "Checks that every address of a WordPress export answers here with the right title, terms and comments."

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
        try:
            with shown(self.stderr) as tell, unpacked(options["files"]) as exports:
                now = timezone.make_naive(timezone.now())
                found = verify(exports.paths, site, now=now, progress=partial(tell, _("Checking")))
        except ExportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt as interrupt:
            raise CommandError(_("Interrupted."), returncode=_INTERRUPTED) from interrupt
        for fault in found.faults[:_SHOWN]:
            self.stdout.write(f"{fault.kind} {fault.id or ''} “{fault.title}” {fault.address}: {fault.problem}")
        if len(found.faults) > _SHOWN:
            more = len(found.faults) - _SHOWN
            self.stdout.write(_("… and %d more: --report FILE.json lists them all.") % more)
        if options["report"]:
            report = {"checked": found.checked, "faults": [asdict(fault) for fault in found.faults]}
            try:
                options["report"].write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
            except OSError as error:
                raise CommandError(_("The report could not be written: %s") % error) from error
        if found.faults:
            numbers = {"faults": len(found.faults), "checked": found.checked}
            raise CommandError(_("%(faults)d faults; %(checked)d posts, pages and terms were checked.") % numbers)
        self.stdout.write(
            self.style.SUCCESS(_("All is right: %d posts, pages and terms were checked.") % found.checked)
        )
