"""The two forms of an import: the files, and what shall become of them."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from wordpress.models import Import, Step


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more files."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(FilesField, self).clean(file, initial) for file in data or [None]]


class UploadForm(forms.Form):
    # The import's own key: sent twice, the form is still one import.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    exports = FilesField(
        label=_("Export files"),
        max_length=255,
        widget=SeveralFiles(attrs={"accept": ".xml,.zip,.gz", "aria-describedby": "id_exports_helptext"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["exports"].help_text = gettext(
            "What WordPress gave you under Tools, Export: XML files, or the ZIP archive with them as it is. All files "
            "of one export together, up to %s."
        ) % filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)


def too_large() -> str:
    """What to say about an upload that is."""
    return gettext(
        "These files are larger than %s together, so they were not taken. The owner of the server can allow more "
        "(IMPORT_MAX_MB), or bring them in there with import_wordpress."
    ) % filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)


class StartForm(forms.Form):
    """What a step is told: who is who, and whether files are fetched.

    `options` goes to `wordpress.importing.import_export` as it is.
    """

    def __init__(self, found: Import, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Until the files were read to their end nobody knows who is in them.
        self.was_read = "authors" in found.found
        steps = (Step.TRIAL, Step.IMPORT) if self.was_read else (Step.READING,)
        self.fields["step"] = forms.ChoiceField(choices=[(step, step.label) for step in steps])
        people = {user.username: str(user) for user in User.objects.order_by("display_name", "username")}
        mapped = found.options.get("map_authors", {})
        if found.found.get("items", {}).get("attachment"):
            self.fields["fetch_media"] = forms.BooleanField(
                label=_("Fetch pictures, documents and recordings from the old site"),
                help_text=_(
                    "The old site must still answer. It is asked for its own files only. A dry run fetches none."
                ),
                initial=found.options.get("fetch_media", True),
                required=False,
            )
        self._logins: dict[str, str] = {}
        for number, (login, name) in enumerate(found.found.get("authors", [])):
            field = f"author_{number}"
            self._logins[field] = login
            here = gettext("the same user name here") if login in people else gettext("a new person")
            named = [(username, f"{name} ({username})") for username, name in people.items()]
            self.fields[field] = forms.ChoiceField(
                label=f"{name} ({login})" if name != login else name or gettext("without a name"),
                choices=[("", here), *named],
                initial=mapped.get(login, ""),
                required=False,
            )

    @property
    def authors(self) -> list[forms.BoundField]:
        return [self[field] for field in self._logins]

    @property
    def options(self) -> dict[str, Any]:
        chosen = {login: self.cleaned_data[field] for field, login in self._logins.items()}
        return {
            "map_authors": {login: username for login, username in chosen.items() if username},
            "fetch_media": self.cleaned_data.get("fetch_media", False),
        }
