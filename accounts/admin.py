"""People and groups in the admin, which are for owners only."""

from contextlib import suppress
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db import DatabaseError, models, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import factors, sessions
from accounts.actions import Action
from accounts.audit.admin import AuditRecordAdmin
from accounts.audit.recording import record
from accounts.confirmation import ask, confirmation_required, is_confirmed
from accounts.forms import GroupForm, InvitationForm, OffboardingForm, UserForm, last_owner_message
from accounts.models import AuditRecord, EmergencyLink, PasswordLink, User
from accounts.offboarding import HasWorkError, offboard, work_of
from accounts.owners import is_owner, owners_only
from accounts.password_links import VALID_DAYS, Kind, make_link, send_link
from accounts.people import (
    LastOwnerError,
    add_person,
    give_role,
    invite,
    lock_owners,
    reactivate,
    require_another_owner,
)
from accounts.policies import role_renamed
from accounts.preferences import page_checks, person_inlines
from accounts.roles import LABELS, OWNER, ROLES, describe, permission_names
from core.admin import BaseAdmin
from core.admin_routes import route
from core.kind_messages import KindMessages


class OwnersOnlyAdmin[Model: models.Model](BaseAdmin[Model]):
    """An admin for owners, who confirm who they are before they change anything.

    No permission grants access, because people who had it could give themselves any other.
    """

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # A POST runs an action, which may delete what is selected.
        if request.method == "POST" and not is_confirmed(request):
            return ask(request)
        return super().changelist_view(request, extra_context)

    @confirmation_required
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    @confirmation_required
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().delete_view(request, *args, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    has_module_permission = has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class RoleFilter(admin.SimpleListFilter):
    """The people with one role."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        groups = Group.objects.exclude(name__in=ROLES).order_by("name").values_list("name", flat=True)
        return [*LABELS.items(), *((name, name) for name in groups), ("-", _("No role"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        role = self.value()
        if role is None:
            return queryset
        if role == OWNER:
            return queryset.filter(is_superuser=True)
        others = queryset.filter(is_superuser=False)
        return others.filter(groups=None) if role == "-" else others.filter(groups__name=role)


@admin.register(User)
class UserAdmin(OwnersOnlyAdmin[User]):
    form = UserForm
    kind_messages = KindMessages(
        edit=_("Edit person"),
        saved=_("“{object}” saved."),
    )
    list_display = ("name_cell", "email_cell", "role_cell", "state_cell", "last_login")
    list_filter = (RoleFilter, "is_active")
    search_fields = ("username", "display_name", "email", "slug")
    ordering = ("-is_active", "display_name", "pk")
    actions = None
    fieldsets = (
        (_("What readers see"), {"fields": ("display_name", "slug", "bio")}),
        (_("Private details"), {"fields": ("username", "email", "first_name", "last_name")}),
        (_("Role"), {"fields": ("role",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    class Media:
        css = {"all": ["admin-broadside/people.css"]}

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # A list that can be filtered by the beginning of a hash reveals it.
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # People are offboarded instead (offboard_view), which keeps what they wrote.
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        used = EmergencyLink.objects.filter(user=OuterRef("pk"), used_at__isnull=False)
        passkeys = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.WEBAUTHN)
        invitations = PasswordLink.objects.filter(person=OuterRef("pk"), kind=Kind.GIVEN)
        states = {
            "has_used_emergency_link": Exists(used),
            "has_passkey": Exists(passkeys),
            "invited_until": Subquery(invitations.values("expires_at")),
        }
        return super().get_queryset(request).annotate(**states).prefetch_related("groups")

    @admin.display(description=_("name"), ordering="display_name")
    def name_cell(self, person: User) -> str:
        return format_html("<bdi>{}</bdi>", person)

    @admin.display(description=_("E-mail address"), ordering="email")
    def email_cell(self, person: User) -> str:
        return person.email

    @admin.display(description=_("role"))
    def role_cell(self, person: User) -> str:
        return person.role_label or gettext("No role")

    @admin.display(description=_("status"))
    def state_cell(self, person: Any) -> str:
        if not person.is_active:
            is_locked = person.has_used_emergency_link
            return gettext("Locked with the emergency link") if is_locked else gettext("Deactivated")
        if person.has_passkey or person.has_usable_password():
            return gettext("Active")
        if person.invited_until is None:
            return gettext("Not invited yet")
        return gettext("Invited") if person.invited_until > timezone.now() else gettext("The invitation has expired")

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        # Readers must not learn of other accounts, so those have no page.
        has_page = obj is not None and any(check(obj) for check in page_checks.values())
        return super().get_view_on_site_url(obj) if has_page else None

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return list(person_inlines.values()) if obj is not None else []

    def get_formset_kwargs(self, request: HttpRequest, obj: User, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        data = kwargs.get("data")
        if data is not None and f"{prefix}-TOTAL_FORMS" not in data:
            # The form was opened before the person got the role that adds this part to it.
            data.update({f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"})
        return kwargs

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        # Save nothing else, because the account may have been locked since it was read.
        obj.save(update_fields={*form.changed_data} - {"role"})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        give_role(form.instance, form.cleaned_data["role"], by=_user_of(request))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        # A change of role is recorded separately.
        with suppress(ValueError):
            form.changed_data.remove("role")
        return super().construct_change_message(request, form, formsets, add)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return owners_only(self.invite_view)(request)

    def invite_view(self, request: HttpRequest, person: User | None = None) -> HttpResponse:
        """Invite someone, with a new account or the one they have: send a link, or show it to be passed on."""
        form = InvitationForm(person=person)
        if request.method == "POST":
            form, invited, url = _invite(request, person)
            if invited is not None:
                return self._show_link(request, invited, url)
        title = gettext("Invite someone") if person is None else gettext("Invite this person")
        return self._page(request, "invite", title, form=form, object=person, days=VALID_DAYS[Kind.GIVEN])

    @route("<int:pk>/link/", "link", owners_only)
    def link_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """After confirmation, send a person a link for choosing a password, or show it to be passed on."""
        person = get_object_or_404(User, pk=pk)
        if not person.is_active:
            text = gettext("This account is deactivated. Reactivate it first.")
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(self._url("change", person.pk))
        if not person.has_credentials:
            return self.invite_view(request, person)
        if request.method != "POST":
            return self._page(request, "link", gettext("Send a link"), object=person, days=VALID_DAYS[Kind.GIVEN])
        with transaction.atomic():
            url = make_link(person, Kind.GIVEN)
            record(Action.PASSWORD_LINK_MADE, [person], by=_user_of(request))
        return self._show_link(request, person, url)

    def _show_link(self, request: HttpRequest, person: User, url: str) -> HttpResponse:
        """Send the link outside of the transaction that made it, because that may take long. Show it if that fails."""
        is_sent = send_link(person, url, Kind.GIVEN)
        title = gettext("Link for a new password") if person.has_credentials else gettext("Invitation")
        context = {"is_sent": is_sent, "link": "" if is_sent else url, "days": VALID_DAYS[Kind.GIVEN]}
        return self._page(request, "link_made", title, object=person, **context)

    @route("<int:pk>/help/", "help", owners_only)
    def help_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remove the second step of someone who has lost it, or log them out everywhere if a device was stolen."""
        person = get_object_or_404(User, pk=pk)
        if request.method != "POST":
            context = {"passkeys": factors.passkeys_of(person).count(), "app": factors.app_of(person)}
            return self._page(request, "help", gettext("Help to log in"), object=person, **context)
        with transaction.atomic():
            if "factors" in request.POST:
                if not person.has_usable_password():
                    try:
                        require_another_owner(person)
                    except LastOwnerError:
                        self.message_user(request, last_owner_message(), messages.ERROR)
                        return HttpResponseRedirect(self._url("change", pk))
                factors.remove_all(person, by=_user_of(request))
                text = gettext("The second step was removed, and this person was logged out everywhere.")
            else:
                sessions.end([person], keep=request)
                text = gettext("This person was logged out everywhere.")
                record(Action.SESSIONS_ENDED, [person], by=_user_of(request))
        self.message_user(request, text, messages.SUCCESS)
        # Without a password, they can only come back with a link.
        return HttpResponseRedirect(self._url("change" if person.has_credentials else "link", pk))

    @route("<int:pk>/offboard/", "offboard", owners_only)
    def offboard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what becomes of a person's work and account, show what would happen, then do it."""
        person = get_object_or_404(User, pk=pk)
        work = work_of(person)
        form = OffboardingForm(request.POST if request.method == "POST" else None, person=person, has_work=bool(work))
        context = {"object": person, "form": form, "work": list(work.items())}
        if form.is_valid():
            heir, erase = form.cleaned_data.get("heir"), form.cleaned_data["erase"]
            if "confirm" in request.POST:
                if done := self._offboard(request, person, heir, erase=erase):
                    return done
                return HttpResponseRedirect(request.path)
            context |= {"preview": True, "heir": heir, "erase": erase}
        return self._page(request, "offboard", gettext("Deactivate or erase"), **context)

    def _offboard(self, request: HttpRequest, person: User, heir: User | None, *, erase: bool) -> HttpResponse | None:
        """Offboard a person and return the next page; None if that was impossible, which a message explains."""
        name, pk = str(person), person.pk
        try:
            offboard(person, heir=heir, erase=erase, by=_user_of(request))
        except LastOwnerError:
            self.message_user(request, last_owner_message(), messages.ERROR)
        except (HasWorkError, DatabaseError):
            text = gettext(
                "Something else changed at the same time, so this couldn't be finished. Check this page and try again."
            )
            self.message_user(request, text, messages.ERROR)
        else:
            text = gettext("The account was erased.") if erase else gettext("“%(name)s” can no longer log in.")
            self.message_user(request, text % {"name": name}, messages.SUCCESS)
            return HttpResponseRedirect(self._url("changelist") if erase else self._url("change", pk))
        return None

    @route("<int:pk>/reactivate/", "reactivate", owners_only)
    def reactivate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(User, pk=pk)
        if request.method != "POST":
            # For example, on returning from the page that confirms who the owner is.
            return HttpResponseRedirect(self._url("change", pk))
        reactivate(person, by=_user_of(request))
        self.message_user(request, gettext("“%(name)s” can log in again.") % {"name": person}, messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", pk))

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        return self.own_page(request, f"admin/accounts/user/{name}.html", title, **context)


@transaction.atomic
def _invite(request: HttpRequest, person: User | None) -> tuple[InvitationForm, User | None, str]:
    """Handle a submitted invitation. Return the form and, if it is valid, the invited person and their link."""
    # Invitations wait for one another here, so the second click of a double click finds the account of the first one.
    lock_owners()
    form = InvitationForm(request.POST, person=person)
    if not form.is_valid():
        return form, None, ""
    values, by = form.cleaned_data, _user_of(request)
    if person is None:
        person = add_person(values, values["role"], by=by)
    else:
        invite(person, values, values["role"], by=by)
    return form, person, make_link(person, Kind.GIVEN)


def _user_of(request: HttpRequest) -> User:
    return cast("User", request.user)


admin.site.register(AuditRecord, AuditRecordAdmin)
admin.site.unregister(Group)
# There are other pages for allauth's tables, on which people see and change only their own secrets.
for model in (EmailAddress, Authenticator):
    admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(OwnersOnlyAdmin[Group]):
    """The roles. Ours can't be changed, because each migration gives them exactly their permissions again."""

    form = GroupForm
    search_fields = ("name",)
    ordering = ("name",)
    readonly_fields = ("role", "allowed")
    kind_messages = KindMessages(
        add=_("Add group"),
        empty=_("No groups yet."),
        edit=_("Edit group"),
        delete=_("Delete group"),
        added=_("Group “{object}” added."),
        saved=_("Group “{object}” saved."),
        deleted=_("Group “{object}” deleted."),
        question=_("Delete the group “{object}” permanently? This can't be undone."),
    )

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.name in ROLES)

    has_delete_permission = has_change_permission

    @admin.display(description=_("name"))
    def role(self, group: Group) -> str:
        return str(group)

    @admin.display(description=_("permissions"))
    def allowed(self, group: Group) -> str:
        return describe(permission_names(group.permissions.select_related("content_type")))

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("role", "allowed") if obj and obj.name in ROLES else ("name", "granted")

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "name" in form.changed_data:
            role_renamed(form.initial["name"], obj.name)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.permissions.set(form.permissions())
