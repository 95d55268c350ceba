"""The images of the media library, as a grid."""

from pathlib import PurePath
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.files import File
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.kind_messages import KindMessages
from media.admin.duplicates import DuplicatesAdmin
from media.admin.uploads import UploadForm, replacement_field
from media.cleaners.images import READS_HEIC
from media.filters import AltFilter, DeletedFilter, MonthFilter, SizeFilter, TypeFilter, UseFilter
from media.models import Picture
from media.pictures import clean_picture
from media.uses import alternative_texts_of, is_used


class PictureForm(UploadForm):
    # Not an ImageField, which would try every decoder that Pillow has.
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "JPEG, PNG, WebP, AVIF, GIF, HEIC or TIFF, up to 20 MB. The location, camera and all other metadata are "
            "removed before the image is stored."
        )
        if READS_HEIC
        else _(
            "JPEG, PNG, WebP, AVIF, GIF or TIFF, up to 20 MB. The location, camera and all other metadata are removed "
            "before the image is stored."
        ),
        # iPhones convert HEIC themselves if it is not in the list.
        widget=forms.FileInput(
            attrs={
                "accept": "image/jpeg,image/png,image/webp,image/avif,image/gif,image/tiff"
                + (",image/heic" if READS_HEIC else "")
            }
        ),
    )

    replacement = replacement_field("image/*")

    class Meta:
        widgets = {"alt": AdminTextareaWidget(attrs={"rows": 3})}

    def clean_alt(self) -> str:
        """Return the text on one line, as it is in posts."""
        return " ".join(self.cleaned_data["alt"].split())

    def clean_file(self) -> File[bytes]:
        return clean_picture(self.cleaned_data["file"])

    def clean_replacement(self) -> File[bytes] | None:
        replacement = self.cleaned_data["replacement"]
        extension = PurePath(str(self.instance.file.name)).suffix
        return clean_picture(replacement, extension=extension) if replacement else None


@admin.register(Picture)
class PictureAdmin(DuplicatesAdmin):
    form = PictureForm
    kind_messages = KindMessages(
        edit=_("Edit image"),
        empty=_("No images yet."),
        view=_("View image"),
        saved=_("Image “{object}” saved."),
    )
    texts = ("title", "alt", "caption", "credit")
    list_filter = [TypeFilter, MonthFilter, UseFilter, AltFilter, SizeFilter, DeletedFilter]
    search_fields = ["title", "alt", "caption", "credit", "file"]
    readonly_fields = (
        "preview",
        "alt_in_texts",
        "uses",
        "in_markdown",
        "url",
        "dimensions",
        "file_size",
        "uploader",
        "uploaded_at",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        # In view of those who describe it.
        return fields if obj is None else ["preview", *(name for name in fields if name != "preview")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        pictures: QuerySet[Any] = super().get_queryset(request).annotate(is_used=is_used(Picture))
        return pictures

    @admin.display(description=_("image"))
    def preview(self, picture: Picture) -> SafeString:
        return format_html('<img class="media-preview" src="{}" alt="{}">', picture.current_url, picture.alt)

    @admin.display(description=_("dimensions"), ordering="width")
    def dimensions(self, picture: Picture) -> SafeString:
        return format_html('<span dir="ltr">{} × {}</span>', picture.width, picture.height)

    @admin.display(description=_("alternative texts in posts and pages"))
    def alt_in_texts(self, picture: Any) -> SafeString:
        # A script shows the buttons, which put the text into the field.
        item = '<li><bdi>{}</bdi> <button type="button" class="button media-use-text" hidden>{}</button></li>'
        use = gettext("Use this text")
        items = format_html_join("", item, [(text, use) for text in alternative_texts_of(picture, picture.viewer)])
        if not items:
            return escape(gettext("No others."))
        return format_html('<ul class="media-uses" role="list">{}</ul>', items)

    @admin.display(description=_("Markdown"))
    def in_markdown(self, picture: Picture) -> SafeString:
        alt = (picture.alt or gettext("description")).replace("[", "(").replace("]", ")")
        return format_html('<code dir="ltr">![{}]({})</code>', alt, picture.file.url)
