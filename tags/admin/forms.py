"""The forms for curating tags."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from blog.admin.fields import ExistingTagsWidget, TagsField
from tags.models import Tag
from tags.names import tag_key


class MergeForm(forms.Form):
    """Asks which of several tags stays, or for another tag to merge them into."""

    target = forms.ModelChoiceField(
        Tag.objects.none(), label=_("Tag to keep"), required=False, widget=forms.RadioSelect, empty_label=None
    )
    other = TagsField(
        label=_("Or merge all of them into another tag"),
        required=False,
        widget=ExistingTagsWidget(attrs={"data-single": True}),
        help_text=_("The name of an existing tag. Leave empty to keep one of the tags above."),
    )

    def __init__(self, *args: Any, tags: list[Tag], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["target"]
        field.queryset = Tag.objects.filter(pk__in=[tag.pk for tag in tags])
        field.choices = [(tag.pk, _label(tag)) for tag in tags]
        if len(tags) == 1:
            self.fields["other"].label, self.fields["other"].help_text = self.fields["target"].label, ""

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if names := data.get("other"):
            data["target"] = Tag.objects.filter(key=tag_key(names[0])).first() if len(names) == 1 else None
            if data["target"] is None:
                self.add_error("other", ValidationError(gettext("There is no tag with this name.")))
        elif not data.get("target") and "target" not in self.errors:
            self.add_error("target", ValidationError(gettext("Choose the tag to keep.")))
        return data


def _label(tag: Any) -> str:
    """Return the name with the number of posts, which `with_counts` has annotated."""
    posts = ngettext("%d post", "%d posts", tag.post_count) % tag.post_count
    return f"{tag.name} ({posts})"


class RenameForm(forms.ModelForm[Tag]):
    """Asks for a new name and slug."""

    class Meta:
        model = Tag
        fields = ("name", "slug")
        widgets = {"name": forms.TextInput(attrs={"autofocus": True})}
