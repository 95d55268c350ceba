"""The admin's part of autosaving: forms offer to restore unsaved input, and show who else is editing.

static/admin-broadside/autosave.js sends the input. Without it, nothing is autosaved, but input that another browser
sent is still offered.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.datastructures import MultiValueDict
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache

from accounts.models import User
from blog.admin.results import state_sentence
from blog.editing import autosaves
from blog.editing.workflow import state_of
from blog.models import Autosave, Entry, Revision
from blog.revisions.comparing import Piece, compare, shorten
from blog.revisions.describing import Difference
from blog.revisions.recording import author_of
from core.admin import BaseAdmin
from core.languages import in_words
from core.text import parse_time, remove_unstorable, unify_line_ends

# The longest text has 500,000 characters, of up to four bytes each.
MAX_BYTES: Final = 3 * 2**20
# Tells the script that a form was saved, so that it deletes the browser's copy. The value is the form's key.
_SAVED_COOKIE: Final = "saved_form"
# Submitted fields that are not the user's input.
_NOT_INPUT: Final = {"csrfmiddlewaretoken", "autosave", "_step"}


class _NothingSavedRedirect(HttpResponseRedirect):
    """The response to a form whose post or page no longer exists, or may no longer be edited by this user."""


class DraftForm(forms.ModelForm[Any]):
    """A form that can be rendered with earlier, unsaved input (`draft`) in place of the stored values."""

    draft: Mapping[str, list[str]] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.draft is not None and not self.is_bound:
            self.initial.update(self.values_in(self.draft))

    def values_in(self, draft: Mapping[str, list[str]]) -> Iterator[tuple[str, Any]]:
        """Yield the name of each field that `draft` contains, with the value that its widget reads from it."""
        data = MultiValueDict(draft)
        for name, field in self.fields.items():
            key = self.add_prefix(name)
            if not field.disabled and not field.widget.value_omitted_from_data(data, {}, key):
                yield name, field.widget.value_from_datadict(data, {}, key)

    def differences(self, draft: Mapping[str, list[str]]) -> list[Difference]:
        """Return the differences between the form's initial values and `draft`."""
        found = []
        for name, value in self.values_in(draft):
            field = self.fields[name]
            initial = self.get_initial_for_field(field, name)
            if name == "version" or not field.has_changed(initial, value):
                continue
            pieces = [Piece("same", gettext("changed"))]
            if name != "password" and isinstance(field.widget, forms.TextInput | forms.Textarea):
                shown = field.widget.format_value(field.prepare_value(initial)) or ""
                pieces = shorten(compare(unify_line_ends(str(shown)), unify_line_ends(value or "")))
            found.append(Difference(str(self[name].label), pieces))
        return found


def _storable(fields: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return submitted fields without the characters that a database rejects."""
    return {remove_unstorable(name): [remove_unstorable(value) for value in values] for name, values in fields.items()}


def editing_sentence(names: list[str]) -> str:
    """Return “Ruth is editing this.”; empty without names."""
    if not names:
        return ""
    if len(names) == 1:
        return gettext("%(name)s is editing this.") % {"name": names[0]}
    return gettext("%(names)s are editing this.") % {"names": in_words(names)}


def _editing(entry_id: int | None, user: User) -> str:
    """Return the sentence about who else is editing an entry; empty for a new one."""
    return editing_sentence(autosaves.editors_of([entry_id], user).get(entry_id, [])) if entry_id else ""


def _saved_since(entry: Entry, version: str, user: User) -> str:
    """Return a sentence about who has saved `entry` since its form had this version; empty if no one has."""
    # A version begins with the time of saving, and contains a digest of what was saved (blog.admin.merging).
    opened = parse_time(version.partition("?")[0])
    if opened is None or opened == entry.modified_at:
        return ""
    stored = Revision.of(entry, by=None)
    if stored.digest in version:
        return ""
    author = author_of(stored)
    if author == user:
        return gettext("You saved this in another tab or browser. When you save here, you see both versions first.")
    text = gettext("%(name)s saved this after you opened it. When you save, you see both versions first.")
    return text % {"name": author or gettext("Someone else")}


def _news(entry: Entry, version: str, user: User) -> dict[str, str]:
    """Return what the form with this version of `entry` shows about other editors and the status."""
    sentences = [_editing(entry.pk, user), _saved_since(entry, version, user)]
    return {
        "editing": " ".join(filter(None, sentences)),
        "state": state_of(entry),
        "state_sentence": state_sentence(entry),
    }


class AutosaveMixin(BaseAdmin[Any]):
    """Adds autosaving and presence to the admin of posts or pages, whose form is a DraftForm."""

    class Media:
        css = {"all": ["admin-broadside/revisions.css", "admin-broadside/autosave.css"]}
        js = [forms.Script("admin-broadside/autosave.js", type="module")]

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_autosave"
        return [
            path("<int:object_id>/autosave/", self.autosave_view, name=name),
            path("add/<uuid:form_id>/autosave/", self.autosave_view, name=f"{name}_new"),
            *super().get_urls(),
        ]

    # The endpoint

    @method_decorator(never_cache)
    def autosave_view(
        self, request: HttpRequest, object_id: int | None = None, form_id: uuid.UUID | None = None
    ) -> HttpResponse:
        """Respond to an open form. This is not an `admin_view`, because that would redirect to the login page.

        GET returns the logged-in user and a current CSRF token, which changes with each login. POST takes JSON with the
        form's `fields` (null if nothing is new); with `?compare`, it only returns what they would change. `?discard`
        deletes them, and so does a POST with `discard`, which is sent by an HTML form.
        """
        if not self.admin_site.has_permission(request):
            return JsonResponse({}, status=401)
        user = cast("User", request.user)
        entry = self.get_object(request, str(object_id)) if object_id else None
        if object_id and entry is None:
            return JsonResponse({}, status=404)
        allowed = self.has_change_permission(request, entry) if entry else self.has_add_permission(request)
        if not allowed:
            return JsonResponse({}, status=403)
        if request.method != "POST":
            return JsonResponse({"user": user.pk, "token": get_token(request)})
        form = self._open(request, object_id, form_id)
        if len(request.body) > MAX_BYTES:
            return JsonResponse({}, status=413)
        if "discard" in request.GET:
            form.discard()
            return JsonResponse({})
        if "discard" in request.POST:
            return self._discard(request, form)
        try:
            body = json.loads(request.body)
            sent, version = body["fields"], body.get("version")
        except (ValueError, KeyError, TypeError, RecursionError):
            return JsonResponse({}, status=400)
        fields = autosaves.to_form_values(sent)
        if fields is None and sent is not None:
            return JsonResponse({}, status=400)
        fields = fields and _storable(fields)
        if "compare" in request.GET:
            differences = self._open_form(request, entry).differences(fields or {})
            html = render_to_string("admin/_differences.html", {"differences": differences}, request)
            name = "" if entry else autosaves.name_of(fields or {})
            return JsonResponse({"differs": bool(differences), "name": name, "html": html})
        form.report(fields)
        return JsonResponse(_news(entry, str(version), user) if entry else {"editing": ""})

    def _discard(self, request: HttpRequest, form: autosaves.OpenForm) -> HttpResponse:
        form.discard()
        self.message_user(request, gettext("The unsaved version was discarded."), messages.SUCCESS)
        return HttpResponseRedirect(self._form_url(form.entry_id))

    def _open_form(self, request: HttpRequest, entry: Entry | None) -> DraftForm:
        """Return the form as it is rendered when it is opened."""
        form_class: Any = self.get_form(request, entry, change=entry is not None)
        form: DraftForm = form_class(
            instance=entry, initial=None if entry else self.get_changeform_initial_data(request)
        )
        return form

    # The form

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if row := self._restored(request, obj):
            form.draft = row.data
        return form

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = context["original"]
        may_change = self.has_change_permission(request, entry) if entry else self.has_add_permission(request)
        if may_change and not context["is_popup"]:
            context["autosave"] = self._autosave_context(request, entry, context["adminform"].form)
        return super().render_change_form(request, context, *args, **kwargs)

    def _autosave_context(self, request: HttpRequest, entry: Entry | None, form: DraftForm) -> dict[str, Any]:
        user, entry_id = cast("User", request.user), entry.pk if entry else None
        restored = self._restored(request, entry)
        form_id = None if entry else self._form_id(request) or uuid.uuid4()
        rows: list[Autosave | None] = []
        if request.method == "GET" and restored is None:
            kind = str(self.opts.model_name)
            rows = [self._open(request, entry.pk).unsaved()] if entry else [*autosaves.unsaved_new(user, kind)]
        offers = [self._offer(form, row) for row in rows if row]
        return {
            "url": self._autosave_url(entry_id, form_id),
            "key": self._key(entry_id, form_id),
            "kind": self.opts.model_name,
            "form_id": form_id,
            "form_url": self._form_url(entry_id),
            "editing": _editing(entry_id, user),
            "offers": [offer for offer in offers if offer["differences"]],
            "restored": restored,
        }

    def _offer(self, form: DraftForm, row: Autosave) -> dict[str, Any]:
        return {
            "row": row,
            "name": "" if row.entry_id else autosaves.name_of(row.data or {}),
            "differences": form.differences(row.data or {}),
            "restore": f"{self._form_url(row.entry_id)}?autosave={row.form_id or ''}",
            "url": self._autosave_url(row.entry_id, row.form_id),
            "key": self._key(row.entry_id, row.form_id),
            "fields": json.dumps(row.data, ensure_ascii=False),
            "time": int(row.saved_at.timestamp() * 1000) if row.saved_at else 0,
        }

    def _restored(self, request: HttpRequest, entry: Entry | None) -> Any:
        """Return the unsaved version that this request is to restore, if there is one."""
        if request.method != "GET" or "autosave" not in request.GET or not isinstance(request.user, User):
            return None
        return self._open(request, entry.pk if entry else None).unsaved()

    def _open(
        self, request: HttpRequest, entry_id: int | None = None, form_id: uuid.UUID | None = None
    ) -> autosaves.OpenForm:
        """Return this user's form for the entry with this ID, or else for a new entry, by default the request's."""
        form_id = None if entry_id else form_id or self._form_id(request)
        return autosaves.OpenForm(cast("User", request.user), str(self.opts.model_name), entry_id, form_id)

    def _key(self, entry_id: int | None, form_id: uuid.UUID | None) -> str:
        """Return what identifies a form in the browser."""
        return f"{self.opts.model_name}-{entry_id}" if entry_id else str(form_id)

    def _form_id(self, request: HttpRequest) -> uuid.UUID | None:
        """Return the ID that the form for a new entry sent or was opened with."""
        try:
            return uuid.UUID(request.POST.get("autosave") or request.GET.get("autosave") or "")
        except ValueError:
            return None

    # Saving

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form. Saving it discards the unsaved version, on the server and in the browser."""
        form_id = None if object_id else self._form_id(request)
        if request.method == "GET" and form_id and (saved_id := self._open(request).saved_id()):
            return HttpResponseRedirect(self._form_url(saved_id))
        if request.method == "POST" and form_id and self.has_add_permission(request):
            with transaction.atomic():
                if entry_id := self._open(request).lock_saved():
                    response: HttpResponse = self._saved_before(request, entry_id)
                else:
                    response = super().changeform_view(request, object_id, form_url, extra_context)
        else:
            response = super().changeform_view(request, object_id, form_url, extra_context)
        is_saved = isinstance(response, HttpResponseRedirect) and not isinstance(response, _NothingSavedRedirect)
        if request.method == "POST" and is_saved:
            entry_id = int(unquote(object_id)) if object_id else None
            response.set_cookie(
                _SAVED_COOKIE,
                self._key(entry_id, form_id),
                max_age=24 * 60 * 60,
                path=reverse("admin:index"),
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Strict",
            )
        return response

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Redirect to the form for a new entry, with the input restored, if an entry was deleted during editing."""
        if "source" not in request.POST or not self.has_add_permission(request):
            response = super()._get_obj_does_not_exist_redirect(request, opts, object_id)
            return _NothingSavedRedirect(response.url) if isinstance(response, HttpResponseRedirect) else response
        fields = self._submitted(request, exclude={"version"})
        # The ID is derived from the input, so that a double click doesn't store it twice.
        form_id = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([opts.model_name, object_id, fields], sort_keys=True))
        self._open(request, form_id=form_id).report(fields)
        text = gettext(
            "What you were editing was deleted, or you may no longer edit it. Your text is below. Saving it creates a "
            "new copy."
        )
        self.message_user(request, text, messages.WARNING)
        return _NothingSavedRedirect(f"{self._form_url(None)}?autosave={form_id}")

    def _submitted(self, request: HttpRequest, exclude: Set[str] = frozenset()) -> autosaves.FormValues:
        """Return the submitted fields that are not empty, except those in `exclude`."""
        names = request.POST.keys() - _NOT_INPUT - exclude
        return _storable({name: values for name in names if any(values := request.POST.getlist(name))})

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        opened = self._open(request, obj.pk)
        if opened.form_id:
            obj.guid = opened.guid
        super().save_model(request, obj, form, change)
        if opened.form_id:
            opened.move_to(obj)
        elif change:
            opened.discard()

    def _saved_before(self, request: HttpRequest, entry_id: int) -> HttpResponse:
        """Respond to the form for a new entry that is submitted again, for example by a double click.

        If its input differs from what was saved, it is stored as the entry's unsaved version, which is then shown.
        """
        entry: Entry | None = self.get_object(request, str(entry_id))
        url = self._form_url(entry_id)
        if entry and self.has_change_permission(request, entry):
            form = self.get_form(request, entry, change=True)(request.POST, instance=entry)
            form.full_clean()
            if form.changed_data:
                self._open(request, entry_id).report(self._submitted(request))
                return HttpResponseRedirect(f"{url}?autosave=")
        self.message_user(request, gettext("This was already saved, so it was not saved again."), messages.INFO)
        return HttpResponseRedirect(url)

    # URLs

    def _form_url(self, entry_id: int | None) -> str:
        return self._url("change", entry_id) if entry_id else self._url("add")

    def _autosave_url(self, entry_id: int | None, form_id: uuid.UUID | None) -> str:
        return self._url("autosave", entry_id) if entry_id else self._url("autosave_new", form_id)
