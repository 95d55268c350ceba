"""Shared blocks in the admin: editors change their texts. They come with imports, and none is added or deleted."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from blog.admin.fields import SourceField
from blog.admin.versions import VersionedForm
from blog.rendering import MAX_SOURCE_LENGTH
from wordpress.blocks import AT_ONCE, change
from wordpress.fragments import BLOCK
from wordpress.memory import of_row
from wordpress.models import SharedBlock


class SharedBlockForm(VersionedForm):
    text = SourceField(
        label=_("Text"),
        max_length=MAX_SOURCE_LENGTH,
        widget=AdminTextareaWidget(attrs={"rows": 20, "dir": "auto"}),
        help_text=_(
            "HTML. Leave the comments in it (wp:…) where they are: they are marks of WordPress’s block editor."
        ),
    )

    class Meta:
        model = SharedBlock
        fields = ("title", "text")

    def stored_version(self) -> str:
        return of_row(self.instance.title, self.instance.text)

    def clean_text(self) -> str:
        # As it was written until somebody changes it: browsers send line ends of their own.
        text: str = self.cleaned_data["text"]
        return text if "text" in self.changed_data else self.instance.text


@admin.register(SharedBlock)
class SharedBlockAdmin(admin.ModelAdmin[SharedBlock]):
    form = SharedBlockForm
    fields = ("title", "text", "name", "site", "version")
    readonly_fields = ("name", "site")
    list_display = ("__str__", "name", "site")
    list_per_page = 50
    search_fields = ("title", "text")
    ordering = ("title", "pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SharedBlock | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharedBlock]:
        return super().get_queryset(request).filter(kind=BLOCK)

    def save_model(self, request: HttpRequest, obj: SharedBlock, form: Any, change_: bool) -> None:
        number = change(obj)
        if number > AT_ONCE:
            said = ngettext(
                "%d text shows it: the worker changes it within minutes.",
                "%d texts show it: the worker changes them within minutes.",
                number,
            )
        else:
            said = ngettext("%d text that shows it has changed.", "%d texts that show it have changed.", number)
        self.message_user(request, said % number, messages.SUCCESS)
