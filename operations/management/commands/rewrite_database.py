from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from operations.erasing import forget_copies, rewrite


class Command(BaseCommand):
    help = (
        "Rewrites the search index and the whole database, so that no deleted data is left in their files, and deletes "
        "cached pages that are out of date. The worker does this every night, except for large databases, because "
        "nothing can be saved in the meantime."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        forget_copies()
        rewrite()
        self.stdout.write(_("The database was rewritten without the deleted data."))
