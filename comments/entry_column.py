"""The column with comment counts in the admin's lists of posts and pages."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import ngettext

from comments.models import Comment, CommentStatus


def cells(request: HttpRequest, entries: Sequence[Any]) -> dict[int, str]:
    """Return the comment counts of each entry that has any, by ID; for moderators, with links to them. One query."""
    if not request.user.has_perm("comments.view_comment"):
        return {entry.pk: str(entry.comment_count) for entry in entries if entry.comment_count}
    rows = Comment.objects.filter(entry__in=[entry.pk for entry in entries], status=CommentStatus.PENDING)
    pending: dict[int, int] = dict(rows.order_by().values_list("entry").annotate(Count("pk")))
    shown: dict[int, str] = {}
    for entry in entries:
        links = []
        if entry.comment_count:
            label = ngettext("%(count)d comment", "%(count)d comments", entry.comment_count)
            links.append(_link(entry, CommentStatus.APPROVED, label % {"count": entry.comment_count}))
        if entry.pk in pending:
            label = ngettext("%(count)d pending", "%(count)d pending", pending[entry.pk])
            links.append(_link(entry, CommentStatus.PENDING, label % {"count": pending[entry.pk]}))
        if links:
            shown[entry.pk] = format_html_join(" ", "{}", ((link,) for link in links))
    return shown


def _link(entry: Any, status: str, label: str) -> str:
    query = {"entry__id__exact": entry.pk, "status__exact": status}
    return format_html('<a href="{}">{}</a>', reverse("admin:comments_comment_changelist", query=query), label)
