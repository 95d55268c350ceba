from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress import show_progress
from media.duplicates import take_fingerprint, without_fingerprint
from media.models import Picture, RenditionState
from media.renditions import make_renditions
from media.storage import StorageUnavailableError


class Command(BaseCommand):
    help = (
        "Makes the missing smaller copies of images, as the worker does after an upload, removes old ones, and "
        "computes the missing fingerprints for finding duplicates. The command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="make the copies of all images again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            # Recorded, so that a run without --all continues one that was interrupted.
            Picture.objects.update(rendition_state=RenditionState.DUE)
        due = Picture.objects.present().exclude(rendition_state=RenditionState.DONE)
        interrupted = _("Interrupted. Run the command again, without --all, to continue.")
        with show_progress(self.stderr, interrupted) as update:
            try:
                count = _run(make_renditions, due, partial(update, _("Images")))
                _run(take_fingerprint, without_fingerprint(), partial(update, _("Fingerprints")))
            except StorageUnavailableError as error:
                text = _("The storage is unavailable, so the command stopped early. Run it again. %s")
                raise CommandError(text % error) from error
        text = ngettext("%d image has its smaller copies.", "%d images have their smaller copies.", count)
        self.stdout.write(text % count)


def _run(make: Callable[[Picture], None], due: QuerySet[Picture], update: Callable[[int, int], None]) -> int:
    """Call `make` with each picture that is still there, and return how many were due."""
    pks = list(due.order_by("-pk").values_list("pk", flat=True))
    for done, pk in enumerate(pks, start=1):
        if picture := Picture.objects.filter(pk=pk).first():
            make(picture)
        update(done, len(pks))
    return len(pks)
