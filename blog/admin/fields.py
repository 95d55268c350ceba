"""Form fields that the writing forms share."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from taggit.forms import TagField, TextareaTagWidget

from blog.models import Post
from blog.trees import TreeNode


def depth(node: TreeNode) -> int:
    return node.path.count("/")


class SourceField(forms.CharField):
    """A source as it was written. Browsers send their own line ends: a text nobody touched keeps its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return _plain_lines(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _plain_lines(initial or "") != _plain_lines(data or "")


def _plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def in_tree_order(nodes: Iterable[Any]) -> list[Any]:
    """Parents before their children. Sorted here: databases differ in where they put the `/` of a path."""
    return sorted(nodes, key=lambda node: node.path.split("/"))


class TreeIterator(ModelChoiceIterator[Any]):
    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        for node in in_tree_order(self.queryset.all()):
            yield self.choice(node)


def dashed(node: TreeNode) -> str:
    """Its name after a dash for each level, where nothing else can show the depth."""
    return "— " * depth(node) + str(node)


class TreeChoiceField(forms.ModelChoiceField[Any]):
    """One of a tree, in a select."""

    iterator = TreeIterator

    def label_from_instance(self, obj: TreeNode) -> str:
        return dashed(obj)


class TreeBoxesField(forms.ModelMultipleChoiceField[Any]):
    """Any of a tree, each with its box to tick."""

    iterator = TreeIterator
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: TreeNode) -> SafeString:
        return format_html('<span class="tree-{}">{}</span>', min(depth(obj), 5), obj)


class TagsWidget(TextareaTagWidget):  # type: ignore[misc]  # taggit ships no types
    """A line of names that grows. Its script suggests tags that are there; without it, it is a text area."""

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
            "data-found": _("{n} tags that fit: choose with the arrow keys, take one with Enter."),
        }

    class Media:
        css = {"all": ["admin-broadside/tags.css"]}
        js = [forms.Script("admin-broadside/tags.js", type="module")]


class TagsField(TagField):  # type: ignore[misc]  # taggit ships no types
    """Names of tags, parted by commas."""

    widget = TagsWidget

    def to_python(self, value: Any) -> str:
        # Whoever starts a new line means a new tag.
        return ",".join(_plain_lines(str(super().to_python(value))).split("\n"))

    def clean(self, value: Any) -> list[str]:
        names: list[str] = super().clean(value)
        limit = _tag_model()._meta.get_field("name").max_length
        for name in names:
            if len(name) > limit:
                raise ValidationError(
                    _("“%(start)s…” is too long for a tag: at most %(limit)d characters, and commas between tags.")
                    % {"start": name[:30], "limit": limit}
                )
        return names

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether it names other tags. Their order says nothing."""
        try:
            names = self.clean(data)
        except ValidationError:
            return True
        return {tag.name for tag in initial or []} != set(names)


def _tag_model() -> Any:
    # Through the relation: the tags themselves live above the blog.
    return Post.tags.through.tag_model()


def language_choices() -> list[tuple[str, Any]]:
    return [("", _("The language of the site")), *settings.LANGUAGES]
