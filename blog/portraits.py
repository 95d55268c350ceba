"""Portraits of authors: made from uploads, and sent to readers."""

import io
from hashlib import blake2b
from typing import Any, Final

from django import forms
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps

from accounts.models import Portrait, User
from blog.caching import has_session
from core.models import SiteSettings
from core.site import SiteRequest
from media.cleaners.images import FORMATS
from media.pictures import clean_picture

# In pixels: twice as wide as pages show portraits (templates/blog/_portrait.html).
SIZE: Final = 192
_OPTIONS: Final = {"quality": 70, "method": 6}
# The position of the square that is cut out of a picture, from 0 to 1 across and down: heads are above the middle.
_CENTRE: Final = (0.5, 0.35)


class _PortraitInput(forms.ClearableFileInput):
    """Shows the current portrait, with a checkbox for removing it."""

    template_name = "admin/blog/portrait_input.html"

    def is_initial(self, value: Any) -> bool:
        return isinstance(value, Portrait)


class PortraitForm(forms.ModelForm[Portrait]):
    """Sets or removes the portrait of the instance's person."""

    upload = forms.FileField(
        label=_("Portrait"),
        required=False,
        widget=_PortraitInput(attrs={"accept": "image/*"}),
        help_text=_(
            "For the author's page. Readers get a small square without metadata. It is shown with the current public "
            "name: if that name changes, choose the portrait again. A face can be recognised, so leaving it out is "
            "safer with a pen name."
        ),
    )

    class Meta:
        model = Portrait
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._image = b""
        if self.instance.pk:
            self.fields["upload"].initial = self.instance

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if isinstance(upload, UploadedFile):
            self._image = make_portrait(upload)
        return upload

    def save(self, commit: bool = True) -> Portrait:
        """Store or delete the portrait. The current one stays if nothing was chosen."""
        person = self.instance.person
        if self._image:
            digest = blake2b(self._image, digest_size=8).hexdigest()
            values = {"image": self._image, "name": person.display_name, "digest": digest}
            # The first click of a double click may have stored one in the meantime.
            self.instance, _is_new = Portrait.objects.update_or_create(person=person, defaults=values)
        elif self.cleaned_data["upload"] is False and self.instance.pk:
            self.instance.delete()
        return self.instance


def make_portrait(upload: File[bytes]) -> bytes:
    """Return the portrait made from an upload. Raises ValidationError and nothing else, whatever the bytes are."""
    with clean_picture(upload) as cleaned, Image.open(cleaned, formats=tuple(FORMATS)) as opened:
        # A JPEG is decoded no larger than needed.
        opened.draft(None, (SIZE, SIZE))
        image = opened.convert("RGBA")
    image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.LANCZOS, centering=_CENTRE)
    # A transparent picture might be invisible on some backgrounds.
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    written = io.BytesIO()
    image.save(written, "WEBP", **_OPTIONS)
    return written.getvalue()


@require_safe
def portrait(request: SiteRequest, digest: str) -> HttpResponse:
    """Return a portrait that readers may see."""
    found = Portrait.objects.filter(digest=digest, name=F("person__display_name")).first()
    if found is None:
        raise Http404(gettext("That file doesn't exist."))
    # As short as for other files, because it may be withdrawn.
    headers = {} if has_session(request) else {"Cache-Control": "public, max-age=3600"}
    return HttpResponse(bytes(found.image), content_type="image/webp", headers=headers)


def about_author(author: User, site: SiteSettings) -> SafeString:
    """Return a box about an author as HTML; empty if there is nothing to show. Rendered once after each change."""

    def make() -> SafeString:
        is_known = author.bio or author.shown_portrait
        return render_to_string("blog/_about_author.html", {"author": author}) if is_known else SafeString()

    return site.remember(make, "about author", author.pk)
