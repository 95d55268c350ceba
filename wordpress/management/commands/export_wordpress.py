"""`manage.py export_wordpress -o FILE`"""

import io
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.exporting import export_site
from wordpress.files import whole_file
from wordpress.progress import shown

_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Writes all posts, pages, categories, tags, comments and the addresses of pictures into one file that "
        "WordPress imports (WXR 1.2), and Broadside too. The file holds drafts and the e-mail addresses of "
        "people who commented: keep it to yourself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write; else standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["output"]
        try:
            with shown(self.stderr) as tell:
                progress = partial(tell, _("Exporting"))
                if path:
                    with whole_file(path) as file:
                        number = export_site(file.write, progress=progress, note=self._note)
                else:
                    if isinstance(sys.stdout, io.TextIOWrapper):
                        # The file says that it is UTF-8, whatever the terminal speaks.
                        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
                    number = export_site(
                        lambda text: self.stdout.write(text, ending=""), progress=progress, note=self._note
                    )
        except OSError as error:
            raise CommandError(_("The export could not be written: %s") % error) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError(_("Interrupted: there is no export."), returncode=_INTERRUPTED) from interrupt
        text = ngettext("%d item exported.", "%d items exported.", number) % number
        self.stderr.write(text, style_func=self.style.SUCCESS)

    def _note(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
