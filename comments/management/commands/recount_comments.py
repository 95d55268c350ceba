"""`manage.py recount_comments [--check]`: correct the stored comment counts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext, ngettext

from comments.moderation.counting import miscounted, recount_all


class Command(BaseCommand):
    help = "Corrects the stored comment counts of posts and pages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, and exit with 1 if a count is wrong")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        wrong = list(miscounted())
        for entry, count in wrong:
            message = gettext("%(kind)s %(id)d “%(title)s”: %(stored)d stored, %(counted)d counted")
            about = {"kind": entry._meta.verbose_name, "id": entry.pk, "title": entry}
            self.stdout.write(message % {**about, "stored": entry.comment_count, "counted": count})
        if not wrong:
            self.stdout.write(gettext("All comment counts are correct."))
        elif check:
            message = ngettext("%d comment count is wrong.", "%d comment counts are wrong.", len(wrong)) % len(wrong)
            raise CommandError(message + " " + gettext("Run `manage.py recount_comments` to correct this."))
        else:
            recount_all(entry.pk for entry, _count in wrong)
            message = ngettext("%d comment count corrected.", "%d comment counts corrected.", len(wrong))
            self.stdout.write(message % len(wrong))
