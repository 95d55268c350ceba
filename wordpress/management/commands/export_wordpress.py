import io
import sys
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
from wordpress.atomic_files import atomic_file
from wordpress.exporting.wxr_export import export_wxr


class Command(BaseCommand):
    help = (
        "Writes all posts, pages, categories, tags and comments, and the URLs of all media files, to one file that "
        "both WordPress and Broadside can import (WXR 1.2). The file contains drafts and commenters' e-mail addresses, "
        "so keep it private."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "-o", "--output", type=Path, metavar="FILE", help="the file to write; standard output by default"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["output"]
        warn = partial(self.stderr.write, style_func=str)
        try:
            with show_progress(self.stderr, _("Interrupted. No export was written.")) as update:
                progress = partial(update, _("Exporting"))
                if path:
                    with atomic_file(path) as file:
                        count = export_wxr(file.write, progress=progress, warn=warn)
                else:
                    if isinstance(sys.stdout, io.TextIOWrapper):
                        # The file declares its encoding as UTF-8, whatever the terminal uses.
                        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
                    count = export_wxr(partial(self.stdout.write, ending=""), progress=progress, warn=warn)
        except OSError as error:
            raise CommandError(_("The export could not be written: %s") % describe_file_error(error, path)) from error
        record(Action.EXPORTED, by=None, details="wordpress")
        text = ngettext("%d item exported.", "%d items exported.", count) % count
        self.stderr.write(text, style_func=self.style.SUCCESS)
