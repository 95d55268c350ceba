from collections import Counter
from functools import partial
from pathlib import PurePath
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress import show_progress
from media.models import Document
from media.recleaning import Recleaning, clean_again, due_documents, uncleaned_documents
from media.storage import StorageUnavailableError


class Command(BaseCommand):
    help = (
        "Removes names, places and all other metadata from documents, audio and video that were stored before "
        "Broadside could do so, as the worker does after an upgrade, and lists those that can't be cleaned. Their URLs "
        "stay the same. The command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="clean all documents again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            # Recorded, so that a run without --all continues one that was interrupted.
            Document.objects.update(cleaned_with=0)
        interrupted = _("Interrupted. Run the command again, without --all, to continue.")
        counts: Counter[Recleaning] = Counter()
        with show_progress(self.stderr, interrupted) as update:
            report = partial(update, _("Documents"))
            try:
                pks = list(due_documents().values_list("pk", flat=True))
                for done, pk in enumerate(pks, start=1):
                    if document := due_documents().filter(pk=pk).first():
                        counts[clean_again(document)] += 1
                    report(done, len(pks))
            except StorageUnavailableError as error:
                text = _("The storage is unavailable, so the command stopped early. Run it again. %s")
                raise CommandError(text % error) from error
        self._report(counts)

    def _report(self, counts: Counter[Recleaning]) -> None:
        done, clean = counts[Recleaning.CLEANED], counts[Recleaning.UNCHANGED]
        text = ngettext("%d document was cleaned.", "%d documents were cleaned.", done)
        self.stdout.write(text % done)
        text = ngettext("%d document was already clean.", "%d documents were already clean.", clean)
        self.stdout.write(text % clean)
        if not (uncleaned := list(uncleaned_documents().order_by("pk"))):
            return
        text = ngettext(
            "%d document can't be cleaned and is published as it is. Replace or delete it if it could put someone in "
            "danger:",
            "%d documents can't be cleaned and are published as they are. Replace or delete any that could put someone "
            "in danger:",
            len(uncleaned),
        )
        self.stdout.write(text % len(uncleaned))
        for document in uncleaned:
            self.stdout.write(f"  {PurePath(str(document.file.name))}: {document.uncleaned_because}")
