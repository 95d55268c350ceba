"""The page on which people see and change how they log in and where they are logged in."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from accounts import factors, policies, sessions
from accounts.actions import Action
from accounts.audit import reading
from accounts.audit.recording import record
from accounts.languages import LanguageForm
from accounts.logging_in import lacks_second_factor
from accounts.models import EmergencyLink, Session, User
from accounts.preferences import own_panels
from accounts.views.pages import OwnAction, OwnPage
from core.dashboard import panels_for
from core.languages import override_language

# How many recent records about the account are shown.
_RECENT: Final = 15


class AccountView(OwnPage, TemplateView):
    title = _("Your account")
    template_name = "accounts/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = list(sessions.of(self.user))
        is_incomplete = lacks_second_factor(self.request)
        codes = factors.unused_codes(self.user)
        return super().get_context_data(
            language_form=LanguageForm(instance=self.user),
            passkeys=factors.passkeys_of(self.user),
            app=factors.app_of(self.user),
            recovery_codes="" if codes is None else factors.describe_unused(codes),
            sessions=[(session, sessions.is_current(session, self.request)) for session in own],
            has_other_sessions=any(not sessions.is_current(session, self.request) for session in own),
            emergency_link=EmergencyLink.objects.filter(user=self.user).first(),
            is_incomplete=is_incomplete,
            recent=reading.with_people(reading.about(self.user)[:_RECENT]),
            panels=[] if is_incomplete else panels_for(self.request, own_panels),
            logged_out_after=policies.describe_hours(policies.demands_on(self.user).session_hours),
            **kwargs,
        )


class LanguageView(OwnAction):
    """Sets the language of the admin for the user."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LanguageForm(request.POST, instance=self.user)
        if form.is_valid():
            User.objects.filter(pk=self.user.pk).update(language=form.cleaned_data["language"])
            with override_language(form.cleaned_data["language"]):
                messages.success(request, gettext("The admin is now in this language."))
        return redirect("account")


class EndSessionView(OwnAction):
    """Ends one session of the user, which may be the current one."""

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        session = get_object_or_404(Session, user=self.user, public_id=public_id)
        if sessions.is_current(session, request):
            logout(request)
            return redirect("admin:login")
        with transaction.atomic():
            session.delete()
            record(Action.SESSIONS_ENDED, [self.user], by=self.user, details=session.device)
        device = session.device_in_words or gettext("An unknown browser")
        messages.success(request, gettext("%(device)s is logged out.") % {"device": device})
        return redirect("account")


class EndOtherSessionsView(OwnAction):
    """Ends all sessions of the user but this one."""

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            count = sessions.end([self.user], keep=request)
            record(Action.SESSIONS_ENDED, [self.user], by=self.user)
        text = ngettext("%(n)d other browser is logged out.", "%(n)d other browsers are logged out.", count)
        messages.success(request, text % {"n": count})
        return redirect("account")
