"""`manage.py send_mail`: send the mail that is due, from cron instead of the worker."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext, ngettext

from mail import delivery, messages


class Command(BaseCommand):
    help = "Sends all mail that is due. Running several at once is safe: each e-mail is sent once."

    def handle(self, *args: Any, **options: Any) -> None:
        if not messages.is_on():
            text = gettext("No mail server is set up, so nothing was sent. Set EMAIL_URL (see docs/maintaining.md).")
            raise CommandError(text)
        try:
            count = delivery.deliver()
        except OSError as error:
            text = gettext("The mail server is unavailable (%(error)s). Nothing is lost: run this again later.")
            raise CommandError(text % {"error": type(error).__name__}) from error
        self.stdout.write(ngettext("%(n)d e-mail sent.", "%(n)d e-mails sent.", count) % {"n": count})
