"""Which e-mails about reviews a person gets, on the form with which owners edit people."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import ReviewPreference
from blog.permissions import may_write


class ReviewPreferenceInline(admin.StackedInline[ReviewPreference, User]):
    model = ReviewPreference
    fields = ("submissions", "feedback")
    verbose_name_plural = _("Review e-mails")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only owners can change people. Those who don't write have nothing to choose.
        return isinstance(obj, User) and may_write(obj)

    has_view_permission = has_change_permission = has_delete_permission = has_add_permission
