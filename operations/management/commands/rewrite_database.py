from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from operations.erasing import forget_copies, rewrite


class Command(BaseCommand):
    help = (
        "Writes the search index and the whole database anew, so that nothing is left in their files of what was "
        "deleted, and deletes cached pages that are out of date. The worker does that every night, except for what is "
        "large: nothing can be saved meanwhile."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        forget_copies()
        rewrite()
        self.stdout.write(_("The database is written anew, without what was deleted."))
