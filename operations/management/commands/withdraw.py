from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.actions import Action
from accounts.audit.recording import record
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals import lifecycle, preview
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.forms import NameForm
from operations.withdrawals.tasks import do_upkeep
from operations.withdrawals.warnings import remember_names
from operations.withdrawals.working import work

_FOREVER: Final = float("inf")


class Command(BaseCommand):
    help = (
        "Replaces a name everywhere on the site, as the admin does. The command prompts for the name, so that it "
        "appears in no process list and no shell history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--replacement", default="[…]", help="the replacement for the name (default: […])")
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--preview", action="store_true", help="only show where the name is")
        group.add_argument("--undo", type=int, metavar="ID", help="undo the withdrawal with this ID")
        group.add_argument(
            "--upkeep",
            action="store_true",
            help="delete for good what can't be undone any more, and replace names that have come back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["upkeep"]:
                do_upkeep.call()
            elif options["undo"] is not None:
                self._undo(options["undo"])
            else:
                self._withdraw(options["replacement"], is_preview=options["preview"])
        except (lifecycle.AnotherActiveError, UnreadableError) as error:
            raise CommandError(str(error)) from None

    def _withdraw(self, replacement: str, *, is_preview: bool) -> None:
        others = []
        name = _ask(_("Name: "))
        while name and (other := _ask(_("Another spelling (press Enter if there is none): "))):
            others.append(other)
        form = NameForm({"name": name, "others": "\n".join(others), "replacement": replacement})
        if not form.is_valid():
            raise CommandError(" ".join(str(error) for errors in form.errors.values() for error in errors))
        withdrawal = lifecycle.start(form.spellings, form.cleaned_data["replacement"], None)
        work(withdrawal, _FOREVER)
        secret = lifecycle.secret_of(withdrawal)
        for kind in preview.kinds_of(withdrawal, secret):
            self.stdout.write(f"{kind.label}: {kind.count}")
        if secret.suggestions:
            self.stdout.write(_("Other spellings found on the site: %s") % "; ".join(secret.suggestions))
        if is_preview or _ask(_("Type “yes” to withdraw the name: ")) != "yes":
            lifecycle.discard(withdrawal)
            self.stdout.write(_("Nothing was changed."))
            return
        if not lifecycle.carry_out(withdrawal):
            # Someone has discarded it, or is having other spellings searched for.
            raise CommandError(_("Nothing was changed."))
        record(Action.WITHDRAWN, [withdrawal], by=None)
        work(withdrawal, _FOREVER)
        remember_names()
        text = _("Done. Undo it with “manage.py withdraw --undo %(id)d”.")
        self.stdout.write(text % {"id": withdrawal.pk})

    def _undo(self, pk: int) -> None:
        withdrawal = Withdrawal.objects.filter(pk=pk).first()
        if withdrawal is None or not (withdrawal.state == WithdrawalState.UNDOING or lifecycle.undo(withdrawal)):
            raise CommandError(_("There is no withdrawal with this ID that can be undone."))
        record(Action.UNDONE, [withdrawal], by=None)
        work(withdrawal, _FOREVER)
        self.stdout.write(_("Done. Left alone because of later changes: %d") % len(withdrawal.left_alone))
        for link in preview.links_to(withdrawal.left_alone):
            self.stdout.write(f"  {link.label}")


def _ask(question: str) -> str:
    """Return the answer; an empty string after Ctrl-C or Ctrl-D, so that the search for the name is discarded."""
    try:
        return input(question).strip()
    except (KeyboardInterrupt, EOFError):
        return ""
