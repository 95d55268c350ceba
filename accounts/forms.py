"""Forms about people: inviting someone, choosing a password, roles, and offboarding someone."""

from typing import Any, Final

from allauth.core import context
from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import AuditRecord, User
from accounts.passwords import check_own_password
from accounts.people import LastOwnerError, require_another_owner
from accounts.roles import (
    LABELS,
    NO_ROLE,
    OWNER,
    ROLES,
    abilities,
    describe,
    describe_owner,
    permission_label,
    permission_names,
    permissions_of,
)
from core.text import one_line
from core.versioned_form import VersionedForm

# Values that stand for an owner, the server or no role in places that otherwise have the name of a group.
_TAKEN_NAMES: Final = frozenset({OWNER, AuditRecord.SERVER, NO_ROLE, "-"})

# An ability that no permission grants.
_ONLY_OWNERS: Final = "accounts.people"


def role_choices() -> list[tuple[str, SafeString]]:
    """Return all roles, each with its name and a sentence that says what it allows. Two queries at most."""
    choices = [(OWNER, _choice(LABELS[OWNER], describe_owner()))]
    choices += [(role, _choice(LABELS[role], describe(permissions_of(role)))) for role in ROLES]
    for group in Group.objects.exclude(name__in=ROLES).prefetch_related("permissions__content_type").order_by("name"):
        choices.append((group.name, _choice(group.name, describe(permission_names(group.permissions.all())))))
    return choices


def _choice(name: Any, sentence: str) -> SafeString:
    texts = '<span><strong><bdi>{}</bdi></strong> <span class="role-abilities">{}</span></span>'
    return format_html(texts, name, sentence)


class RoleField(forms.ChoiceField):
    """The choice of one role. Its value is the role's name, or empty for no role, if that may be chosen."""

    # The value of no role in the form, so that a form without the field doesn't take the role away.
    _NO_ROLE: Final = "-"

    def __init__(self, *, may_be_none: bool = False) -> None:
        self._may_be_none = may_be_none
        super().__init__(choices=self._choices_now, label=_("Role"), widget=forms.RadioSelect)

    def _choices_now(self) -> list[tuple[str, SafeString]]:
        nothing = [(self._NO_ROLE, _choice(gettext("No role"), gettext("Can't log in.")))]
        return [*role_choices(), *(nothing if self._may_be_none else [])]

    def prepare_value(self, value: Any) -> Any:
        return self._NO_ROLE if value == "" and self._may_be_none else value

    def clean(self, value: Any) -> str:
        role: str = super().clean(value)
        return "" if role == self._NO_ROLE else role


class NameField(forms.CharField):
    """The name that readers see, in which nothing may reverse the direction of the text around it."""

    def to_python(self, value: Any) -> str:
        return one_line(super().to_python(value) or "")


def check_email(email: str, person: User | None) -> None:
    """Raise ValidationError if someone else has this e-mail address, with which neither could then log in."""
    others = User.objects.exclude(pk=person.pk) if person is not None else User.objects.all()
    if email and others.filter(email__iexact=email).exists():
        raise forms.ValidationError(
            gettext("An account with this e-mail address already exists. Look for it in the list of people.")
        )


class InvitationForm(forms.Form):
    """Asks an owner for the details of a person to invite, who then chooses everything else."""

    display_name = NameField(
        label=_("Name that readers see"),
        max_length=150,
        help_text=_("A pen name, if they like. They can change it before anyone sees it."),
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("The invitation is sent to this address. Leave empty to pass the link on yourself."),
    )
    role = RoleField()

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        """Take the `person` if they have an account already, such as an imported author."""
        super().__init__(*args, **kwargs)
        self.person = person
        # After an error, the focus goes to the message about it.
        self.fields["display_name"].widget.attrs["autofocus"] = not self.is_bound
        if person is not None:
            self.initial = {"display_name": person.display_name, "email": person.email, "role": person.role}

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        check_email(email, self.person)
        return email


class UserForm(VersionedForm):
    """The form of a person."""

    role = RoleField(may_be_none=True)

    class Meta:
        model = User
        fields = ("display_name", "slug", "bio", "username", "first_name", "last_name", "email")
        field_classes = {"display_name": NameField}
        labels = {"email": _("E-mail address"), "first_name": _("First name"), "last_name": _("Last name")}
        help_texts = {"username": _("For logging in. Letters, digits and @ . + - _ only.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["role"] = self.instance.role
        self.set_version()

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        # Imported accounts may share one already.
        if "email" in self.changed_data:
            check_email(email, self.instance)
        return email

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if role != OWNER:
            try:
                # This holds until the transaction of the form ends.
                require_another_owner(self.instance)
            except LastOwnerError:
                raise forms.ValidationError(last_owner_message()) from None
        return role


def last_owner_message() -> str:
    return gettext("This is the only owner who can log in. Make someone else an owner first.")


class GroupForm(VersionedForm):
    """The form of a group, which is a role that an owner has defined by its abilities.

    Permissions that the group has without such an ability can be kept or taken away one by one.
    """

    granted = forms.MultipleChoiceField(
        label=_("Permissions"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = list(self.instance.permissions.select_related("content_type")) if self.instance.pk else []
        names = permission_names(held)
        offered = sorted(abilities.items(), key=lambda each: each[1].order)
        # The permissions of each choice.
        self._grants = {name: ability.permissions for name, ability in offered if name != _ONLY_OWNERS}
        choices = [(name, capfirst(str(abilities[name].phrase))) for name in self._grants]
        chosen = [name for name, granted in self._grants.items() if granted <= names]
        for permission in held:
            (name,) = permission_names([permission])
            if not any(name in self._grants[each] for each in chosen):
                self._grants[name] = frozenset({name})
                choices.append((name, permission_label(permission)))
                chosen.append(name)
        self.fields["granted"].choices = choices  # type: ignore[attr-defined]  # a MultipleChoiceField
        self.initial["granted"] = chosen
        self.set_version()

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name in _TAKEN_NAMES:
            raise self.instance.unique_error_message(Group, ("name",))
        return name

    def permissions(self) -> list[Permission]:
        """Return the permissions of everything that was chosen."""
        granted = {permission for name in self.cleaned_data["granted"] for permission in self._grants[name]}
        existing = Permission.objects.select_related("content_type")
        return [each for each in existing if permission_names([each]) <= granted]


class NamesForm(forms.ModelForm[User]):
    """Asks new people for their names."""

    class Meta:
        model = User
        fields = ("display_name", "username")
        field_classes = {"display_name": NameField}
        labels = {"username": _("Username")}
        help_texts = {"username": _("For logging in. Readers never see it. Letters, digits and @ . + - _ only.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs["autocomplete"] = "username"

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        # Otherwise its person could no longer log in with it.
        if User.objects.exclude(pk=self.instance.pk).filter(email__iexact=username).exists():
            raise self.instance.unique_error_message(User, ("username",))
        return username


def password_rules() -> str:
    return gettext(
        "At least 12 characters, not only digits, not a common password, and not like your name or e-mail address."
    )


class ChoosePasswordForm(auth_forms.SetPasswordMixin[User], NamesForm):
    """Asks people for a password, and new people also for their names."""

    password1, password2 = auth_forms.SetPasswordMixin.create_password_fields(_("Password"), _("Confirm password"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_rules()
        self.fields["password2"].help_text = ""
        if self.instance.has_credentials:
            del self.fields["display_name"]
            # Shown, so that password managers know which password changes.
            self.fields["username"].disabled = True
            self.fields["username"].help_text = ""

    def clean(self) -> dict[str, Any]:
        self.validate_passwords()
        return super().clean() or {}

    def _post_clean(self) -> None:
        # Only then does the instance have the new names, which the password must not resemble.
        super()._post_clean()  # type: ignore[misc]  # the stubs lack it
        self.validate_password_for_user(self.instance)


class OwnPasswordForm(auth_forms.PasswordChangeForm):
    """Asks people who are logged in for their password and a new one; only for a new one if they have none yet.

    The page itself requires that they have confirmed who they are (config.admin).
    """

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["new_password1"].help_text = password_rules()
        self.fields["new_password2"].help_text = ""
        if not user.has_usable_password():
            del self.fields["old_password"]

    @sensitive_variables()
    def clean_old_password(self) -> str:
        old_password: str = self.cleaned_data["old_password"]
        check_own_password(context.request, self.user, old_password)
        return old_password

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        user = super().save(commit=False)
        # Save nothing else, because the account may have been locked since it was read.
        user.save(update_fields=["password"])
        record(Action.PASSWORD_CHANGED, [user], by=user)
        return user


class OffboardingForm(forms.Form):
    """Asks what becomes of the work and the account of a person who leaves."""

    heir = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Their posts and pages"),
        required=False,
        empty_label=_("stay, with their name"),
        help_text=_("Posts and pages that you reassign show the name of their new author from then on."),
    )
    erase = forms.BooleanField(
        label=_("Erase the account"),
        required=False,
        help_text=_(
            "Deletes the name, the e-mail address, the author page and unsaved texts. This can't be undone. Otherwise "
            "the account is deactivated, and you can reactivate it later."
        ),
    )

    def __init__(self, *args: Any, person: User, has_work: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_work = has_work
        heirs = User.objects.filter(is_active=True, is_staff=True).exclude(pk=person.pk).order_by("display_name", "pk")
        self.fields["heir"].queryset = heirs  # type: ignore[attr-defined]  # a ModelChoiceField
        if not has_work:
            del self.fields["heir"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("erase") and self.has_work and not values.get("heir") and "heir" not in self.errors:
            self.add_error("heir", gettext("Choose who takes over this person's posts and pages, or keep the account."))
        return values
