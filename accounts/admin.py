"""People and groups in the admin. Only superusers can change them, as no role may."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import sessions
from accounts.confirmation import ask, confirmation_required, is_confirmed
from accounts.forms import AddUserForm, PasswordForm, UserForm
from accounts.models import User, follow_roles
from accounts.preferences import person_inlines
from core.admin import BaseAdmin


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin[User], BaseAdmin[User]):
    form = UserForm
    add_form = AddUserForm
    # Django's only adds a sentence about what can be set later.
    add_form_template = None
    list_display = ("username", "display_name", "email", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "display_name", "email", "slug")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Public profile"), {"fields": ("display_name", "slug", "bio")}),
        (_("Private details"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("Permissions"),
            {
                "fields": ("is_active", "groups", "is_superuser"),
                "description": _(
                    "Whoever has a role can log in to the admin, and do there what the role allows. To lock someone "
                    "out, remove the roles or untick “Active”."
                ),
            },
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "display_name", "email", "usable_password", "password1", "password2"),
            },
        ),
        (
            _("Permissions"),
            {"fields": ("groups",), "description": _("Choose a role, so that the person can log in to the admin.")},
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    change_password_form = PasswordForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @confirmation_required
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    @confirmation_required
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and not is_confirmed(request):
            # Its actions delete people.
            return ask(request)
        return super().changelist_view(request, extra_context)

    @confirmation_required
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().user_change_password(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"is_active", "is_superuser"} & set(form.changed_data):
            sessions.end(User.objects.filter(pk=obj.pk), keep=request)

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        owner = [gettext("Owner")] if user.is_superuser else []
        return ", ".join([*owner, *(group.name for group in user.groups.all())])

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "groups":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        # Without the icon for adding a group, which the method of the parent adds.
        return self.formfield_for_manytomany(
            db_field, request, widget=CheckboxSelectMultiple, label=_("Roles"), help_text=""
        )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return list(person_inlines.values()) if obj is not None else []

    def get_formset_kwargs(self, request: HttpRequest, obj: User, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        data = kwargs.get("data")
        if data is not None and f"{prefix}-TOTAL_FORMS" not in data:
            # The form was opened before the person got the role with which this part belongs to it.
            data.update({f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"})
        return kwargs

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Owners need no group.
        follow_roles(User.objects.filter(pk=form.instance.pk))


admin.site.unregister(Group)
# allauth's tables have pages of their own, on which nobody sees or changes the secrets of others.
for model in (EmailAddress, Authenticator):
    admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, BaseAdmin[Group]):
    # Screen readers may ignore the labels of Django's two boxes (aria-prohibited-attr).
    filter_horizontal = ()

    @confirmation_required
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)
