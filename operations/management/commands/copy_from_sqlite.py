from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress import show_progress
from operations.backups.schedule import describe_error
from operations.copying import CopyError, copy_from_sqlite


class Command(BaseCommand):
    help = (
        "Copies the whole site from SQLite into the new PostgreSQL database that DATABASE_URL names. Stop the web "
        "server and the worker first. The SQLite file stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        default = settings.DATA_DIR / "broadside.sqlite3"
        parser.add_argument(
            "file", nargs="?", type=Path, default=default, help="the SQLite file (default: %(default)s)"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            with show_progress(self.stderr, _("Interrupted. Nothing was copied.")) as progress:
                count = copy_from_sqlite(file, progress)
        except CopyError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(describe_error(error)) from error
        self.stdout.write(ngettext("%d row copied.", "%d rows copied.", count) % count)
        call_command("rebuild_search", from_scratch=True, stdout=self.stdout, stderr=self.stderr)
