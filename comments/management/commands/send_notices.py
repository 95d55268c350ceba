"""`manage.py send_notices`: send the mails that are due. The worker does it by itself; this is for cron instead."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext, ngettext

from comments import delivery, mail


class Command(BaseCommand):
    help = "Sends notices to moderators, authors and followers that are due. Several at once send each mail once."

    def handle(self, *args: Any, **options: Any) -> None:
        if not mail.is_on():
            raise CommandError(
                gettext("No mail server is set up, so nothing was sent. Set EMAIL_URL (docs/owners.md).")
            )
        try:
            number = delivery.deliver()
        except OSError as error:
            words = gettext("The mail server is away (%(error)s). Nothing is lost: run this again later.")
            raise CommandError(words % {"error": type(error).__name__}) from error
        self.stdout.write(ngettext("%(n)d mail sent.", "%(n)d mails sent.", number) % {"n": number})
