"""People and groups in the admin. Only superusers can change them, as no role may."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.forms import PasswordForm, UserForm
from accounts.models import User, follow_roles


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin[User]):
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
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
                    "Whoever is in a group can log in to the admin. The groups decide what they can do there: Author, "
                    "Editor or Moderator. To lock someone out, remove the groups or untick “Active”."
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
            {"fields": ("groups",), "description": _("Choose a group, so that the person can log in to the admin.")},
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    form = UserForm
    change_password_form = PasswordForm
    formfield_overrides = {ManyToManyField: {"widget": CheckboxSelectMultiple}}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Owners need no group.
        follow_roles(User.objects.filter(pk=form.instance.pk))


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin):
    # Screen readers may ignore the labels of Django's two boxes (aria-prohibited-attr).
    filter_horizontal = ()
