"""`manage.py commenter export|erase EMAIL`: give out, or remove, all that is held of somebody who commented."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext

from comments import privacy


class Command(BaseCommand):
    help = "Gives out as JSON, or removes, all that is held of the person with an e-mail address who commented here."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        export = what.add_parser("export", help="Write all that is held as JSON. Changes nothing.")
        export.add_argument("email")
        export.add_argument("-o", "--output", type=Path, help="A file instead of the output; only you can read it.")
        erase = what.add_parser("erase", help="Remove all that is held. This cannot be taken back.")
        erase.add_argument("email")
        texts = erase.add_mutually_exclusive_group(required=True)
        texts.add_argument("--keep-text", action="store_true", help="The comments stay, as “Anonymous”.")
        texts.add_argument("--delete-text", action="store_true", help="The comments are deleted; answers stay.")
        erase.add_argument("--dry-run", action="store_true", help="Only tell how much there is.")

    def handle(self, *args: Any, what: str, email: str, **options: Any) -> None:
        email = email.strip()
        if not email:
            raise CommandError(gettext("Name an e-mail address."))
        if what == "export":
            self._export(email, options["output"])
        else:
            self._erase(email, keep_text=options["keep_text"], dry_run=options["dry_run"])

    def _export(self, email: str, output: Path | None) -> None:
        text = json.dumps(privacy.held(email), ensure_ascii=False, indent=1) + "\n"
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            with open(output, "w", encoding="utf-8", opener=_private) as file:
                file.write(text)
        except OSError as error:
            raise CommandError(str(error)) from error

    def _erase(self, email: str, *, keep_text: bool, dry_run: bool) -> None:
        found = privacy.found(email) if dry_run else privacy.erase(email, keep_text=keep_text)
        if not found:
            self.stdout.write(gettext("Nothing is held of this person."))
            return
        self.stdout.write(gettext("This would be removed:") if dry_run else gettext("This was removed:"))
        if keep_text:
            line = gettext("name, address and website of %(n)d comments, which stay as “Anonymous”")
        else:
            line = gettext("comments: %(n)d")
        self.stdout.write("- " + line % {"n": found.comments})
        for name, number in (
            (gettext("earlier texts"), found.earlier_texts),
            (gettext("blocks"), found.blocks),
            (gettext("tasks"), found.tasks),
            *found.others.items(),
        ):
            self.stdout.write(f"- {name}: {number}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
