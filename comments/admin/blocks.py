"""What is blocked, and what it would have caught."""

from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import ngettext_lazy

from accounts.models import User
from comments import blocks
from comments.models import Block


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
        caught = blocks.caught_in_last(obj).total()
        words = ngettext_lazy(
            "In the last 90 days this would have caught %(n)d comment.",
            "In the last 90 days this would have caught %(n)d comments.",
            "n",
        )
        self.message_user(request, words % {"n": caught}, messages.INFO)
