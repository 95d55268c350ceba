"""The log of moderation decisions."""

from typing import cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments.models import Decision


@admin.register(Decision)
class DecisionAdmin(admin.ModelAdmin[Decision]):
    list_display = ("made_at", "moderator", "decision", "comment_link")
    list_display_links = None
    actions = None
    list_filter = (("moderator", admin.RelatedOnlyFieldListFilter), "became")
    list_select_related = ("moderator", "comment__user")
    date_hierarchy = "made_at"
    list_per_page = 100
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        # Needed to delete its comment or post. The list itself has no delete action.
        return cast("User", request.user).is_superuser

    @admin.display(description=_("decision"))
    def decision(self, decision: Decision) -> str:
        return str(decision)

    @admin.display(description=_("comment"))
    def comment_link(self, decision: Decision) -> SafeString:
        url = reverse("admin:comments_comment_change", args=[decision.comment_id])
        # The log does not store the name, so erasing a person erases it here too.
        return format_html('<a href="{}">{}: <bdi>{}</bdi></a>', url, decision.comment, decision.comment.author_name)
