"""What images and other files have in common in the media library, and the list of other files."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from core.admin import BaseAdmin
from core.admin_routes import route
from core.kind_messages import KindMessages
from core.text import parse_ids
from core.versioned_form import VersionedForm
from media import trash, unfinished
from media.documents import MAX_BYTES, clean_document
from media.file_types import CLEANABLE
from media.filters import CleanedFilter, DeletedFilter, MonthFilter, SizeFilter, TypeFilter, UseFilter
from media.models import Document, Upload, title_from_name
from media.uploads import ACCEPTED, NOT_STORED
from media.uses import Use, uses_of

# More IDs could make the URL too long. More files can be restored from the list of deleted ones.
_MAX_UNDONE: Final = 200

_log = logging.getLogger(__name__)


class _ReplacementField(forms.FileField):
    """A new file for an upload. Its initial value, the size of the stored one, tells whether that was replaced."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        return super().clean(data)


def replacement_field(accept: str) -> forms.FileField:
    return _ReplacementField(
        label=_("Replace the file"),
        required=False,
        help_text=_(
            "The URL stays the same, and so does every text that uses it. For 30 days you can restore the old file "
            "under “Deleted”, or delete it there permanently."
        ),
        widget=forms.FileInput(attrs={"accept": accept}),
    )


class UploadForm(VersionedForm):
    # Set if the storage failed when the form was submitted.
    storage_failed = False

    def set_version(self) -> None:
        self.initial["replacement"] = self.instance.size
        super().set_version()

    def display_value(self, name: str, value: Any) -> str:
        return filesizeformat(value) if isinstance(value, int) else super().display_value(name, value)

    def clean(self) -> Any:
        if self.storage_failed:
            self.add_error("replacement" if self.instance.pk else "file", NOT_STORED)
        return super().clean()


class DocumentForm(UploadForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "PDF, Word, Excel, PowerPoint, OpenDocument, RTF, EPUB, text, CSV or ZIP, audio (MP3, M4A, Ogg, Opus, "
            "WAV, FLAC) or video (MP4, MOV, WebM, MKV, AVI, WMV and others), up to 50 MB. Names, places and all other "
            "metadata are removed before the file is stored, and scripts too. The name of the file stays: it is part "
            "of the URL, so rename it first if it names someone."
        ),
        widget=forms.FileInput(attrs={"accept": ",".join(CLEANABLE)}),
    )

    replacement = replacement_field(",".join(CLEANABLE))

    def clean_file(self) -> File[bytes]:
        return clean_document(self.cleaned_data["file"])

    def clean_replacement(self) -> File[bytes] | None:
        if not (replacement := self.cleaned_data["replacement"]):
            return None
        cleaned = clean_document(replacement)
        extension = PurePath(str(self.instance.file.name)).suffix
        if PurePath(str(cleaned.name)).suffix != extension:
            raise ValidationError(gettext("The URL stays the same, so choose a “%s” file.") % extension)
        return cleaned


def _link(use: Use) -> SafeString | str:
    """Return a link to a use, or only its name if the viewer may not see it."""
    return format_html('<a href="{}">{}</a>', use.url, use.label) if use.url else use.label


class UploadAdmin(BaseAdmin[Any]):
    texts: tuple[str, ...] = ("title",)
    search_fields = ["title", "file"]
    list_select_related = ("uploaded_by",)
    list_filter = [TypeFilter, MonthFilter, UseFilter, SizeFilter, DeletedFilter]
    actions: tuple[str, ...] = ("restore_selected",)
    list_per_page = 48
    # Counting all files as well would take another query.
    show_full_result_count = False

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
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Exception as error:
            # The file is stored in Django's transaction, which may have failed after that.
            unfinished.finish()
            if not isinstance(error, OSError) or isinstance(error, UnreadablePostError):
                raise
            _log.error("A file could not be stored: %s", error)
        # Show the form again, with everything that was entered.
        request.storage_failed = True  # type: ignore[attr-defined]  # for `get_form`
        return super().changeform_view(request, *args, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        upload = super().get_object(request, object_id, from_field)
        if upload is not None:
            # For the read-only fields, which don't get the request.
            upload.viewer = request.user
        return upload

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.storage_failed = getattr(request, "storage_failed", False)
        return form

    def save_model(self, request: HttpRequest, obj: Upload, form: Any, change: bool) -> None:
        if not change:
            obj.title = obj.title or title_from_name(form.files["file"].name)
            obj.uploaded_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        new = form.cleaned_data.get("replacement") if change else None
        if new and (old := trash.replace(obj, new)):
            may_undo = self.has_delete_permission(request, obj)
            obj.undo_url = self.undo_url([old.pk]) if may_undo else ""  # type: ignore[attr-defined]  # for the message

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        upload = {
            "accept": ACCEPTED,
            "max_bytes": MAX_BYTES,
            "url": reverse("media_upload") if self.has_add_permission(request) else "",
        }
        return super().changelist_view(request, {"upload": upload, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the pages that use a file before it is deleted.

        Images that were merged into it need no permission: deleting leaves them as they are.
        """
        objs = list(objs)
        _names, _counts, missing_permissions, protected = super().get_deleted_objects(objs, request)
        if all(self.has_delete_permission(request, upload) for upload in objs):
            missing_permissions = set()
        uses = uses_of(self.model, [upload.pk for upload in objs], request.user)
        names: list[Any] = []
        for upload in objs:
            names.append(
                gettext("%(file)s, which is used in:") % {"file": upload} if upload.pk in uses else str(upload)
            )
            if upload.pk in uses:
                names.append([_link(use) for use in uses[upload.pk]])
        # The index of used files also has rows, which mean nothing to users.
        counts = {self.opts.verbose_name_plural: len(objs)}
        return names, counts, missing_permissions, protected

    @admin.display(description=_("uploaded by"))
    def uploader(self, upload: Upload) -> SafeString | str:
        # Django would link to a page that only owners can open.
        person = upload.uploaded_by
        return format_html("<bdi>{}</bdi>", person) if person else str(self.get_empty_value_display())

    @admin.display(description=_("used in"))
    def uses(self, upload: Any) -> SafeString | str:
        found = uses_of(self.model, [upload.pk], upload.viewer).get(upload.pk, [])
        links = format_html_join("", "<li>{}</li>", ((_link(use),) for use in found))
        if not links:
            return gettext("Nothing shows or links to it.")
        return format_html('<ul class="media-uses" role="list">{}</ul>', links)

    # Deleting

    def get_actions(self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST) -> Any:
        actions = super().get_actions(request, action_location)
        shown = request.GET.get("deleted", "")
        unfit = {"": {"restore_selected"}, "yes": {"merge_selected"}}.get(shown, {"merge_selected", "delete_selected"})
        return {name: action for name, action in actions.items() if name not in unfit}

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.deleted_at)

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        # The URL of a merged image has to stay.
        return super().has_delete_permission(request, obj) and not getattr(obj, "merged_into_id", None)

    def delete_model(self, request: HttpRequest, obj: Upload) -> None:
        self._delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._delete(queryset)

    def _delete(self, uploads: Iterable[Upload]) -> None:
        """Delete files in the library so that this can be undone, and files that were already deleted for good."""
        uploads = list(uploads)
        trash.delete(self.model, [upload.pk for upload in uploads if not upload.deleted_at])
        trash.expire(self.model, [upload.pk for upload in uploads if upload.deleted_at])

    def undo_url(self, pks: Sequence[int]) -> str:
        if len(pks) > _MAX_UNDONE or not self.model._default_manager.filter(trash.restorable(), pk__in=pks).exists():
            return ""
        return f"{self._url('restore')}?ids={','.join(map(str, pks))}"

    @route("restore/", "restore", require_POST, permission="delete")
    def restore_view(self, request: HttpRequest) -> HttpResponse:
        """Restore the files with these `ids`."""
        self._restore(request, parse_ids(request.GET.getlist("ids")))
        return redirect(self._url("changelist"))

    @admin.action(description=_("Restore"), permissions=["delete"])
    def restore_selected(self, request: HttpRequest, uploads: QuerySet[Any]) -> None:
        """Restore these files."""
        self._restore(request, list(uploads.values_list("pk", flat=True)))

    def _restore(self, request: HttpRequest, pks: Sequence[int]) -> None:
        try:
            with transaction.atomic():
                restored = trash.restore(self.model, pks)
                record(Action.RESTORED, restored, by=cast("User", request.user))
        except Exception as error:
            unfinished.finish()
            if not isinstance(error, OSError):
                raise
            _log.error("A replaced file could not be restored: %s", error)
            self.message_user(request, NOT_STORED, messages.ERROR)
            return
        if not restored:
            text = gettext("Nothing was restored: this has already been undone, or it was permanently deleted.")
            self.message_user(request, text, messages.WARNING)
            return
        texts = {"count": len(restored), "objects": model_ngettext(self.opts, len(restored))}
        self.message_user(request, gettext("%(count)d %(objects)s restored.") % texts, messages.SUCCESS)

    @admin.display(description=_("size"), ordering="size")
    def file_size(self, upload: Upload) -> str:
        return filesizeformat(upload.size)

    @admin.display(description=_("URL"))
    def url(self, upload: Upload) -> SafeString:
        return format_html('<a href="{0}" dir="ltr">{0}</a>', upload.file.url)


@admin.register(Document)
class DocumentAdmin(UploadAdmin):
    form = DocumentForm
    kind_messages = KindMessages(
        edit=_("Edit document"),
        empty=_("No documents, audio or video yet."),
        view=_("View document"),
        saved=_("Document “{object}” saved."),
    )
    list_display = ("__str__", "url", "file_size", "uploaded_by", "uploaded_at")
    list_filter = [TypeFilter, MonthFilter, UseFilter, SizeFilter, CleanedFilter, DeletedFilter]
    readonly_fields = ("uses", "url", "file_size", "uploader", "uploaded_at")

    def get_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return [*fields, "uncleaned_because"] if isinstance(obj, Document) and obj.uncleaned_because else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "uncleaned_because"]
