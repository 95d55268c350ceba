"""The blocklist in the admin."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts.models import User
from comments.models import Block
from comments.rules import blocklist


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
