"""The library in the admin. A file stays as it was uploaded: another one is another upload."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from library.forms import DocumentForm, PictureForm, UploadForm
from library.models import Document, Picture, Upload


class UploadAdmin(admin.ModelAdmin[Any]):
    search_fields = ["title", "file"]
    date_hierarchy = "uploaded_at"
    list_select_related = ("uploaded_by",)
    list_per_page = 40

    def get_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        fields = list(self.form.base_fields)
        return fields if obj is None else [*fields[1:], *self.readonly_fields]

    def save_model(self, request: HttpRequest, obj: Upload, form: UploadForm, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.uploaded_by = request.user
        super().save_model(request, obj, form, change)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        # One by one: their files go too.
        with transaction.atomic():
            for upload in queryset:
                upload.delete()

    @admin.display(description=_("address"))
    def address(self, upload: Upload) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', upload.file.url)


@admin.register(Picture)
class PictureAdmin(UploadAdmin):
    form = PictureForm
    list_display = ("small", "__str__", "measures", "described", "uploaded_by", "uploaded_at")
    list_display_links = ("__str__",)
    search_fields = ["title", "alt", "caption", "file"]
    readonly_fields = ("shown", "in_markdown", "address", "measures", "uploaded_by", "uploaded_at")

    @admin.display(description=_("at a glance"))
    def small(self, picture: Picture) -> SafeString:
        # The title stands beside it: for those who listen, this adds nothing.
        return format_html('<img class="library-small" src="{}" alt="" loading="lazy">', picture.file.url)

    @admin.display(description=_("picture"))
    def shown(self, picture: Picture) -> SafeString:
        return format_html('<img class="library-shown" src="{}" alt="{}">', picture.file.url, picture.alt)

    @admin.display(description=_("size"), ordering="width")
    def measures(self, picture: Picture) -> str:
        return f"{picture.width} × {picture.height}"

    @admin.display(description=_("described"), boolean=True)
    def described(self, picture: Picture) -> bool:
        return bool(picture.alt)

    @admin.display(description=_("in a text"))
    def in_markdown(self, picture: Picture) -> SafeString:
        words = (picture.alt or gettext("what it shows")).replace("[", "(").replace("]", ")")
        return format_html("<code>![{}]({})</code>", words, picture.file.url)


@admin.register(Document)
class DocumentAdmin(UploadAdmin):
    form = DocumentForm
    list_display = ("__str__", "address", "bytes", "uploaded_by", "uploaded_at")
    readonly_fields = ("address", "bytes", "uploaded_by", "uploaded_at")

    @admin.display(description=_("size"), ordering="size")
    def bytes(self, document: Document) -> str:
        return filesizeformat(document.size)
