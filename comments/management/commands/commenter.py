"""`manage.py commenter export|erase EMAIL`: export or erase the personal data of a commenter."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from accounts.actions import Action
from accounts.audit.recording import record
from comments import personal_data
from core.file_errors import describe_file_error


class Command(BaseCommand):
    help = "Exports or erases all personal data of the commenter with an e-mail address."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        export = commands.add_parser("export", help="write all data as JSON")
        export.add_argument("email")
        export.add_argument("-o", "--output", type=Path, help="write to this file, which only you can read")
        erase = commands.add_parser("erase", help="erase all data, which can't be undone")
        erase.add_argument("email")
        texts = erase.add_mutually_exclusive_group(required=True)
        texts.add_argument("--keep-text", action="store_true", help="keep the comments, as “Anonymous”")
        texts.add_argument(
            "--delete-text", action="store_true", help="delete the comments, but not the replies to them"
        )
        erase.add_argument("--dry-run", action="store_true", help="only report how much data there is")

    def handle(self, *args: Any, command: str, email: str, **options: Any) -> None:
        email = email.strip()
        if not email:
            raise CommandError(gettext("Enter an e-mail address."))
        if command == "export":
            # The log records that data was exported, but not whose.
            record(Action.DISCLOSED, by=None)
            self._export(email, options["output"])
        else:
            self._erase(email, keep_text=options["keep_text"], dry_run=options["dry_run"])

    def _export(self, email: str, output: Path | None) -> None:
        text = json.dumps(personal_data.export(email), ensure_ascii=False, indent=1) + "\n"
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            with open(output, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(text)
        except OSError as error:
            raise CommandError(describe_file_error(error)) from error

    def _erase(self, email: str, *, keep_text: bool, dry_run: bool) -> None:
        summary = personal_data.summary(email) if dry_run else personal_data.erase(email, keep_text=keep_text, by=None)
        if not summary:
            self.stdout.write(gettext("No personal data found."))
            return
        self.stdout.write(gettext("This would be erased:") if dry_run else gettext("Erased:"))
        for label, count in (
            (gettext("comments (kept as “Anonymous”)") if keep_text else gettext("comments"), summary.comments),
            (gettext("earlier versions"), summary.revisions),
            (gettext("blocks"), summary.blocks),
            (gettext("tasks"), summary.tasks),
            *summary.others.items(),
        ):
            self.stdout.write(f"- {label}: {count}")
