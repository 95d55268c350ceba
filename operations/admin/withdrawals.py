"""Withdrawing a name: searching, previewing, replacing and undoing. For owners, who have to confirm their identity."""

from typing import Any, Final, cast

from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.admin import OwnersOnlyAdmin
from accounts.audit.recording import record
from accounts.models import User
from accounts.owners import owners_only
from core.kind_messages import KindMessages
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals import lifecycle, preview
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.forms import NameForm
from operations.withdrawals.tasks import continue_withdrawal, do_upkeep
from operations.withdrawals.warnings import remember_names
from operations.withdrawals.working import MAX_FINDINGS, work

# How many seconds a request does the work itself, which is enough on most sites. The worker does the rest.
_AT_ONCE: Final = 8


@admin.register(Withdrawal)
class WithdrawalAdmin(OwnersOnlyAdmin[Withdrawal]):
    kind_messages = KindMessages(add=_("Withdraw a name"))
    list_display = ("__str__", "state", "started_by", "withdrawn_at", "undo_until")
    list_display_links = ("__str__",)
    list_select_related = ("started_by",)
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # It is the record that something was withdrawn.
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return owners_only(self._find)(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return owners_only(self._show)(request, object_id)

    def _find(self, request: HttpRequest) -> HttpResponse:
        """Ask for the name, and start searching for it. The name is only ever sent in forms, never in a URL."""
        initial = {"replacement": gettext("[name withdrawn]")}
        form = NameForm(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_valid():
            try:
                user: Any = request.user
                withdrawal = lifecycle.start(form.spellings, form.cleaned_data["replacement"], user)
            except lifecycle.AnotherActiveError as error:
                form.add_error(None, str(error))
            else:
                self._record(request, withdrawal, Action.CHANGED, gettext("Searched for a name."))
                return self._continue(request, withdrawal)
        return self._page(request, "find", gettext("Withdraw a name"), form=form)

    def _show(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the progress of a withdrawal and what can be done next, or do what the clicked button says."""
        withdrawal: Withdrawal | None = self.get_object(request, object_id)
        if withdrawal is None:
            raise Http404
        if request.method == "POST":
            return self._act(request, withdrawal)
        try:
            secret = lifecycle.secret_of(withdrawal) if withdrawal.sealed else None
        except UnreadableError as error:
            secret = None
            self.message_user(request, str(error), messages.ERROR)
        title = gettext("Withdraw a name") if withdrawal.withdrawn_at is None else str(withdrawal)
        return self._page(request, "show", title, **self._shown(withdrawal, secret))

    def _shown(self, withdrawal: Withdrawal, secret: lifecycle.Secret | None) -> dict[str, Any]:
        is_found = withdrawal.state == WithdrawalState.FOUND and secret is not None
        return {
            "withdrawal": withdrawal,
            "secret": secret,
            "suggestions": list(secret.suggestions.items()) if secret else [],
            "kinds": preview.kinds_of(withdrawal, secret),
            "count": sum(withdrawal.counts.values()),
            "by_hand": preview.links_to(withdrawal.by_hand),
            "left_alone": preview.links_to(withdrawal.left_alone),
            "accounts": preview.accounts_with(secret.name) if is_found and secret else [],
            "files": preview.files_in(secret.findings) if is_found and secret else [],
            "max_findings": MAX_FINDINGS,
            "days": settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS,
        }

    def _act(self, request: HttpRequest, withdrawal: Withdrawal) -> HttpResponse:
        """Do what the clicked button says, and continue the work. What was already done is not done again."""
        button = request.POST.get("do")
        try:
            if button == "search":
                self._search_again(request, withdrawal)
            elif button == "withdraw" and lifecycle.carry_out(withdrawal, request.POST.getlist("leave")):
                self._record(request, withdrawal, Action.WITHDRAWN)
            elif button == "repeat":
                lifecycle.repeat(withdrawal)
            elif button == "undo" and lifecycle.undo(withdrawal):
                self._record(request, withdrawal, Action.UNDONE)
            elif button == "final" and lifecycle.make_final(withdrawal):
                self._record(request, withdrawal, Action.CHANGED, gettext("Made the withdrawal of a name permanent."))
                remember_names()
                # Rewriting the database may take longer than a request may.
                do_upkeep.enqueue()
            elif button == "discard" and lifecycle.discard(withdrawal):
                self.message_user(request, gettext("Nothing was changed, and the name has been forgotten."))
                return HttpResponseRedirect(self._url("changelist"))
            return self._continue(request, withdrawal)
        except (lifecycle.AnotherActiveError, UnreadableError) as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(self._url("change", withdrawal.pk))

    def _search_again(self, request: HttpRequest, withdrawal: Withdrawal) -> None:
        secret = lifecycle.secret_of(withdrawal)
        chosen = set(request.POST.getlist("also"))
        spellings = [*secret.spellings, *(each for each in secret.suggestions if each in chosen)]
        lifecycle.search_again(withdrawal, spellings, secret.replacement)

    def _continue(self, request: HttpRequest, withdrawal: Withdrawal) -> HttpResponse:
        """Do some of the work at once, leave the rest to the worker, and show the progress."""
        withdrawal.refresh_from_db()
        if withdrawal.is_active:
            if not work(withdrawal, _AT_ONCE):
                continue_withdrawal.enqueue(withdrawal.pk)
            remember_names()
        return HttpResponseRedirect(self._url("change", withdrawal.pk))

    def _record(self, request: HttpRequest, withdrawal: Withdrawal, action: Action, details: str = "") -> None:
        """Record what was done, but not the name."""
        record(action, [withdrawal], by=cast("User", request.user), details=details)

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        return self.own_page(request, f"admin/operations/withdrawal/{name}.html", title, **context)
