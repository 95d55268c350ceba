"""People in the admin. Only those who run the site come here: no role may change accounts."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin[User]):
    list_display = ("username", "display_name", "email", "is_active", "is_staff", "is_superuser", "last_login")
    search_fields = ("username", "display_name", "email", "slug")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("What readers see"), {"fields": ("display_name", "slug", "bio")}),
        (_("For the site alone"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("What this person may do"),
            {
                "fields": ("is_active", "is_staff", "groups", "is_superuser"),
                "description": _(
                    "Staff may enter these pages. The groups Author, Editor and Moderator say what they find there."
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
        (_("What this person may do"), {"fields": ("is_staff", "groups")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin):
    # The two boxes that Django offers here have labels that screen readers may not read (aria-prohibited-attr).
    filter_horizontal = ()
