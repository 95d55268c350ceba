"""Duplicating a post or page from the list."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.editing.duplicates import duplicate
from blog.models import Entry
from blog.permissions import may_view
from blog.rendering import SourceTooLongError, UnknownMarkupError
from core.admin import BaseAdmin
from core.admin_routes import route


class DuplicationMixin(BaseAdmin[Any]):
    """Adds the view to the admin of posts or pages."""

    @route("<int:pk>/duplicate/", "duplicate", require_POST, permission="add")
    def duplicate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a draft with the content of an entry that this user sees, and open it for editing."""
        user = cast("User", request.user)
        entry = self.find_object(request, pk, lambda _request, entry: may_view(user, cast("Entry", entry)))
        try:
            copy, is_new = duplicate(cast("Entry", entry), user)
        except (SourceTooLongError, UnknownMarkupError):
            text = gettext(
                "“%s” can't be duplicated, because its text is too long or in a format that this site doesn't support."
            )
            self.message_user(request, text % entry, messages.ERROR)
            return self.redirect_to_list(request)
        if is_new:
            record(Action.ADDED, [copy], by=user)
            text = gettext("This is your draft with the same content as “%s”.") % entry
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.with_filters(request, self._url("change", copy.pk)))
