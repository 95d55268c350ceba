"""The part of the form of a post that adds a category which does not exist yet."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.admin.trees import ParentField
from blog.models import Category
from core.text import parse_id


class NewCategoryForm(forms.ModelForm[Any]):
    """The fields for a new category, for users who may add categories. The admin stores the category."""

    user: User
    # The category that was asked for: a new one, or one that exists by that name.
    category: Category | None = None

    new_category = forms.CharField(
        label=_("New category"),
        required=False,
        max_length=Category._meta.get_field("name").max_length,
        widget=forms.TextInput({"autocomplete": "off", "dir": "auto"}),
        help_text=_("The category is added when you save the post."),
    )
    new_category_parent = ParentField(Category.objects.all(), _("Leave empty for a top-level category."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.user.has_perm("blog.add_category"):
            for name in ("new_category", "new_category_parent"):
                self.fields.pop(name, None)

    @cached_property
    def changed_data(self) -> list[str]:
        changed = super().changed_data
        chosen, stored = set(self.cleaned_data.get("categories") or ()), set(self.initial.get("categories") or ())
        if self.category is None or self.category.pk is None or {*chosen, self.category} != stored:
            return changed
        # The first click of a double click has added it.
        return [name for name in changed if name not in {"categories", "new_category", "new_category_parent"}]

    def clean(self) -> dict[str, Any]:
        """Check the new category. One that exists by that name is used instead, as in WordPress."""
        cleaned = super().clean() or {}
        name, parent = cleaned.get("new_category"), cleaned.get("new_category_parent")
        if name and "new_category_parent" not in self.errors:
            self.category = _existing(name, parent and parent.pk) or Category(name=name, parent=parent)
            try:
                self.category.clean()
            except ValidationError as error:
                self.add_error("new_category_parent", error.message_dict["parent"])
        return cleaned

    def without_added_category(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the submitted `values`, in which a new category under which the post is already filed is chosen.

        An earlier submission of the same form has added it, whose response may have been lost.
        """
        name = (values.get("new_category") or "").strip()
        category = _existing(name, parse_id(values.get("new_category_parent") or "")) if name else None
        if category is None or category not in (self.initial.get("categories") or ()):
            return values
        chosen = {*values.get("categories", ()), str(category.pk)}
        return values | {"categories": [*chosen], "new_category": "", "new_category_parent": ""}

    def add_category(self) -> bool:
        """Store the category if it is new, and return whether it was.

        Raises IntegrityError if someone else has just added one by that name. Submitting the form again then uses it.
        """
        if self.category is None or self.category.pk:
            return False
        self.category.save()
        if _existing(self.category.name, self.category.parent_id) != self.category:
            raise IntegrityError("Someone else has just added this category.")
        return True


def _existing(name: str, parent_id: int | None) -> Category | None:
    """Return the first category of that name below this parent, ignoring case."""
    siblings = Category.objects.filter(parent=parent_id or None).order_by("pk")
    # Compared here, because SQLite ignores the case of ASCII letters only.
    return next((each for each in siblings if each.name.casefold() == name.casefold()), None)
