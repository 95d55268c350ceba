"""People and their roles."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from accounts.models.portraits import Portrait
from accounts.models.sessions import Session
from accounts.revocations import revoke_access
from accounts.roles import OWNER, ROLES, role_label
from core.changes import PublicModel, PublicQuerySet
from core.slugs import free_slugs, slug_field, slugify


class UserManager(DjangoUserManager.from_queryset(PublicQuerySet)):  # type: ignore[misc]  # the class is created at run time
    # Migrations, including those of other packages, only change rows, without the side effects of a change.
    use_in_migrations = False

    def named(self, name: str) -> "User | None":
        """Return the person with this username, or else the only one with this e-mail address. One query.

        People who may use the admin come first: imports create accounts with any username and e-mail address.
        """
        name = name.strip()
        similar = self.filter(Q(username=name) | (Q(email__iexact=name) & ~Q(email="")))
        # To PostgreSQL, “ı” is an “I” as well.
        everyone = [user for user in similar if user.username == name or user.email.casefold() == name.casefold()]
        found = [user for user in everyone if user.is_staff] or everyone
        by_username = next((user for user in found if user.username == name), None)
        return by_username or (found[0] if len(found) == 1 else None)


class User(PublicModel, AbstractUser):
    """A person with an account.

    Readers see the `display_name` and the `slug`, which may be those of a pen name. They never see the username, the
    first and last name, or the e-mail address.
    """

    private_fields = frozenset({"last_login", "password", "email", "username", "first_name", "last_name", "language"})
    display_name = models.CharField(
        _("name that readers see"),
        max_length=150,
        help_text=_("A pen name, if you like. It needn't have anything to do with the username."),
    )
    slug = slug_field(_("The last part of the author page's URL. Leave empty to use the name that readers see."))
    bio = models.TextField(_("biography"), blank=True, help_text=_("A short text for the author's page."))

    # One of core.languages.SHIPPED, or empty for the site's language.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")

    objects = UserManager()  # type: ignore[misc]  # the stubs type the parent's as a class variable
    # The names of the groups, if they have been read, for example together with the permissions (accounts.backends).
    role_names: Collection[str] | None = None

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]  # the parent's Meta is typed without lazy texts
        verbose_name_plural = _("people")  # type: ignore[assignment]  # as above

    def __str__(self) -> str:
        return self.display_name or pgettext("an author without a name", "Author %(id)s") % {"id": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            others = User.objects.exclude(pk=self.pk)
            (self.slug,) = free_slugs([slugify(self.display_name) or "author"], others, max_length=200)
        # Django sets `_password` for a new password, and clears it when it only upgrades the hash of the same one.
        has_new_password = getattr(self, "_password", None) is not None
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            if has_new_password:
                # Django starts a new session for people who change their own password.
                Session.objects.filter(user=self).delete()
                revoke_access(self)

    if TYPE_CHECKING:
        # From ABSOLUTE_URL_OVERRIDES, because the author's page belongs to the blog.
        def get_absolute_url(self) -> str: ...

    def get_full_name(self) -> str:
        return str(self)

    get_short_name = get_full_name

    @property
    def shown_portrait(self) -> Portrait | None:
        """The portrait that readers see: none if it was chosen for another name than they see now."""
        portrait: Portrait | None = getattr(self, "portrait", None)
        return portrait if portrait is not None and portrait.name == self.display_name else None

    @property
    def has_credentials(self) -> bool:
        """Whether this person has chosen a password or a passkey. Without either, they have to be invited."""
        passkeys: models.Manager[Any] = self.authenticator_set  # type: ignore[attr-defined]  # allauth has no types
        return self.has_usable_password() or passkeys.filter(type="webauthn").exists()

    @property
    def role(self) -> str:
        """OWNER or the name of the group that is this person's role; empty without one."""
        if self.is_superuser:
            return OWNER
        return _main_role(group.name for group in self.groups.all())

    @property
    def known_role(self) -> str:
        """The role, cached on this object. Takes one query, or none if the permissions have been read."""
        if self.is_superuser:
            return OWNER
        if self.role_names is None:
            self.role_names = frozenset(self.groups.values_list("name", flat=True))
        return _main_role(self.role_names)

    @property
    def role_label(self) -> str:
        """The name of the role for people to read; empty without one."""
        return role_label(self.role)


def _main_role(names: Iterable[str]) -> str:
    """Return the role of someone in these groups: one of ROLES if there are several, which only scripts can cause."""
    held = sorted(names)
    return next((name for name in (*ROLES, *held) if name in held), "")
