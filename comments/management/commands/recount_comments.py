"""`manage.py recount_comments [--check]`: does each entry know how many comments it has?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext, ngettext

from blog.site import content_changed
from comments.counting import miscounted, recount


class Command(BaseCommand):
    help = "Corrects the number of comments of posts and pages. With --check it only tells, and fails if one is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; exit with 1 if a number is wrong.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        wrong = list(miscounted())
        for entry, right in wrong:
            words = gettext("%(kind)s %(number)d “%(title)s”: %(stored)d stored, %(counted)d counted")
            about = {"kind": entry._meta.verbose_name, "number": entry.pk, "title": entry}
            self.stdout.write(words % {**about, "stored": entry.comment_count, "counted": right})
            if not check:
                recount(entry)
        number = len(wrong)
        words = ngettext("%d number of comments is wrong.", "%d numbers of comments are wrong.", number) % number
        if not wrong:
            self.stdout.write(gettext("All numbers of comments are right."))
        elif check:
            raise CommandError(words + " " + gettext("Run `manage.py recount_comments` to correct that."))
        else:
            content_changed()
            self.stdout.write(words + " " + gettext("Corrected."))
