"""The forms for posts, pages and categories."""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from blog.admin.fields import CheckboxesField, SourceField, TagsField, TitleInput, UnlabelledInput, languages
from blog.admin.merging import MergingForm, saved_at, version_of
from blog.admin.new_category import NewCategoryForm
from blog.admin.trees import ParentField, TreeCheckboxesField
from blog.editing.editor import SourceEditor
from blog.editing.translations import LinkError, require_possible
from blog.editing.workflow import Step, may_take, state_of, steps_for
from blog.models import MAX_NOTE_LENGTH, Category, Enclosure, Entry, Page, Post, Status
from blog.permissions import may_view
from blog.revisions.comparing import Piece
from blog.revisions.describing import Difference
from core.text import parse_id, unify_line_ends
from core.versioned_form import VersionedForm


class LanguageForm(forms.Form):
    """Asks for the language to set on several posts or pages."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False, choices=languages)


class EntryForm(MergingForm):
    """The base class of the forms for posts and pages.

    It has no field for the status: the button that submits it names a `step` (blog.editing.workflow).
    """

    requires_version = True

    source = SourceField(label=gettext_lazy("Text"))
    # For a new entry: the ID of the entry that it translates (blog.admin.translations).
    translation_of = forms.IntegerField(required=False, widget=UnlabelledInput)
    # When that entry was last changed before its translation was begun.
    original_version = forms.CharField(required=False, widget=UnlabelledInput)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=languages,
        help_text=gettext_lazy(
            "The language of the text, which also sets its direction. If it is not set, each paragraph takes the "
            "direction of its first letter."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        fields: dict[str, Any] = self.fields
        language = self.instance.language
        # A copy, because validation sets the submitted values on the instance.
        self.stored = copy(self.instance) if self.instance.pk else None
        self.state = state_of(self.instance)
        self.steps = steps_for(self.user, self.instance)
        self.public_url = self.instance.get_absolute_url() if self.instance.is_public else ""
        if self.instance.pk:
            for name in ("translation_of", "original_version"):
                fields.pop(name, None)
        # A read-only form doesn't have these fields.
        for name in {"title", "excerpt"} & fields.keys():
            fields[name].widget.attrs["dir"] = "auto"
        if "title" in fields and not self.instance.pk:
            fields["title"].widget.attrs["autofocus"] = True
        if "source" in fields:
            fields["source"].widget = SourceEditor(self.instance)
            # Only on the writing screen: quick edit has an ordinary input for the title.
            if "title" in fields:
                fields["title"].widget = TitleInput({**fields["title"].widget.attrs, "rows": 2})
        if "slug" in fields and self.instance.pk and self.instance.public_from:
            fields["slug"].help_text = _(
                "The last part of the URL. If you change it, the old URL leads to the new one."
            )
        if "author" in fields and self.instance.pk:
            fields["author"].stored = self.instance.author
        if "password" in fields:
            # This password is for readers: browsers should neither save it as the editor's own nor correct it.
            fields["password"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        # Imported entries can have languages that are not in the list.
        if "language" in fields and language not in dict(fields["language"].choices):
            fields["language"].choices = [*fields["language"].choices, (language, language)]

    @property
    def step(self) -> Step | None:
        """The step that the submitted form takes, or None if there is no such step. The Enter key saves."""
        name = self.data.get("_step", Step.SAVE)
        return Step(name) if name in Step else None

    @cached_property
    def changed_data(self) -> list[str]:
        changed = super().changed_data
        version = self.data.get(self.add_prefix("version"), "")
        if version == self.initial.get("version"):
            return changed
        # On the second click of a double click, the first one has already set the slug and the publication time.
        time, opened = self.cleaned_data.get("published_at"), saved_at(version)
        is_now = time is None or (self.step == Step.PUBLISH and time > now())
        is_published_since = self.state == Status.PUBLISHED and (not opened or self.instance.published_at > opened)
        filled_in = {"slug": not self.cleaned_data.get("slug"), "published_at": is_now and is_published_since}
        return [name for name in changed if not filled_in.get(name)]

    def _get_validation_exclusions(self) -> Any:
        # The fields have already looked up the first two; the model would do so again. A missing time is set on saving.
        return super()._get_validation_exclusions() | {"author", "featured_picture", "published_at"}  # type: ignore[misc]  # missing from the stubs

    @cached_property
    def original(self) -> Entry | None:
        """The entry that this new one translates, if the user may view it."""
        pk = parse_id(str(self["translation_of"].value())) if "translation_of" in self.fields else 0
        original = self._meta.model._default_manager.filter(pk=pk).first() if pk else None
        return original if original and may_view(self.user, original) else None

    def clean_language(self) -> str:
        """Check that a new translation can be linked. Existing ones are checked on linking, and by the model."""
        language = str(self.cleaned_data["language"])
        if self.original is not None:
            new = self._meta.model(title=self.data.get("title", ""), language=language)
            try:
                require_possible([self.original, *self.original.translations(), new])
            except LinkError as error:
                raise ValidationError(str(error)) from error
        return language

    @property
    def note(self) -> str:
        """The note to the author from an editor who returns the text."""
        typed = self.data.get("_note", "") if self.is_bound else _note_in(self.draft or {})
        return unify_line_ends(typed).strip()

    def differences(self, draft: Mapping[str, list[str]]) -> list[Difference]:
        found = super().differences(draft)
        if note := _note_in(draft).strip():
            found.append(Difference(_("Note to the author"), [Piece("added", note)]))
        return found

    def clean(self) -> dict[str, Any]:
        super().clean()
        # Keep the other fields exactly as stored.
        cleaned = self.changed_values() if self.instance.pk else self.cleaned_data
        if len(self.note) > MAX_NOTE_LENGTH:
            raise ValidationError(
                _("The note is longer than %(limit)d characters. Shorten it.") % {"limit": MAX_NOTE_LENGTH}
            )
        if self.step is None or not may_take(self.user, self.instance, self.step):
            raise ValidationError(
                _("This can't be done now, because the status or your permissions have changed. Nothing was saved.")
            )
        if self.step == Step.SCHEDULE and "published_at" not in self.errors:
            time = cleaned.get("published_at", self.instance.published_at)
            if time is None:
                self.add_error("published_at", _("Choose the date and the time at which readers will see this."))
            elif time <= now():
                self.add_error("published_at", _("This time is in the past. Choose a later one, or publish now."))
        return cleaned

    def conflict_advice(self) -> str:
        return _("Look at the merged version below, then save it. The other version stays in the revisions.")

    def stored_version(self) -> str:
        return version_of(self.instance, self.initial.get("categories", ()), self.initial.get("tags", ()))

    def conflict_message(self, version: str) -> str:
        if saved_at(version) == self.instance.modified_at:
            return super().conflict_message(version)
        time = f"{localtime(self.instance.modified_at):%H:%M}"
        return _("This was changed elsewhere at %(time)s, after you opened it.") % {"time": time}


def _note_in(draft: Mapping[str, list[str]]) -> str:
    return (draft.get("_note") or [""])[-1]


class PostForm(EntryForm, NewCategoryForm):
    categories = TreeCheckboxesField(Category.objects.all(), gettext_lazy("Categories"))
    tags = TagsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("Separate tags with commas. Tags that don't exist yet will be created."),
    )

    removed_enclosures = CheckboxesField(
        Enclosure.objects.none(),
        label=gettext_lazy("Files to remove"),
        required=False,
        help_text=gettext_lazy(
            "Feeds offer these files with the post. Those that are not in the text are shown above it."
        ),
    )

    class Meta:
        model = Post
        fields = "__all__"  # the admin names the fields that each user may change

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if getattr(self.instance, "has_enclosures", False):
            self.fields["removed_enclosures"].queryset = self.instance.enclosures.all()  # type: ignore[attr-defined]  # it is a CheckboxesField
        else:
            self.fields.pop("removed_enclosures", None)

    def clean(self) -> dict[str, Any]:
        """Add the new category, which may not be stored yet, to the chosen ones."""
        cleaned = super().clean()
        if self.category is not None and "new_category" in self.changed_data:
            chosen = cleaned.get("categories", self.initial.get("categories") or ())
            cleaned["categories"] = [*chosen, self.category]
        return cleaned

    def values_in(self, draft: Mapping[str, list[str]]) -> Iterator[tuple[str, Any]]:
        yield from self.without_added_category(dict(super().values_in(draft))).items()


class ParentForm(forms.ModelForm[Any]):
    """A form for a node of a tree. The node itself and its descendants can't be chosen as its parent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "parent" in self.fields:
            field: Any = self.fields["parent"]
            field.queryset = field.queryset.exclude(pk__in=field.queryset.below(self.instance.path).values("pk"))


class PageForm(EntryForm, ParentForm):
    parent = ParentField(Page.objects.all(), gettext_lazy("Leave empty for a top-level page."))

    class Meta:
        model = Page
        fields = "__all__"  # noqa: DJ007  # as for posts


class CategoryForm(ParentForm, VersionedForm):
    parent = ParentField(Category.objects.all(), gettext_lazy("Leave empty for a top-level category."))

    class Meta:
        model = Category
        fields = ("name", "parent", "slug", "description")
