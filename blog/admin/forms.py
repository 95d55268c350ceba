"""The forms in which posts, pages and categories are written."""

from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from blog.admin.fields import SourceField, TagsField, TreeBoxesField, TreeChoiceField, language_choices
from blog.admin.versions import VersionedForm
from blog.editing import SourceEditor
from blog.models import Category, Page, Post, Status
from blog.permissions import UNDECIDED, may_publish
from blog.trees import TreeNode


class EntryForm(VersionedForm):
    """What the forms for posts and pages have in common. The admin puts in who is writing, as `user`."""

    user: User

    source = SourceField(label=gettext_lazy("Text"))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=language_choices,
        help_text=gettext_lazy("Of the text; it decides the direction of writing."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # On a page that only shows, these fields are not there.
        if "source" in self.fields:
            self.fields["source"].widget = SourceEditor(self.instance.markup)
        if "status" in self.fields:
            self._offer_statuses(self.fields["status"])
        if "language" in self.fields:
            self._keep_language(self.fields["language"])
        if self.instance.published_at:
            self.initial["published_at"] = self.instance.published_at.replace(microsecond=0)

    def clean_source(self) -> str:
        # The source of an import is kept byte for byte until somebody changes it.
        source: str = self.cleaned_data["source"]
        return source if "source" in self.changed_data else self.instance.source

    def clean_published_at(self) -> Any:
        # The form shows whole seconds: one that nobody touched keeps its fraction, and with it its address.
        return self.cleaned_data["published_at"] if "published_at" in self.changed_data else self.instance.published_at

    def saved_meanwhile(self) -> str:
        time = date_format(localtime(self.instance.modified_at), "TIME_FORMAT")
        return _("This was saved from elsewhere at %(time)s, after you had opened it.") % {"time": time}

    def _offer_statuses(self, field: Any) -> None:
        offered = Status if may_publish(self.user, self._meta.model) else UNDECIDED
        field.choices = [(status.value, status.label) for status in offered]

    def _keep_language(self, field: Any) -> None:
        known = {code for code, _name in field.choices}
        if self.instance.language not in known:
            field.choices = [*field.choices, (self.instance.language, self.instance.language)]


class PostForm(EntryForm):
    categories = TreeBoxesField(Category.objects.all(), label=gettext_lazy("Categories"), required=False)
    tags = TagsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("Commas between them. A name that is not there yet becomes a new tag."),
    )

    class Meta:
        model = Post
        fields = "__all__"  # the admin names the fields, for each person those they may change


class ParentForm(forms.ModelForm[Any]):
    """For something with a parent: offers all but itself and what stands under it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        node: TreeNode = self.instance
        if node.pk and "parent" in self.fields:
            field: Any = self.fields["parent"]
            below = field.queryset.below(node)
            field.queryset = field.queryset.exclude(pk__in=below.values("pk"))


class PageForm(EntryForm, ParentForm):
    parent = TreeChoiceField(
        Page.objects.all(), label=gettext_lazy("Parent"), required=False, help_text=gettext_lazy("Empty: at the top.")
    )

    class Meta:
        model = Page
        fields = "__all__"  # noqa: DJ007  # as for posts


class CategoryForm(ParentForm):
    parent = TreeChoiceField(
        Category.objects.all(),
        label=gettext_lazy("Parent"),
        required=False,
        help_text=gettext_lazy("Empty: at the top."),
    )

    class Meta:
        model = Category
        fields = ("name", "parent", "slug", "description")
