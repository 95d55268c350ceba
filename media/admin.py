"""The media library in the admin: images as a grid, other files as a list."""

import logging
from pathlib import PurePath
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, UnreadablePostError
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.admin import BaseAdmin
from media.documents import MAX_BYTES, clean_document
from media.filters import AltFilter, MonthFilter, SizeFilter, TypeFilter, UseFilter
from media.metadata import CLEANERS
from media.models import Document, Picture, Upload, title_from_name
from media.pictures import clean_picture
from media.uses import alternative_texts_of, is_used, uses_of

NOT_STORED: Final = _("The file could not be stored. Try again, and if that doesn't help, tell the owner of this site.")

_log = logging.getLogger(__name__)


def _replacement_field(accept: str) -> forms.FileField:
    return forms.FileField(
        label=_("Replace the file"),
        required=False,
        help_text=_("The URL stays the same, and so does every text that uses it. The old file is lost."),
        widget=forms.FileInput(attrs={"accept": accept}),
    )


class UploadForm[Model: Upload](forms.ModelForm[Model]):
    # Set if the storage failed when the form was sent before.
    storage_failed = False

    def clean(self) -> Any:
        if self.storage_failed:
            self.add_error("replacement" if self.instance.pk else "file", NOT_STORED)
        return super().clean()


class PictureForm(UploadForm[Picture]):
    # Not an ImageField, which would try every decoder that Pillow has.
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "JPEG, PNG, WebP, AVIF, GIF or HEIC, up to 20 MB. The location, camera and all other metadata are removed "
            "before the image is stored."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/avif,image/gif,image/heic"}),
    )

    replacement = _replacement_field("image/*")

    class Meta:
        widgets = {"alt": AdminTextInputWidget(attrs={"list": "alternative-texts"})}

    def clean_file(self) -> File[bytes]:
        return clean_picture(self.cleaned_data["file"])

    def clean_replacement(self) -> File[bytes] | None:
        replacement = self.cleaned_data["replacement"]
        extension = PurePath(str(self.instance.file.name)).suffix
        return clean_picture(replacement, extension=extension) if replacement else None


class DocumentForm(UploadForm[Document]):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "PDF, Word, Excel, PowerPoint, OpenDocument, MP3, MP4, MOV, WAV, FLAC, text or CSV, up to 50 MB. Names, "
            "places and all other metadata are removed before the file is stored, and scripts too."
        ),
        widget=forms.FileInput(attrs={"accept": ",".join(CLEANERS)}),
    )

    replacement = _replacement_field(",".join(CLEANERS))

    def clean_file(self) -> File[bytes]:
        return clean_document(self.cleaned_data["file"])

    def clean_replacement(self) -> File[bytes] | None:
        if not (replacement := self.cleaned_data["replacement"]):
            return None
        cleaned = clean_document(replacement)
        extension = PurePath(str(self.instance.file.name)).suffix
        if PurePath(str(cleaned.name)).suffix != extension:
            raise ValidationError(gettext("Choose a “%s” file, because the URL stays the same.") % extension)
        return cleaned


class UploadAdmin(BaseAdmin[Any]):
    texts: tuple[str, ...] = ("title",)
    search_fields = ["title", "file"]
    list_select_related = ("uploaded_by",)
    list_filter = [TypeFilter, MonthFilter, UseFilter, SizeFilter]
    list_per_page = 48
    # Counting all files as well takes another query.
    show_full_result_count = False
    change_list_template = "admin/media/change_list.html"

    class Media:
        css = {"all": ["admin-broadside/media.css"]}
        js = [forms.Script("admin-broadside/media.js", type="module")]

    def get_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        if obj is None:
            return ["file", *self.texts]
        replacement = ["replacement"] if self.has_change_permission(request, obj) else []
        return [*self.texts, *replacement, *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        return self.readonly_fields if obj is None else [*self.readonly_fields, "file"]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Django saves the upload in a transaction, in which something else may fail.
        request.new_uploads = []  # type: ignore[attr-defined]  # for `save_model`
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Exception as error:
            for upload in request.new_uploads:  # type: ignore[attr-defined]  # likewise
                upload.delete_file_without_row()
            if not isinstance(error, OSError) or isinstance(error, UnreadablePostError):
                raise
            _log.exception("A file could not be stored.")
        # The form again, with everything that was typed.
        request.storage_failed = True  # type: ignore[attr-defined]  # for `get_form`
        return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.storage_failed = getattr(request, "storage_failed", False)
        return form

    def save_model(self, request: HttpRequest, obj: Upload, form: Any, change: bool) -> None:
        if not change:
            obj.title = obj.title or title_from_name(form.files["file"].name)
            obj.uploaded_by_id = request.user.pk
            request.new_uploads.append(obj)  # type: ignore[attr-defined]  # from `changeform_view`
        super().save_model(request, obj, form, change)
        if change and form.cleaned_data.get("replacement"):
            obj.replace_file(form.cleaned_data["replacement"])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        upload = {
            "accept": ",".join(("image/*", *CLEANERS)),
            "max_bytes": MAX_BYTES,
            "url": reverse("media_upload") if self.has_add_permission(request) else "",
        }
        context = {"title": capfirst(self.opts.verbose_name_plural), "upload": upload}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the pages that show a file before it is deleted from them."""
        objs = list(objs)
        _names, _counts, missing_permissions, protected = super().get_deleted_objects(objs, request)
        uses = uses_of(self.model, [upload.pk for upload in objs])
        names: list[Any] = []
        for upload in objs:
            names.append(
                gettext("%(file)s, which is used in:") % {"file": upload} if upload.pk in uses else str(upload)
            )
            if upload.pk in uses:
                names.append([format_html('<a href="{}">{}</a>', use.url, use.label) for use in uses[upload.pk]])
        # The rows of the index are no objects to anyone but us.
        counts = {self.opts.verbose_name_plural: len(objs)}
        return names, counts, missing_permissions, protected

    @admin.display(description=_("used in"))
    def uses(self, upload: Upload) -> SafeString | str:
        found = uses_of(self.model, [upload.pk]).get(upload.pk, [])
        links = format_html_join("", '<li><a href="{}">{}</a></li>', ((use.url, use.label) for use in found))
        return (
            format_html('<ul class="media-uses">{}</ul>', links) if links else gettext("Nothing shows or links to it.")
        )

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        # One by one, because their files are deleted too.
        with transaction.atomic():
            for upload in queryset:
                upload.delete()

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, upload: Upload) -> str:
        return filesizeformat(upload.size)

    @admin.display(description=_("URL"))
    def url(self, upload: Upload) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', upload.file.url)


@admin.register(Picture)
class PictureAdmin(UploadAdmin):
    form = PictureForm
    texts = ("title", "alt", "caption")
    # Shown as a grid by templates/admin/media/picture/change_list.html.
    list_display = ("__str__",)
    list_filter = [TypeFilter, MonthFilter, UseFilter, AltFilter, SizeFilter]
    change_list_template = "admin/media/picture/change_list.html"
    search_fields = ["title", "alt", "caption", "file"]
    readonly_fields = (
        "preview",
        "alt_in_texts",
        "uses",
        "in_markdown",
        "url",
        "dimensions",
        "file_size",
        "uploaded_by",
        "uploaded_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        pictures: QuerySet[Any] = super().get_queryset(request).annotate(is_used=is_used(Picture))
        return pictures

    @admin.display(description=_("image"))
    def preview(self, picture: Picture) -> SafeString:
        return format_html('<img class="media-preview" src="{}" alt="{}">', picture.file.url, picture.alt)

    @admin.display(description=_("dimensions"), ordering="width")
    def dimensions(self, picture: Picture) -> str:
        return f"{picture.width} × {picture.height}"

    @admin.display(description=_("alternative texts in posts and pages"))
    def alt_in_texts(self, picture: Picture) -> SafeString | str:
        texts = [(text,) for text in alternative_texts_of(picture)]
        if not texts:
            return gettext("No others.")
        # The field for the alternative text offers the same ones.
        shown, options = (format_html_join("", tag, texts) for tag in ("<li>{}</li>", '<option value="{}"></option>'))
        return format_html(
            '<ul class="media-uses">{}</ul><datalist id="alternative-texts">{}</datalist>', shown, options
        )

    @admin.display(description=_("Markdown"))
    def in_markdown(self, picture: Picture) -> SafeString:
        alt = (picture.alt or gettext("what it shows")).replace("[", "(").replace("]", ")")
        return format_html("<code>![{}]({})</code>", alt, picture.file.url)


@admin.register(Document)
class DocumentAdmin(UploadAdmin):
    form = DocumentForm
    list_display = ("__str__", "url", "file_size", "uploaded_by", "uploaded_at")
    readonly_fields = ("uses", "url", "file_size", "uploaded_by", "uploaded_at")
