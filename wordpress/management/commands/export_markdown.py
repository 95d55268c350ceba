"""`manage.py export_markdown DIR`"""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress.markdown_export import export_markdown
from wordpress.progress import shown


class Command(BaseCommand):
    help = (
        "Writes each post and page as a Markdown file, and copies pictures and documents, for Hugo, Pelican and "
        "the like. Hidden ones are marked as drafts. Comments have no place there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
        parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            if folder.is_dir() and any(folder.iterdir()) and not options["force"]:
                raise CommandError(_("%s is not empty: choose another folder, or say --force.") % folder)
            with shown(self.stderr) as tell:
                number = export_markdown(folder, progress=partial(tell, _("Exporting")), note=self._note)
        except OSError as error:
            raise CommandError(_("The files could not be written: %s") % error) from error
        text = ngettext("%d file written.", "%d files written.", number) % number
        self.stderr.write(text, style_func=self.style.SUCCESS)

    def _note(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
