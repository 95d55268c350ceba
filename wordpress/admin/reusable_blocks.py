"""Reusable blocks in the admin, where editors change their texts. Only imports create blocks; none is deleted here."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from blog.admin.fields import SourceField
from blog.rendering import MAX_SOURCE_LENGTH
from core.admin import BaseAdmin
from core.kind_messages import KindMessages
from core.versioned_form import VersionedForm
from wordpress.markup.footnotes_and_blocks import MAX_RENDERED_AT_ONCE, save_block
from wordpress.models import FragmentKind, ReusableBlock


class ReusableBlockForm(VersionedForm):
    requires_version = True

    text = SourceField(
        label=_("Text"),
        max_length=MAX_SOURCE_LENGTH,
        widget=AdminTextareaWidget(attrs={"rows": 20, "dir": "auto"}),
        help_text=_("HTML. Keep the comments that start with “wp:”; they mark the blocks of WordPress's editor."),
    )

    class Meta:
        model = ReusableBlock
        fields = ("title", "text")

    def clean(self) -> dict[str, Any]:
        super().clean()
        # Keep the other field exactly as stored.
        return self.changed_values()


@admin.register(ReusableBlock)
class ReusableBlockAdmin(BaseAdmin[ReusableBlock]):
    kind_messages = KindMessages(empty=_("No reusable blocks yet. Imports from WordPress create them."))
    form = ReusableBlockForm
    fields = ("title", "text", "name", "site")
    readonly_fields = ("name", "site")
    list_display = ("__str__", "name", "site")
    list_per_page = 50
    search_fields = ("title", "text")
    ordering = ("title", "pk")

    def has_add_permission(self, request: HttpRequest, obj: ReusableBlock | None = None) -> bool:
        return False

    has_delete_permission = has_add_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReusableBlock]:
        return super().get_queryset(request).filter(kind=FragmentKind.BLOCK)

    def save_model(self, request: HttpRequest, obj: ReusableBlock, form: Any, change_: bool) -> None:
        count = save_block(obj)
        if count > MAX_RENDERED_AT_ONCE:
            text = ngettext(
                "%d post or page uses this block. It will be updated within minutes.",
                "%d posts and pages use this block. They will be updated within minutes.",
                count,
            )
        else:
            text = ngettext(
                "%d post or page that uses this block was updated.",
                "%d posts and pages that use this block were updated.",
                count,
            )
        self.message_user(request, text % count, messages.SUCCESS)
