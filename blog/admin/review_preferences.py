"""The choice of e-mails about reviews, in the form where owners edit users."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.preferences import PersonInline
from blog.models import ReviewPreference
from blog.permissions import may_write


class ReviewPreferenceInline(PersonInline[ReviewPreference]):
    model = ReviewPreference
    fieldsets = ((_("Review e-mails"), {"fields": ("submissions", "feedback")}),)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Only owners can edit users. A user who doesn't write has nothing to choose. None stands for all rows.
        return not isinstance(obj, User) or may_write(obj)

    has_view_permission = has_change_permission = has_delete_permission = has_add_permission
