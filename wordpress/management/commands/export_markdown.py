"""`manage.py export_markdown DIR`"""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.files import whole_folder
from wordpress.markdown_export import export_markdown
from wordpress.progress import shown

_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Writes each post and page as a Markdown file and its comments as a data file, and copies the files "
        "of the library, for Hugo, Pelican and the like. Hidden posts and pages are marked as drafts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            with whole_folder(folder) as partly, shown(self.stderr) as tell:
                number = export_markdown(partly, progress=partial(tell, _("Exporting")), note=self._note)
        except FileExistsError as error:
            raise CommandError(_("%s is not an empty folder: choose another one.") % folder) from error
        except OSError as error:
            raise CommandError(_("The files could not be written: %s") % error) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError(_("Interrupted: nothing was written."), returncode=_INTERRUPTED) from interrupt
        text = ngettext("%d file written.", "%d files written.", number) % number
        self.stderr.write(text, style_func=self.style.SUCCESS)

    def _note(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
