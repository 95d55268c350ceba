from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress import show_progress
from media.models import Picture, RenditionState
from media.renditions import make_renditions
from media.storage import StorageUnavailableError


class Command(BaseCommand):
    help = (
        "Makes the missing smaller copies of images, as the worker does after an upload, and removes old ones. "
        "The command can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="make the copies of all images again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            # Recorded, so that a run without --all continues one that was interrupted.
            Picture.objects.update(rendition_state=RenditionState.DUE)
        pks = list(
            Picture.objects.exclude(rendition_state=RenditionState.DONE).order_by("-pk").values_list("pk", flat=True)
        )
        interrupted = _("Interrupted. Run the command again, without --all, to continue.")
        with show_progress(self.stderr, interrupted) as update:
            for done, pk in enumerate(pks, start=1):
                if picture := Picture.objects.filter(pk=pk).first():
                    try:
                        make_renditions(picture)
                    except StorageUnavailableError as error:
                        text = _("The storage is unavailable, so the command ended early. Run it again. %s")
                        raise CommandError(text % error) from error
                update(_("Images"), done, len(pks))
        text = ngettext("%d image has its smaller copies.", "%d images have their smaller copies.", len(pks))
        self.stdout.write(text % len(pks))
