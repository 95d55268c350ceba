"""The forms through which files come in: what they hand on was checked and cleaned."""

from typing import Any

from django import forms
from django.core.files import File
from django.utils.translation import gettext_lazy as _

from library.documents import clean_document
from library.models import Document, Picture, title_from_name
from library.pictures import clean_picture


class PictureField(forms.FileField):
    """Takes a picture and gives it back cleaned. Django's own field would try every decoder there is."""

    def to_python(self, data: Any) -> File[bytes] | None:
        upload = super().to_python(data)
        return clean_picture(upload) if upload else None


class DocumentField(forms.FileField):
    """Takes a PDF and gives it back under a safe name."""

    def to_python(self, data: Any) -> File[bytes] | None:
        upload = super().to_python(data)
        return clean_document(upload) if upload else None


class UploadForm(forms.ModelForm[Any]):
    """Takes the name of the file for a title when none was typed."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        upload = self.files.get(self.add_prefix("file"))
        if cleaned is not None and upload and not cleaned.get("title"):
            cleaned["title"] = title_from_name(upload.name)
        return cleaned


class PictureForm(UploadForm):
    file = PictureField(
        label=_("File"),
        help_text=_(
            "JPEG, PNG, WebP, AVIF or GIF, up to 20 MB. The place, the camera and all else that is noted in the file "
            "are taken out before it is stored."
        ),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/avif,image/gif"}),
    )

    class Meta:
        model = Picture
        fields = ("file", "title", "alt", "caption")


class DocumentForm(UploadForm):
    file = DocumentField(
        label=_("File"),
        help_text=_(
            "PDF, up to 50 MB. Documents are published as they are: look into their properties first, which may name "
            "an author or a place."
        ),
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
    )

    class Meta:
        model = Document
        fields = ("file", "title")
