"""The log of what moderators decided."""

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
    """Who decided what, and when. Nobody changes it."""

    list_display = ("made_at", "moderator", "what", "about")
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
        # With its comment or post, which is asked here too; the list offers no deleting.
        return cast("User", request.user).is_superuser

    @admin.display(description=_("decision"))
    def what(self, decision: Decision) -> str:
        return str(decision)

    @admin.display(description=_("comment"))
    def about(self, decision: Decision) -> SafeString:
        url = reverse("admin:comments_comment_change", args=[decision.comment_id])
        # The name is the comment's, not the log's: whoever is erased is erased here too.
        return format_html('<a href="{}">{}: <bdi>{}</bdi></a>', url, decision.comment, decision.comment.author_name)
