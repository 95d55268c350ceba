"""The form that asks which name to withdraw."""

import re
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from operations.withdrawals.matching import Name
from search.text import words_of

_MAX_SPELLINGS: Final = 50
_MAX_LENGTH: Final = 200
# Fewer letters would be found in every text.
_MIN_LETTERS: Final = 2
# Characters with a meaning in HTML, Markdown, URLs or lists of tags.
_NOT_ALLOWED: Final = re.compile(r"[<>&\"'`\\*_|,/#%@=\x00-\x1f\x7f]")


class NameForm(forms.Form):
    """Asks for a name, its other spellings and a replacement. Once it is valid, it has all of them in `spellings`."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
        help_text=_(
            "As it is written, such as “Ann Lee”. Upper case, accents, vowel signs, hyphens and markup make no "
            "difference, and it is found in URLs and file names too. It is never found within longer words."
        ),
    )
    author = forms.ModelChoiceField(
        User.objects.order_by("display_name", "pk"),
        label=_("Or someone with an account"),
        required=False,
        help_text=_(
            "The name that readers see for this person is withdrawn as well. The account itself stays as it is."
        ),
    )
    others = forms.CharField(
        label=_("Other spellings"),
        required=False,
        max_length=_MAX_SPELLINGS * _MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
        help_text=_(
            "One on each line, also in other scripts. Other spellings that are found on the site are suggested next."
        ),
    )
    replacement = forms.CharField(
        label=_("Replacement"),
        max_length=60,
        help_text=_("For example, initials, or “[…]” if the texts are in several languages."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def clean_replacement(self) -> str:
        replacement = " ".join(self.cleaned_data["replacement"].split())
        if _NOT_ALLOWED.search(replacement):
            text = gettext("Use only letters, digits, spaces, dots, hyphens and brackets.")
            raise forms.ValidationError(text)
        return replacement

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        author: User | None = cleaned.get("author")
        typed = [
            cleaned.get("name", ""),
            *cleaned.get("others", "").splitlines(),
            author.display_name if author else "",
        ]
        spellings = list(dict.fromkeys(" ".join(line.split()) for line in typed if line.strip()))
        if "name" not in self.errors and not spellings:
            self.add_error("name", gettext("Enter a name, or choose someone with an account."))
        for spelling in spellings:
            if len("".join(words_of(spelling))) < _MIN_LETTERS or len(spelling) > _MAX_LENGTH:
                field = "name" if spelling == typed[0].strip() else "others"
                text = gettext("“%(name)s” is too short or too long. Enter a single name with at least two letters.")
                self.add_error(field, text % {"name": spelling[:40]})
        if len(spellings) > _MAX_SPELLINGS:
            text = gettext("There are more than %(limit)d spellings. Remove some.")
            self.add_error("others", text % {"limit": _MAX_SPELLINGS})
        if Name(spellings).find(cleaned.get("replacement", "")):
            self.add_error("replacement", gettext("This contains the name itself. Choose something else."))
        self.spellings = spellings
        return cleaned
