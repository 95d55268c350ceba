"""Forms for uploads. The files in their cleaned data were checked and cleaned."""

from typing import Any

from django import forms
from django.core.files import File
from django.utils.translation import gettext_lazy as _

from media.documents import clean_document
from media.models import Document, Picture, title_from_name
from media.pictures import clean_picture


class PictureField(forms.FileField):
    """Cleans the uploaded picture. Django's own field would try every decoder that Pillow has."""

    def to_python(self, data: Any) -> File[bytes] | None:
        upload = super().to_python(data)
        return clean_picture(upload) if upload else None


class DocumentField(forms.FileField):
    """Checks the uploaded PDF and gives it a safe name."""

    def to_python(self, data: Any) -> File[bytes] | None:
        upload = super().to_python(data)
        return clean_document(upload) if upload else None


class UploadForm(forms.ModelForm[Any]):
    """Uses the name of the file if no title was typed. The file of a stored upload stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["file"]

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
            "JPEG, PNG, WebP, AVIF or GIF, up to 20 MB. The location, camera and all other metadata are removed "
            "before the image is stored."
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
            "PDF, up to 50 MB. Documents are published as they are. Check their properties first: they may reveal an "
            "author or a location."
        ),
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
    )

    class Meta:
        model = Document
        fields = ("file", "title")
