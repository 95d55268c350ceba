"""The blocklist and the log of moderation decisions in the admin."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Block, Decision
from comments.rules import blocklist


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """The admin of rows that are never added, changed or deleted in forms, only viewed or used in views of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Block)
class BlockAdmin(admin.ModelAdmin[Block]):
    fields = ("kind", "text", "verdict")
    list_display = ("text", "kind", "verdict", "added_by", "added_at")
    list_filter = ("kind", "verdict")
    list_select_related = ("added_by",)
    search_fields = ("text", "key")
    list_per_page = 100
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        if not change:
            obj.added_by = cast("User", request.user)
        super().save_model(request, obj, form, change)
        count = blocklist.count_recent_matches(obj).total()
        message = ngettext(
            "It matches %(n)d comment of the last 90 days.", "It matches %(n)d comments of the last 90 days.", count
        )
        self.message_user(request, message % {"n": count}, messages.INFO)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "moderator", "__str__", "comment_link")
    list_display_links = None
    actions = None
    list_filter = (("moderator", admin.RelatedOnlyFieldListFilter), "became")
    list_select_related = ("moderator", "comment__user")
    date_hierarchy = "made_at"
    list_per_page = 100
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Needed to delete its comment or post. The list itself has no delete action.
        return cast("User", request.user).is_superuser

    @admin.display(description=_("comment"))
    def comment_link(self, decision: Decision) -> SafeString:
        url = reverse("admin:comments_comment_change", args=[decision.comment_id])
        # The log does not store the name, so erasing a person erases it here too.
        return format_html('<a href="{}">{}: <bdi>{}</bdi></a>', url, decision.comment, decision.comment.author_name)
