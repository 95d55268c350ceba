"""Forms for the passwords of people in the admin."""

from typing import Any

from django.contrib.auth import forms as auth_forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class PasswordWidget(auth_forms.ReadOnlyPasswordHashWidget):
    """What a form shows in place of a password, as valid HTML."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        # The field is disabled, but HTML allows that attribute on controls only, not on the widget's `div`.
        context["widget"]["attrs"].pop("disabled", None)
        return context


class UserForm(auth_forms.UserChangeForm[User]):
    """The form of a person, with a link to set the password."""

    class Meta(auth_forms.UserChangeForm.Meta):
        model = User
        labels = {
            "email": _("E-mail address"),
            "is_superuser": _("Owner"),
            "first_name": _("First name"),
            "last_name": _("Last name"),
        }
        help_texts = {
            "username": _("For logging in. Letters, digits and @ . + - _ only."),
            "is_active": _("Untick to lock this person out and keep what they wrote."),
            "is_superuser": _("Owners can do everything here, also manage people and settings."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = PasswordWidget()


class PasswordForm(auth_forms.AdminPasswordChangeForm[User]):
    """The form with which an owner sets or removes the password of a person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _explain_password(self.fields)


class AddUserForm(auth_forms.AdminUserCreationForm[User]):
    """The form with which an owner adds a person."""

    class Meta(auth_forms.AdminUserCreationForm.Meta):
        model = User
        labels = UserForm.Meta.labels
        help_texts = UserForm.Meta.help_texts

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _explain_password(self.fields)


def _explain_password(fields: dict[str, Any]) -> None:
    """Explain how to set another person's password. Django's texts say “your”."""
    if "usable_password" in fields:
        # Django's text has a list inside a paragraph, and speaks of ways to log in that do not exist here.
        fields["usable_password"].help_text = _(
            "If you choose “Disabled”, the password is removed. The person can't log in until you set a new one."
        )
    if "password1" in fields:
        fields["password1"].help_text = _(
            "At least 12 characters, not only digits, not a common password, and not like the person's name or e-mail "
            "address."
        )
