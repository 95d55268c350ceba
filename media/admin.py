"""Media in the admin. The file of an upload can't be replaced."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.admin import BaseAdmin
from media.documents import clean_document
from media.models import Document, Picture, Upload, title_from_name
from media.pictures import clean_picture


class PictureForm(forms.ModelForm[Picture]):
    # Not an ImageField, which would try every decoder that Pillow has.
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "JPEG, PNG, WebP, AVIF or GIF, up to 20 MB. The location, camera and all other metadata are removed "
            "before the image is stored."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/avif,image/gif"}),
    )

    def clean_file(self) -> File[bytes]:
        return clean_picture(self.cleaned_data["file"])


class DocumentForm(forms.ModelForm[Document]):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "PDF, up to 50 MB. Documents are published as they are. Check their properties first: they may reveal an "
            "author or a location."
        ),
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
    )

    def clean_file(self) -> File[bytes]:
        return clean_document(self.cleaned_data["file"])


class UploadAdmin(BaseAdmin[Any]):
    texts: tuple[str, ...] = ("title",)
    search_fields = ["title", "file"]
    date_hierarchy = "uploaded_at"
    list_select_related = ("uploaded_by",)
    list_per_page = 40

    def get_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        return ["file", *self.texts] if obj is None else [*self.texts, *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        return self.readonly_fields if obj is None else [*self.readonly_fields, "file"]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Django saves the upload in a transaction, in which something else may fail.
        request.new_uploads = []  # type: ignore[attr-defined]  # for `save_model`
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Exception:
            for upload in request.new_uploads:  # type: ignore[attr-defined]  # likewise
                upload.delete_file_without_row()
            raise

    def save_model(self, request: HttpRequest, obj: Upload, form: Any, change: bool) -> None:
        if not change:
            obj.title = obj.title or title_from_name(form.files["file"].name)
            obj.uploaded_by_id = request.user.pk
            request.new_uploads.append(obj)  # type: ignore[attr-defined]  # from `changeform_view`
        super().save_model(request, obj, form, change)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        # One by one, because their files are deleted too.
        with transaction.atomic():
            for upload in queryset:
                upload.delete()

    @admin.display(description=_("URL"))
    def url(self, upload: Upload) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', upload.file.url)


@admin.register(Picture)
class PictureAdmin(UploadAdmin):
    form = PictureForm
    texts = ("title", "alt", "caption")
    list_display = ("thumbnail", "__str__", "dimensions", "has_alt", "uploaded_by", "uploaded_at")
    list_display_links = ("__str__",)
    search_fields = ["title", "alt", "caption", "file"]
    readonly_fields = ("preview", "in_markdown", "url", "dimensions", "uploaded_by", "uploaded_at")

    @admin.display(description=_("preview"))
    def thumbnail(self, picture: Picture) -> SafeString:
        # No alternative text, because the title is next to it.
        return format_html('<img class="media-thumbnail" src="{}" alt="" loading="lazy">', picture.file.url)

    @admin.display(description=_("image"))
    def preview(self, picture: Picture) -> SafeString:
        return format_html('<img class="media-preview" src="{}" alt="{}">', picture.file.url, picture.alt)

    @admin.display(description=_("dimensions"), ordering="width")
    def dimensions(self, picture: Picture) -> str:
        return f"{picture.width} × {picture.height}"

    @admin.display(description=_("alternative text"), boolean=True)
    def has_alt(self, picture: Picture) -> bool:
        return bool(picture.alt)

    @admin.display(description=_("Markdown"))
    def in_markdown(self, picture: Picture) -> SafeString:
        alt = (picture.alt or gettext("what it shows")).replace("[", "(").replace("]", ")")
        return format_html("<code>![{}]({})</code>", alt, picture.file.url)


@admin.register(Document)
class DocumentAdmin(UploadAdmin):
    form = DocumentForm
    list_display = ("__str__", "url", "file_size", "uploaded_by", "uploaded_at")
    readonly_fields = ("url", "file_size", "uploaded_by", "uploaded_at")

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, document: Document) -> str:
        return filesizeformat(document.size)
