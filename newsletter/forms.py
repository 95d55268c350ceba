"""The forms for readers: to follow, and to change what they follow."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from comments.forms import EmailField
from core.languages import language_name
from newsletter.models import Frequency, Subscriber


class FollowForm(forms.Form):
    """The form to follow a topic. If that is all posts, one of several `languages` can be chosen."""

    email = EmailField(label=_("E-mail"), max_length=254)
    frequency = forms.ChoiceField(
        label=_("How often"), choices=Frequency.choices, initial=Frequency.IMMEDIATELY, required=False
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    # People don't see this field, so bots that fill in every field give themselves away.
    subject = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(self, data: QueryDict | None = None, *, languages: list[str]) -> None:
        super().__init__(data, auto_id="follow-%s", label_suffix="")
        if len(languages) > 1:
            choices = [(code, language_name(code)) for code in languages]
            self.fields["language"].choices = [("", _("All languages")), *choices]  # type: ignore[attr-defined]  # of a ChoiceField
        else:
            del self.fields["language"]

    def clean_frequency(self) -> str:
        # The box below posts doesn't ask for it.
        return self.cleaned_data["frequency"] or Frequency.IMMEDIATELY


class ManageForm(forms.Form):
    """The subscriptions of a subscriber, each with its frequency. An empty frequency ends a subscription."""

    def __init__(self, data: QueryDict | None = None, *, subscriber: Subscriber) -> None:
        super().__init__(data, auto_id="follow-%s", label_suffix="")
        choices = [*Frequency.choices, ("", pgettext_lazy("frequency", "Stop following"))]
        rows: Any = subscriber.subscriptions.select_related("category", "tag", "author").order_by("pk")
        for row in rows:
            self.fields[str(row.pk)] = forms.ChoiceField(
                label=str(row), choices=choices, initial=row.frequency, required=False
            )

    @property
    def frequencies(self) -> dict[int, str]:
        """The frequencies that were chosen, by the ID of the subscription."""
        return {int(name): value for name, value in self.cleaned_data.items() if name in self.data}
