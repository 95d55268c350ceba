"""The base class of all admins, and the admin of the site's settings."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, cast

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin import actions
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import model_ngettext, quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.admin_routes import routes_of
from core.change_list import FilterChangeList
from core.database import retry_on_conflict
from core.history import ChangeMessage, describe_changes, history
from core.kind_messages import KindMessages
from core.late_forms import LateForm, UnsavedForm, as_sent
from core.models import SiteSettings
from core.versioned_admin import VersionedAdmin
from core.word_search import has_word, split_words

_HISTORY_PER_PAGE: Final = 100


class BaseAdmin[Model: models.Model](VersionedAdmin[Model]):
    """The base class of all admins. Titles say where users are, and messages what they have just done."""

    # Facet counts would take one query per filter.
    show_facets = admin.ShowFacets.NEVER

    # The page that confirms the deletion of a tag need not list each of its thousand posts.
    delete_confirmation_max_display = 20

    kind_messages = KindMessages()

    # Whether the only views are those with a `route`, without Django's change list and forms.
    has_only_own_views = False

    @property
    def media(self) -> forms.Media:
        """The script of lists. Our fields don't need Django's other scripts, nor jQuery."""
        return forms.Media(js=["admin/js/actions.js"])

    def get_urls(self) -> list[URLPattern]:
        return routes_of(self) + ([] if self.has_only_own_views else super().get_urls())

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # A search for a regular expression can take forever, and SQLite would stop all threads meanwhile.
        return not lookup.endswith("regex") and super().lookup_allowed(lookup, value, request)

    def get_view_on_site_url(self, obj: Model | None = None) -> str | None:
        """Return the URL of the page of `obj`; None if it has none. Django's would be a redirect (config.admin)."""
        if self.view_on_site is True and (get_url := getattr(obj, "get_absolute_url", None)):
            return str(get_url())
        return super().get_view_on_site_url(obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the form field. Text fields take their direction from their first letter, not from the page.

        Numbers take their minimum from the model's validators; Django would set it to 0.
        """
        if isinstance(db_field, models.PositiveSmallIntegerField):
            minimums = [each.limit_value for each in db_field.validators if isinstance(each, MinValueValidator)]
            kwargs["min_value"] = max(minimums, default=0)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(field, "widget", None)
        if isinstance(widget, forms.TextInput | forms.Textarea):
            widget.attrs.setdefault("dir", "auto")
        return field

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Return the objects with all of these words in their `search_fields`, none of which has several values."""
        for word in split_words(search_term):
            queryset = queryset.filter(has_word(word, *self.search_fields))
        return queryset, False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FilterChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list or run an action. Raises BadRequest for invalid IDs, which would crash Django's view."""
        try:
            for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.run_validators(self.opts.pk.to_python(selected))
        except ValidationError as error:
            raise BadRequest("The selection contains an invalid ID.") from error
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "add_label": self._title("add"),
            "empty": self.kind_messages.empty or gettext("There is nothing here yet."),
        }
        response = super().changelist_view(request, {**context, **(extra_context or {})})
        page = getattr(response, "context_data", None) or {}
        if request.method == "POST" and "cl" not in page and "navigation" in page:
            # The page of an action has the URL of the list.
            page["navigation"].lead_to_list()
        return response

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        action = "add" if add else "edit" if self.has_change_permission(request, obj) else "view"
        context["title"] = self._title(action)
        if not self.change_form_template:
            # Admins with a template of their own list the errors and focus that list.
            form: forms.BaseForm = context["adminform"].form
            if wrong := next((field for name, field in form.fields.items() if name in form.errors), None):
                wrong.widget.attrs["autofocus"] = True
        return super().render_change_form(request, context, add, change, form_url, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form. One submitted after its session had expired is shown as filled in, not saved."""
        if "_saveasnew" in request.POST:
            # Django would save a copy even though the form offers no such button.
            raise BadRequest("Saving as a copy is not supported.")
        late: LateForm | None = getattr(request, "late_form", None)
        if late is None:
            show = partial(super().changeform_view, request, object_id, form_url, extra_context)
            return retry_on_conflict(show) if request.method == "POST" else show()
        messages.warning(request, late.warning)
        context = {**(extra_context or {}), "is_late": True}
        return super().changeform_view(as_sent(request, late), object_id, form_url, context)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        is_late = getattr(request, "late_form", None) is not None
        return type(form.__name__, (UnsavedForm, form), {}) if is_late else form

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the change list. While unfiltered, it shows neither a result count nor a link to all objects."""
        changes = super().get_changelist_instance(request)
        if not changes.query and not changes.has_active_filters:
            changes.full_result_count = changes.result_count
        return changes

    def log_addition(self, request: HttpRequest, obj: Any, message: ChangeMessage) -> None:  # type: ignore[override]  # it returns no LogEntry
        history().record(request.user, ADDITION, [obj], describe_changes(message))

    def log_change(self, request: HttpRequest, obj: Any, message: ChangeMessage) -> None:  # type: ignore[override]  # as above
        # Saving an unchanged form is not recorded.
        if message:
            history().record(request.user, CHANGE, [obj], describe_changes(message))

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> None:  # type: ignore[override]  # as above
        history().record(request.user, DELETION, queryset, "")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the history of an object to users who may view it."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        page = Paginator(history().of(obj), _HISTORY_PER_PAGE).get_page(request.GET.get("page"))
        context = {
            "title": _("History"),
            # For the browser tab only. On the page, the breadcrumb trail names the object.
            "subtitle": str(obj),
            "object": obj,
            "page": page,
            "records": history().read(page),
            **(extra_context or {}),
        }
        return self.own_page(request, "admin/object_history.html", **context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        response: Any = super().delete_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None)
        # The response that closes a popup asks for no confirmation.
        if context and "protected" in context and not (context["perms_lacking"] or context["protected"]):
            question = str(self.kind_messages.question).format(object=context["object"])
            context |= {"title": self._title("delete"), "question": question}
        return response

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            # The response closes the popup and shows no message.
            return super().response_add(request, obj, post_url_continue)
        return self._respond_saved(request, obj, self.kind_messages.added or gettext("{name} “{object}” added."))

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        return self._respond_saved(request, obj, self.kind_messages.saved or gettext("{name} “{object}” saved."))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_delete(request, obj_display, obj_id)
        texts = {"name": capfirst(self.opts.verbose_name), "object": obj_display}
        own = str(self.kind_messages.deleted).format(object=obj_display)
        text = own or gettext("%(name)s “%(object)s” deleted.") % texts
        self.report_done(request, text, self.undo_url([obj_id]))
        return self.response_post_save_change(request, self.model())

    def undo_url(self, pks: Sequence[int]) -> str:
        """Return the URL whose POST undoes the deletion of these objects; empty if there is no undo."""
        return ""

    def report_done(self, request: HttpRequest, text: str, undo_url: str) -> None:
        """Show a success message, with an undo button that POSTs to `undo_url` if there is one."""
        button = render_to_string("admin/undo.html", {"url": undo_url}, request) if undo_url else ""
        self.message_user(request, format_html("{} {}", text, button) if button else text, messages.SUCCESS)

    def _title(self, action: str) -> str:
        """Return the title of the page, or the text of the link, that adds, edits, views or deletes an object."""
        general = {
            "add": gettext("Add %(name)s"),
            "edit": gettext("Edit %(name)s"),
            "view": gettext("View %(name)s"),
            "delete": gettext("Delete %(name)s"),
        }
        return str(getattr(self.kind_messages, action)) or general[action] % {"name": self.opts.verbose_name}

    def _url(self, name: str, *args: object) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)

    def with_filters(self, request: HttpRequest, url: str) -> str:
        """Return a URL of this admin with the filters of the list that the user came from."""
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)

    def redirect_to_list(self, request: HttpRequest) -> HttpResponseRedirect:
        """Redirect to the list with the filters that it had."""
        return HttpResponseRedirect(self.with_filters(request, self._url("changelist")))

    def own_page(
        self, request: HttpRequest, template: str, title: Any, *, status_code: int = 200, **context: Any
    ) -> TemplateResponse:
        """Return a page that Django's admin does not have, in the admin's layout."""
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, template, context, status=status_code)

    def find_object(self, request: HttpRequest, pk: int, may: Callable[[HttpRequest, Model], bool]) -> Model:
        """Return the object with this ID. Raises Http404, and PermissionDenied unless this user `may`."""
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404
        if not may(request, obj):
            raise PermissionDenied
        return obj

    def _respond_saved(self, request: HttpRequest, obj: Model, text: str | Promise) -> HttpResponse:
        """Show the message `text` with links to the form of `obj` and to its page on the site.

        Redirect to the form that the submit button asked for, or else to the list.
        """
        name: SafeString | str = str(obj)
        if self.has_view_or_change_permission(request, obj):
            name = format_html('<a href="{}">{}</a>', self._url("change", quote(obj.pk)), name)
        message = format_html(str(text), name=capfirst(self.opts.verbose_name), object=name)
        if url := self.get_view_on_site_url(obj):
            message = format_html('{} <a href="{}">{}</a>', message, url, self._title("view"))
        self.report_done(request, message, getattr(obj, "undo_url", ""))
        if "_continue" in request.POST:
            url = self._url("change", quote(obj.pk))
        elif "_addanother" in request.POST:
            url = self._url("add")
        else:
            return self.response_post_save_change(request, obj)
        return HttpResponseRedirect(self.with_filters(request, url))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted, except rows that only link two objects and have no name of their own.

        Rows of models with `is_derived`, which are generated from other rows, are left out too. If an object is
        protected, missing permissions are not reported, because no permission would allow the deletion.
        """
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        links = [model._meta for model in apps.get_models(include_auto_created=True) if not is_worth_mentioning(model)]
        names = tuple(f"{capfirst(link.verbose_name)}: " for link in links)
        plurals = {link.verbose_name_plural for link in links}
        counts = {name: count for name, count in counts.items() if name not in plurals}
        return _without(to_delete, names), counts, set() if protected else needed, protected


def is_worth_mentioning(model: type[models.Model]) -> bool:
    """Return whether users know rows of this model, which don't only link two objects or follow from other rows."""
    return not (model._meta.auto_created or getattr(model, "is_derived", False))


def _without(nested: list[Any], prefixes: tuple[str, ...]) -> list[Any]:
    """Return the nested list without the strings that start with one of `prefixes`."""
    kept = [_without(each, prefixes) if isinstance(each, list) else each for each in nested]
    return [each for each in kept if each and not (isinstance(each, str) and each.startswith(prefixes))]


@admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
def delete_selected(model_admin: Any, request: HttpRequest, objects: QuerySet[Any]) -> Any:
    """Delete objects after confirmation, like Django's action of the same name but with our messages."""
    if not request.POST.get("post"):
        response: Any = actions.delete_selected(model_admin, request, objects)
        if not response.context_data["perms_lacking"] and not response.context_data["protected"]:
            response.context_data["title"] = gettext("Delete %(objects)s") % {"objects": model_ngettext(objects)}
        return response
    _to_delete, _counts, needed, protected = model_admin.get_deleted_objects(objects, request)
    if protected:
        return actions.delete_selected(model_admin, request, objects)
    if needed:
        raise PermissionDenied
    if count := len(objects):
        pks = [obj.pk for obj in objects]
        model_admin.log_deletions(request, objects)
        model_admin.delete_queryset(request, objects)
        texts = {"count": count, "objects": model_ngettext(model_admin.opts, count)}
        text = gettext("%(count)d %(objects)s deleted.") % texts
        model_admin.report_done(request, text, model_admin.undo_url(pks))
    return None


class OneRowAdmin(BaseAdmin[Any]):
    """The admin of a model with exactly one row and a class method `current`. It has no list."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        # `current` returns the defaults if the row is missing.
        self.wait_for_others(request, object_id)
        return self.model.current() if object_id == "1" else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", 1)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response: Any = super().render_change_form(request, context, *args, **kwargs)
        response.context_data |= {"title": capfirst(self.opts.verbose_name), "subtitle": None}
        # Saving always returns to the form.
        response.context_data["show_save_and_continue"] = False
        self.shorten_trail(response)
        return cast("HttpResponse", response)

    def shorten_trail(self, page: Any) -> None:
        """Remove the list from the breadcrumb trail, because this page takes its place."""
        trail = page.context_data["navigation"].trail
        trail[:] = [link for link in trail if link.url != self._url("changelist")]

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        self.message_user(request, gettext("Settings saved."), messages.SUCCESS)
        return HttpResponseRedirect(request.path)


class ReadOnlyAdmin(BaseAdmin[Any]):
    """The admin of rows that are never added, changed or deleted in forms, only viewed or used in views of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission


@admin.register(SiteSettings)
class SiteSettingsAdmin(OneRowAdmin):
    fieldsets = (
        (_("The site"), {"fields": ("title", "tagline", "footer", "search_engines_welcome")}),
        (_("Lists and feeds"), {"fields": ("entries_per_page", "entries_per_feed", "show_author", "show_excerpts")}),
    )
