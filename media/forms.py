"""Forms for uploads, which check and clean the files."""

from typing import Any

from django import forms
from django.core.files import File
from django.utils.translation import gettext_lazy as _

from media.documents import clean_document
from media.models import Document, Picture, title_from_name
from media.pictures import clean_picture


class UploadForm(forms.ModelForm[Any]):
    """Uses the name of the file if the title is empty. The file of a stored upload can't be changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["file"]

    def clean(self) -> None:
        super().clean()
        upload = self.files.get(self.add_prefix("file"))
        if upload and not self.cleaned_data.get("title"):
            self.cleaned_data["title"] = title_from_name(upload.name)


class PictureForm(UploadForm):
    # Not an ImageField, which would try every decoder that Pillow has.
    file = forms.FileField(
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

    def clean_file(self) -> File[bytes]:
        return clean_picture(self.cleaned_data["file"])


class DocumentForm(UploadForm):
    file = forms.FileField(
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

    def clean_file(self) -> File[bytes]:
        return clean_document(self.cleaned_data["file"])
