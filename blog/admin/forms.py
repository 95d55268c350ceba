"""The forms for posts, pages and categories."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from blog.admin.fields import SourceField, TagsField
from blog.admin.trees import ParentField, TreeCheckboxesField, tree_order
from blog.admin.versions import VersionedForm
from blog.editing import SourceEditor
from blog.models import Category, Page, Post, Status
from blog.permissions import UNDECIDED, may_publish


class EntryForm(VersionedForm):
    """The base of the forms for posts and pages. The admin sets `user`, the person who is writing."""

    user: User

    source = SourceField(label=gettext_lazy("Text"))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("The site's language")), *settings.LANGUAGES],
        help_text=gettext_lazy("The language of the text, which also sets its direction."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        language = self.instance.language
        # A form that can't be changed does not have these fields.
        if "source" in fields:
            fields["source"].widget = SourceEditor(self.instance.markup)
        if "status" in fields:
            offered = Status if may_publish(self.user, self._meta.model) else UNDECIDED
            fields["status"].choices = [(status.value, status.label) for status in offered]
        # An import can bring languages that are not in the list.
        if "language" in fields and language not in dict(fields["language"].choices):
            fields["language"].choices = [*fields["language"].choices, (language, language)]
        if self.instance.published_at:
            self.initial["published_at"] = self.instance.published_at.replace(microsecond=0)

    def clean_source(self) -> str:
        # An imported source is kept byte for byte until it is changed.
        source: str = self.cleaned_data["source"]
        return source if "source" in self.changed_data else self.instance.source

    def clean_published_at(self) -> Any:
        # The form shows whole seconds. A time that is not changed keeps its microseconds, and with it its URL.
        return self.cleaned_data["published_at"] if "published_at" in self.changed_data else self.instance.published_at

    def conflict_message(self) -> str:
        time = date_format(localtime(self.instance.modified_at), "TIME_FORMAT")
        return _("This was changed elsewhere at %(time)s, after you opened it.") % {"time": time}


class PostForm(EntryForm):
    categories = TreeCheckboxesField(
        Category.objects.order_by(tree_order()), label=gettext_lazy("Categories"), required=False
    )
    tags = TagsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("Separate tags with commas. Tags that don't exist yet will be created."),
    )

    class Meta:
        model = Post
        fields = "__all__"  # the admin names the fields that each user may change


class ParentForm(forms.ModelForm[Any]):
    """A form for a node of a tree. The node itself and its descendants can't be chosen as its parent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "parent" in self.fields:
            field: Any = self.fields["parent"]
            field.queryset = field.queryset.exclude(pk__in=field.queryset.below(self.instance).values("pk"))


class PageForm(EntryForm, ParentForm):
    parent = ParentField(Page.objects.all(), gettext_lazy("Leave empty for a top-level page."))

    class Meta:
        model = Page
        fields = "__all__"  # noqa: DJ007  # as for posts


class CategoryForm(ParentForm):
    parent = ParentField(Category.objects.all(), gettext_lazy("Leave empty for a top-level category."))

    class Meta:
        model = Category
        fields = ("name", "parent", "slug", "description")
