"""Open an account again from the server, for an owner who has locked it or lost the second step of logging in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext

from accounts import factors
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from accounts.password_links import Kind, make_link
from accounts.people import reactivate
from core.text import printable


class Command(BaseCommand):
    help = (
        "Reactivates an account, removes its second step, logs it out everywhere, and prints a link to set a password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the username or e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.named(options["name"])
        if user is None:
            names = User.objects.filter(is_superuser=True).order_by("username").values_list("username", flat=True)
            owners = ", ".join(names) or gettext("none (createsuperuser creates one)")
            text = gettext("There is no account with the name “%(name)s”. Check capital letters. Owners: %(owners)s.")
            raise CommandError(printable(text % {"name": options["name"], "owners": owners}))
        with transaction.atomic():
            record(Action.RESCUED, [user], by=None)
            reactivate(user)
            factors.remove_all(user)
            link = make_link(user, Kind.REQUESTED)
        text = gettext("The account “%s” can be used again, without a second step. Set a password on this page:")
        self.stdout.write(text % user.username)
        self.stdout.write(link)
