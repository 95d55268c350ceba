from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import Action
from accounts.audit.recording import record
from core.file_errors import describe_file_error
from core.progress import show_progress
from wordpress.atomic_files import atomic_folder
from wordpress.exporting.generators import GENERATORS
from wordpress.exporting.markdown_export import export_markdown


class Command(BaseCommand):
    help = (
        "Writes each post and page to a Markdown file and its comments to a data file, and copies all media files, "
        "for a static site generator, with a configuration under which all URLs stay as they are. Posts and pages that "
        "are not public are marked as drafts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
        parser.add_argument(
            "--for",
            choices=GENERATORS,
            default="hugo",
            dest="generator",
            help="the static site generator (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        interrupted = _("Interrupted. Nothing was written.")
        try:
            with show_progress(self.stderr, interrupted) as update, atomic_folder(folder) as target:
                progress, warn = partial(update, _("Exporting")), partial(self.stderr.write, style_func=str)
                count = export_markdown(target, GENERATORS[options["generator"]](), progress=progress, warn=warn)
        except FileExistsError as error:
            raise CommandError(_("%s is not an empty folder. Choose another one.") % folder) from error
        except OSError as error:
            raise CommandError(_("The files could not be written: %s") % describe_file_error(error, folder)) from error
        record(Action.EXPORTED, by=None, details=options["generator"])
        text = ngettext("%d file written.", "%d files written.", count) % count
        self.stderr.write(text, style_func=self.style.SUCCESS)
