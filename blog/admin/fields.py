"""The fields and widgets of the forms for posts, pages and categories, and their choices."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from taggit.forms import TagField, TextareaTagWidget

from accounts.models import User
from blog.models import Entry, Post
from core.languages import known_languages
from core.text import parse_id, unify_line_ends


class UnlabelledInput(forms.HiddenInput):
    """A hidden input without a label."""

    def id_for_label(self, id_: str) -> str:
        # The admin renders a label for every field, but a label can't refer to a hidden input.
        return ""


class CheckboxesField(forms.ModelMultipleChoiceField[Any]):
    """A choice of any number of objects, as checkboxes."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> Any:
        for sent in value or ():
            # With Django's field, an ID that is too large for SQLite raises an error.
            if isinstance(sent, str) and not parse_id(sent):
                raise ValidationError(self.error_messages["invalid_pk_value"], "invalid_pk_value", {"pk": sent})
        return super().clean(value)


class AuthorField(forms.ModelChoiceField[User]):
    """A field for a user, which takes no query if the value is the stored author."""

    stored: User | None = None

    def to_python(self, value: Any) -> User | None:
        is_stored = self.stored is not None and str(value) == str(self.stored.pk)
        return self.stored if is_stored else super().to_python(value)


def possible_authors(model: type[Entry]) -> QuerySet[User]:
    """Return the users who can become the author of a post or page: staff, and users who have written one."""
    authors = model._default_manager.order_by().values("author")
    people: QuerySet[User] = User.objects.filter(Q(is_staff=True) | Q(pk__in=authors))
    return people.order_by("display_name", "pk")


class SourceField(forms.CharField):
    """The source of a text. Line endings don't count as a change, because browsers replace them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return unify_line_ends(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return unify_line_ends(initial or "") != unify_line_ends(data or "")


class TagsWidget(TextareaTagWidget):  # type: ignore[misc]  # taggit ships no types
    """A text area for the names of tags. Its script shows them as chips and suggests existing tags."""

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        tag = _tag_model()._meta
        attrs: dict[str, Any] = super().build_attrs(base_attrs, extra_attrs)
        return attrs | {
            "class": "tags-line",
            "rows": 2,
            "cols": 80,
            "autocomplete": "off",
            "autocapitalize": "off",
            "dir": "auto",
            "data-suggest": reverse(f"admin:{tag.app_label}_{tag.model_name}_suggest"),
            "data-found": _("Matching tags: {n}. Use the arrow keys to choose one and press Enter."),
            "data-create": _("Create “{name}”"),
            "data-remove": _("Remove {name}"),
            "data-removed": _("{name} removed."),
            # The fields whose text is searched for existing tags.
            "data-texts": "title source",
            "data-from-text": _("Suggest tags from the text"),
            "data-occurring": _("Existing tags in the text: {n}."),
            "data-none": _("No other existing tag occurs in the text."),
            "data-failed": _("The tags could not be looked up. Try again later."),
        }

    class Media:
        css = {"all": ["admin-broadside/tags.css"]}
        js = [forms.Script("admin-broadside/tags.js", type="module")]


class ExistingTagsWidget(TagsWidget):
    """Suggests existing tags, and doesn't offer to create others."""

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().build_attrs(*args, **kwargs) | {"data-create": False}


class TitleInput(forms.Textarea):
    """A text area for a single line, so that a long title is fully visible. Line breaks become spaces."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value and " ".join(value.splitlines())


class TagsField(TagField):  # type: ignore[misc]  # taggit ships no types
    """Names of tags, separated by commas or new lines."""

    widget = TagsWidget

    def to_python(self, value: Any) -> str:
        return unify_line_ends(str(super().to_python(value))).replace("\n", ",")

    def clean(self, value: Any) -> list[str]:
        names: list[str] = super().clean(value)
        limit = _tag_model()._meta.get_field("name").max_length
        for name in names:
            if len(name) > limit:
                raise ValidationError(
                    _("The tag “%(start)s…” is longer than %(limit)d characters. Separate tags with commas.")
                    % {"start": name[:30], "limit": limit}
                )
        return names

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the tags differ, regardless of their order."""
        try:
            names = self.clean(data)
        except ValidationError:
            return True
        return {tag.name for tag in initial or []} != set(names)


def _tag_model() -> Any:
    # Through the relation, because the tags app is above this one.
    return Post.tags.through.tag_model()


def languages() -> list[tuple[str, str]]:
    """Return form choices for the language of a text."""
    return [("", _("Not set")), *known_languages().items()]
