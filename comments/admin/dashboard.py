"""What comments add to the navigation and the dashboard of the admin."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from comments.models import Comment, CommentStatus
from core.dashboard import Panel
from core.navigation import Badge, NavigationItem

_MODERATE: Final = "comments.moderate_comment"


def _pending() -> QuerySet[Comment]:
    return Comment.objects.filter(status=CommentStatus.PENDING)


def _longest_pending(request: HttpRequest) -> dict[str, Any] | None:
    shown = list(_pending().select_related("user").order_by("created_at", "pk")[:5])
    return {"comments": shown} if shown else None


PANELS: Final = {
    "pending-comments": Panel(
        _("Pending comments"), "admin/comments/_pending.html", _longest_pending, (_MODERATE,), order=25
    ),
}

NAVIGATION: Final = {
    "comments": NavigationItem.of_list(
        "comments.queue",
        _("Comments"),
        permissions=(_MODERATE,),
        order=30,
        badge=Badge(_pending, ngettext_lazy("%(count)d pending", "%(count)d pending", "count"), _MODERATE),
    ),
    "all-comments": NavigationItem.of_list("comments.comment", _("All comments"), order=31, parent="comments"),
    "blocklist": NavigationItem.of_list("comments.block", _("Blocklist"), order=32, parent="comments"),
    "decisions": NavigationItem.of_list(
        "comments.decision", _("Decisions"), permissions=(_MODERATE,), order=33, parent="comments"
    ),
    "comment-statistics": NavigationItem(
        label=_("Statistics"),
        url_name="admin:comments_queue_statistics",
        permissions=(_MODERATE,),
        order=34,
        parent="comments",
    ),
    "personal-data": NavigationItem.of_list(
        "comments.erasure", _("Personal data"), permissions=("comments.erase_commenter",), order=35, parent="comments"
    ),
    "notifications": NavigationItem.of_list(
        "comments.notificationpreference",
        _("E-mail notifications"),
        permissions=(_MODERATE, "blog.add_post"),
        order=110,
        parent="comments",
    ),
    "comment-settings": NavigationItem.of_list(
        "comments.commentsettings", _("Comment settings"), order=121, parent="settings"
    ),
}
