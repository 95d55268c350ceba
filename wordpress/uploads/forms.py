"""The two forms of an import: one uploads the files, the other starts a step."""

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from wordpress.importing.media_source import FROM_OLD_SITE, FROM_OTHER_SITES
from wordpress.models import ImportJob, JobStep


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """One or more files."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(MultipleFileField, self).clean(file, initial) for file in data or [None]]


class ExportFilesForm(forms.Form):
    # The key of the new job, so that submitting the form twice creates only one.
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    exports = MultipleFileField(
        label=_("Export files"),
        max_length=255,
        widget=MultipleFileInput(attrs={"accept": ".xml,.zip,.gz", "aria-describedby": "id_exports_helptext"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["exports"].help_text = gettext(
            "The files you downloaded from WordPress under Tools → Export: XML files, or the ZIP archive that contains "
            "them. Select all files of the export at once, up to %s in total."
        ) % filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)


def too_large_message() -> str:
    """Return the error message for an upload that exceeds the limit."""
    return gettext(
        "These files were not uploaded because they are larger than %s in total. The server's administrator can raise "
        "the limit (IMPORT_MAX_MB) or import the files on the server with import_wordpress."
    ) % filesizeformat(settings.BROADSIDE_IMPORT_MAX_BYTES)


class StartForm(forms.Form):
    """The options of a step: which authors have accounts here, which types become pages, whether to download files.

    `options` is passed to `wordpress.importing.pipeline.import_export` unchanged.
    """

    def __init__(self, job: ImportJob, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The authors are known only once the files have been read to the end.
        self.is_read = "authors" in job.contents
        steps = (JobStep.PREVIEW, JobStep.IMPORT) if self.is_read else (JobStep.READ,)
        self.fields["step"] = forms.ChoiceField(choices=[(step, step.label) for step in steps])
        if self.is_read:
            self.fields["fetch_media"] = forms.BooleanField(
                label=FROM_OLD_SITE,
                help_text=_(
                    "The old site must still be online. Only its own files are downloaded. A preview downloads nothing."
                ),
                initial=job.options.get("fetch_media", True),
                required=False,
            )
        if other_types := job.contents.get("other_types"):
            self.fields["page_types"] = forms.MultipleChoiceField(
                label=_("Content of plugins"),
                choices=[(name, _type_label(name, *rest)) for name, rest in other_types.items()],
                widget=forms.CheckboxSelectMultiple,
                help_text=_(
                    "Choose what readers should see here: it becomes pages, at the same URLs. What you don't choose is "
                    "kept and exported again, but not shown."
                ),
                initial=job.options.get("page_types", []),
                required=False,
            )
        # A preview finds the other hosts that texts show files from.
        if job.report.get("other_hosts") or job.options.get("fetch_everywhere"):
            self.fields["fetch_everywhere"] = forms.BooleanField(
                label=FROM_OTHER_SITES,
                help_text=_("Choose this only if you may publish these files. The sites are listed above."),
                initial=job.options.get("fetch_everywhere", False),
                required=False,
            )
        self._logins: dict[str, str] = {}
        people = {user.username: str(user) for user in User.objects.order_by("display_name", "username")}
        accounts = [(username, f"{name} ({username})") for username, name in people.items()]
        mapped = job.options.get("map_authors", {})
        for index, (login, name) in enumerate(job.contents.get("authors", [])):
            field = f"author_{index}"
            self._logins[field] = login
            default = gettext("The account with the same username") if login in people else gettext("A new account")
            self.fields[field] = forms.ChoiceField(
                label=f"{name} ({login})" if name != login else name or gettext("(no name)"),
                choices=[("", default), *accounts],
                initial=mapped.get(login, ""),
                required=False,
            )

    @property
    def authors(self) -> list[forms.BoundField]:
        return [self[field] for field in self._logins]

    @property
    def media_options(self) -> list[forms.BoundField]:
        return [self[field] for field in ("fetch_media", "fetch_everywhere") if field in self.fields]

    @property
    def options(self) -> dict[str, Any]:
        everywhere = self.cleaned_data.get("fetch_everywhere", False)
        chosen = {login: self.cleaned_data[field] for field, login in self._logins.items()}
        return {
            "map_authors": {login: username for login, username in chosen.items() if username},
            # Everywhere includes the old site.
            "fetch_media": self.cleaned_data.get("fetch_media", False) or everywhere,
            "fetch_everywhere": everywhere,
            "page_types": self.cleaned_data.get("page_types", []),
        }


def _type_label(name: str, count: int, path: str) -> str:
    text = gettext("%(name)s: %(count)d, such as %(path)s")
    return text % {"name": name, "count": count, "path": path}
