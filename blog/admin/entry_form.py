"""The screen for writing posts and pages: one form, whose buttons name their step (blog.editing.workflow)."""

from typing import Any, ClassVar, Final, cast

from django.contrib import admin, messages
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import DateTimeField, Exists, OuterRef, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.audit import recording
from accounts.models import User
from blog import publishing
from blog.admin.entry_actions import EntryActions
from blog.admin.entry_preview import PreviewAdmin, review
from blog.admin.fields import AuthorField, possible_authors
from blog.admin.forms import EntryForm
from blog.admin.results import state_sentence, step_label
from blog.admin.site_time import SiteTimeField, SiteTimeInput, zone_sentence
from blog.admin.translations import TranslationsMixin
from blog.editing import original_changes, translations, undoing
from blog.editing.workflow import Step, state_of, take
from blog.models import MAX_NOTE_LENGTH, Enclosure, Entry, Post, Status
from blog.permissions import Anyone, may_edit, may_publish
from blog.rendering.markups import markups
from blog.review import notes
from core.history import describe_changes
from core.text import parse_id, remove_unstorable
from media.models import Picture

# Steps with an action of their own in the audit log.
_RECORDED: Final = {
    Step.PUBLISH: Action.PUBLISHED,
    Step.SCHEDULE: Action.SCHEDULED,
    Step.PUBLISH_PRIVATELY: Action.PUBLISHED_PRIVATELY,
    Step.UNPUBLISH: Action.UNPUBLISHED,
    Step.TRASH: Action.TRASHED,
    Step.RESTORE: Action.RESTORED,
}
# How many of an author's latest texts determine their usual language.
_LATEST: Final = 5


class FeaturedPictureInput(ForeignKeyRawIdWidget):
    """The image with its alternative text, chosen in a dialog. Without JavaScript, its ID is entered."""

    template_name = "admin/blog/entry/featured_picture.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, {**(attrs or {}), "placeholder": gettext("ID")})
        pk = parse_id(str(value or ""))
        context["picture"] = Picture.objects.present().filter(pk=pk).first() if pk else None
        return context

    def label_and_url_for_value(self, value: Any) -> tuple[str, str]:
        # The template shows the image itself.
        return "", ""


class EntryFormAdmin(TranslationsMixin, EntryActions, PreviewAdmin):
    """The form for posts and pages, whose admins add the fields of their kind."""

    # The titles and fields of the fieldsets that come first in the panel.
    own_fieldsets: ClassVar[list[tuple[Any, list[str]]]]

    change_form_template = "admin/blog/entry/change_form.html"
    readonly_fields = ("markup_label", "modified_at")
    # Pictures are chosen in a separate window, because there can be thousands.
    raw_id_fields = ("featured_picture",)
    # Instead, change_form.html links to the stored entry, because the entered values may not give a URL.
    view_on_site = False
    formfield_overrides: ClassVar[Any] = {DateTimeField: {"form_class": SiteTimeField, "widget": SiteTimeInput}}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the entry. When it is about to be saved, its row is locked, so that others wait for this save."""
        enclosures = Enclosure.objects.filter(post=OuterRef("pk"))
        entries = self.get_queryset(request).select_related("author").annotate(has_enclosures=Exists(enclosures))
        if request.method == "POST" and transaction.get_connection().in_atomic_block:
            entries = entries.select_for_update(of=("self",))
        try:
            return entries.get(pk=self.opts.pk.to_python(object_id))
        except (self.model.DoesNotExist, ValidationError):
            return None

    def get_form(self, request: HttpRequest, obj: Entry | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user
        # Read once for all that the form shows.
        if isinstance(obj, Post) and obj.pk:
            prefetch_related_objects([obj], "categories", "tags")
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Entry | None = None) -> Any:
        """Return the fieldsets. Those with the classes `writing` and `time` are not in the panel (change_form.html)."""
        user = request.user
        editable = obj is None or may_edit(user, obj)
        writing = ["title", "source", *(["translation_of", "original_version"] if obj is None else [])]
        url_fields = ["slug"] if obj is None else ["slug", "markup_label", "modified_at"]
        # Each gets a section of its own, if this user may set it.
        for_editors = {"author": _("Author"), "sticky": _("Front page")}
        fieldsets: list[tuple[Any, list[str]]] = [
            *self.own_fieldsets,
            (_("Featured image"), ["featured_picture"]),
            (_("Excerpt"), ["excerpt"]),
            (_("URL and format"), url_fields),
            (_("Language"), ["language"]),
            (_("Discussion"), ["comments_open"]),
            (_("Password"), ["password"]),
            (_("Search engines"), ["noindex"]),
            *[(for_editors[name], [name]) for name in self.get_editor_fields(user)],
        ]
        # A read-only form shows the time to everyone.
        time = ["published_at"] if may_publish(user, self.model) or not editable else []
        return [
            (None, {"fields": writing, "classes": ["writing"]}),
            *([(_("Date"), {"fields": time, "classes": ["time"]})] if time else []),
            *[(title, {"fields": fields}) for title, fields in fieldsets],
        ]

    def get_editor_fields(self, user: Anyone) -> list[str]:
        """Return the fields that only users who may change everyone's entries can set."""
        return ["author"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        own = {"author": request.user.pk, "language": self._usual_language(request)}
        return {**own, **super().get_changeform_initial_data(request)}

    def _usual_language(self, request: HttpRequest) -> str:
        """Return the language of this user's latest public posts or pages, or "" if they are in several."""
        latest = self.model._default_manager.published().filter(author=request.user.pk).newest_first()
        languages = set(latest.values_list("language", flat=True)[:_LATEST])
        return languages.pop() if len(languages) == 1 else ""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "featured_picture":
            kwargs["widget"] = FeaturedPictureInput(db_field.remote_field, self.admin_site)
        if db_field.name != "author":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        people = possible_authors(self.model)
        # Leave out the icons for changing and deleting users, which the parent's method would add.
        return self.formfield_for_foreignkey(db_field, request, queryset=people, form_class=AuthorField, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        form: EntryForm = context["adminform"].form
        entry: Entry | None = context["original"]
        suffix, ids = ("", [entry.pk]) if entry else ("_new", [])
        may_share = form.steps.main and not form.public_url
        context |= {
            "state": form.state,
            "public_url": form.public_url,
            "state_sentence": state_sentence(form.stored),
            "main_buttons": _buttons(form, form.steps.main),
            "other_buttons": _buttons(form, form.steps.others),
            "can_be_saved": Step.SAVE in form.steps,
            "can_be_scheduled": Step.SCHEDULE in form.steps,
            "preview_links_url": self._url("preview_links", *ids) if ids and may_share else "",
            "preview_url": self._url(f"preview{suffix}", *ids),
            "advice_url": self._url(f"advice{suffix}", *ids),
            "review": review(form.instance, None, None) if entry and form.steps.main else {},
            "zone_sentence": zone_sentence(form.instance.published_at),
            "note_to_author": form.note,
            "max_note_length": MAX_NOTE_LENGTH,
            "errors_by_field": [(bound, bound.errors) for bound in form if bound.errors],
        }
        return super().render_change_form(request, context, *args, **kwargs)

    # Saving

    def save_model(self, request: HttpRequest, obj: Entry, form: Any, change: bool) -> None:
        categories, tags = (form.cleaned_data.get(name) for name in ("categories", "tags"))
        take(form.step, obj)
        user = cast("User", request.user)
        obj.step = form.step  # type: ignore[attr-defined]  # for the response
        has_new_state = not change or state_of(obj) != form.state
        obj.recorded = _RECORDED.get(form.step) if has_new_state else None  # type: ignore[attr-defined]  # for the log
        # If nothing has changed, saving must not look like a change to others who have the form open.
        if has_new_state or form.changed_data:
            publishing.save_entry(obj, user, categories=categories, tags=tags, stored=form.stored)
        is_hidden = form.state == Status.PUBLISHED and obj.is_scheduled
        if is_hidden:
            obj.recorded = Action.SCHEDULED  # type: ignore[attr-defined]  # for the log
        if is_hidden or (has_new_state and form.step == Step.TRASH):
            edit = publishing.BulkChange()
            was, became = (
                {name: getattr(each, name) for name in ("status", "published_at")} for each in (form.stored, obj)
            )
            edit.record_undo(obj.pk, was, became)
            obj.undoable = undoing.remember(edit)  # type: ignore[attr-defined]  # for the response
        if form.original is not None:
            try:
                translations.link(obj, form.original, user, is_new=True)
                original_changes.begin(obj, form.original, form.cleaned_data["original_version"])
            except translations.LinkError as error:
                # Someone else linked another translation after the form was validated. The text is saved anyway.
                self.message_user(request, str(error), messages.WARNING)
        if form.step == Step.RETURN and form.note:
            notes.add(obj, user, remove_unstorable(form.note))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing, because categories and tags were saved together with the entry."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Return the change message for the history, including the status, which is not a form field."""
        message: Any = super().construct_change_message(request, form, formsets, add)
        if not add and state_of(form.instance) != form.state:
            message.append({"changed": {"fields": [gettext_noop("Status")]}})
        return message

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]  # as in BaseAdmin
        self._record(request, obj, Action.ADDED, "")

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]  # as above
        if message:
            self._record(request, obj, Action.CHANGED, describe_changes(message))

    def _record(self, request: HttpRequest, obj: Any, default: Action, details: str) -> None:
        """Record the step that was taken, or else the `default` action."""
        action = getattr(obj, "recorded", None) or default
        recording.record(action, [obj], by=cast("User", request.user), details=details)

    def response_add(self, request: HttpRequest, obj: Entry, post_url_continue: str | None = None) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Report what happened and show the form again, or the list if the entry was moved to the trash."""
        self.report_step(request, obj.step, obj, in_form=True)
        if obj.step == Step.TRASH:
            return self.response_post_save_change(request, obj)
        return HttpResponseRedirect(self.with_filters(request, self._url("change", obj.pk)))

    @admin.display(description=_("format"))
    def markup_label(self, entry: Entry) -> str:
        markup = markups.get(entry.markup)
        return markup.label if markup else entry.markup


def _buttons(form: EntryForm, steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    """Return the buttons for `steps`. The last main step is the primary one. Phones dock it and the Save button."""
    return [
        {
            "step": step.value,
            "label": step_label(step, form.state),
            "is_primary": step == form.steps.main[-1],
            "is_docked": step in {Step.SAVE, form.steps.main[-1]},
        }
        for step in steps
    ]
