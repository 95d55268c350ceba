"""Form fields for sources and tags."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from taggit.forms import TagField, TextareaTagWidget

from blog.models import Post
from core.text import unify_line_ends


class SourceField(forms.CharField):
    """The source of a text. Line endings don't count as a change, because browsers replace them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return unify_line_ends(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return unify_line_ends(initial or "") != unify_line_ends(data or "")


class TagsWidget(TextareaTagWidget):  # type: ignore[misc]  # taggit ships no types
    """A text area for the names of tags. Its script suggests existing tags."""

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
            "data-found": _("{n} matching tags. Use the arrow keys to choose one and press Enter."),
        }

    class Media:
        css = {"all": ["admin-broadside/tags.css"]}
        js = [forms.Script("admin-broadside/tags.js", type="module")]


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
        """Return whether the tags differ, in whatever order."""
        try:
            names = self.clean(data)
        except ValidationError:
            return True
        return {tag.name for tag in initial or []} != set(names)


def _tag_model() -> Any:
    # Through the relation, because the tags app is above this one.
    return Post.tags.through.tag_model()
