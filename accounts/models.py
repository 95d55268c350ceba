"""People who write, edit or moderate. Readers have no accounts."""

from collections.abc import Collection, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

from django.apps import apps
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import AbstractUser, Group
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.roles import LABELS, OWNER, ROLES
from core.changes import PublicModel, PublicQuerySet
from core.slugs import free_slug, slug_field, slugify


class UserManager(DjangoUserManager.from_queryset(PublicQuerySet)):  # type: ignore[misc]  # the class is created at run time
    # Migrations, also those of other packages, work with rows only, and not with what follows from a change.
    use_in_migrations = False

    def named(self, name: str) -> "User | None":
        """Return the person with this username, or else the only one with this e-mail address. One query."""
        name = name.strip()
        found = list(self.filter(Q(username=name) | (Q(email__iexact=name) & ~Q(email=""))))
        by_username = next((user for user in found if user.username == name), None)
        return by_username or (found[0] if len(found) == 1 else None)


class User(PublicModel, AbstractUser):
    """A person with an account.

    Readers see the `display_name` and the `slug`, which may be those of a pen name. They never see the username, the
    first and last name, or the e-mail address.
    """

    private_fields = frozenset({"last_login", "password", "email", "username", "first_name", "last_name"})
    display_name = models.CharField(
        _("name that readers see"),
        max_length=150,
        help_text=_("A pen name, if you like. It needn't have anything to do with the username."),
    )
    slug = slug_field(_("The last part of the author page's URL. Leave empty to use the name that readers see."))
    bio = models.TextField(_("biography"), blank=True, help_text=_("A short text for the author's page."))

    objects = UserManager()  # type: ignore[misc]  # the stubs type the parent's as a class variable
    # The names of the groups, if they have been read, for example together with the permissions (accounts.backends).
    role_names: Collection[str] | None = None

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]  # the parent's Meta is typed without lazy texts
        verbose_name_plural = _("people")  # type: ignore[assignment]  # likewise

    def __str__(self) -> str:
        return self.display_name or pgettext("an author without a name", "Author %(id)s") % {"id": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            others = User.objects.exclude(pk=self.pk)
            self.slug = free_slug(slugify(self.display_name) or "author", others, max_length=200)
        # Django's own mark of a new password, which it clears when it stores the hash of the same one anew.
        has_new_password = getattr(self, "_password", None) is not None
        super().save(*args, **kwargs)
        if has_new_password:
            # Django gives the one that changes their own password another session.
            Session.objects.filter(user=self).delete()

    if TYPE_CHECKING:
        # From ABSOLUTE_URL_OVERRIDES, because the author's page belongs to the blog.
        def get_absolute_url(self) -> str: ...

    def get_full_name(self) -> str:
        return str(self)

    get_short_name = get_full_name

    @property
    def role(self) -> str:
        """OWNER or the name of the group that is this person's role; empty without one."""
        if self.is_superuser:
            return OWNER
        return _main_role(group.name for group in self.groups.all())

    @property
    def known_role(self) -> str:
        """The role, for which each object is asked once, or never if its permissions have been read."""
        if self.is_superuser:
            return OWNER
        if self.role_names is None:
            self.role_names = frozenset(self.groups.values_list("name", flat=True))
        return _main_role(self.role_names)

    @property
    def role_label(self) -> str:
        """The name of the role for people to read; empty without one."""
        return str(LABELS.get(self.role, self.role))


def _main_role(names: Iterable[str]) -> str:
    """Return the role of someone in these groups: one of ROLES if there are several, which only scripts can cause."""
    held = sorted(names)
    return next((name for name in (*ROLES, *held) if name in held), "")


def follow_roles(people: models.QuerySet[User]) -> None:
    """Let those of these people log in to the admin who have a role or own the site, and no others."""
    roles = User.groups.through._default_manager.filter(user=OuterRef("pk"))
    may_log_in = Q(Exists(roles)) | Q(is_superuser=True)
    people.filter(may_log_in, is_staff=False).update(is_staff=True)
    people.filter(~may_log_in, is_staff=True).update(is_staff=False)


def roles_changed(instance: User | Group, action: str, pk_set: set[int] | None, **kwargs: Any) -> None:
    """Handle m2m_changed, which is sent wherever people get or lose a role: in the admin, by scripts, in the shell."""
    if not action.startswith("post_"):
        return
    if isinstance(instance, User):
        follow_roles(User.objects.filter(pk=instance.pk))
        # A later `save` must not undo it.
        instance.refresh_from_db(fields=["is_staff"])
        instance.role_names = None
    else:
        # Those who were in a group that was cleared may be in no other.
        follow_roles(User.objects.filter(groups=None) if pk_set is None else User.objects.filter(pk__in=pk_set))


def group_deleted(**kwargs: Any) -> None:
    """Handle post_delete of a group, for which Django sends no m2m_changed: its people have no role any more."""
    follow_roles(User.objects.filter(groups=None))


class Session(AbstractBaseSession):
    """A browser that is logged in, or about to be. Deleting the row ends the session."""

    # In place of the primary key, so that the key itself never appears on a page.
    public_id = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, editable=False, verbose_name=_("person"), related_name="+"
    )
    device = models.CharField(_("device"), max_length=100, blank=True, editable=False)
    started_at = models.DateTimeField(_("first use"), editable=False)
    last_used_at = models.DateTimeField(_("last use"), editable=False)

    class Meta(AbstractBaseSession.Meta):
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore


class PasswordLink(models.Model):
    """A link with which a person chooses a password. It is deleted when it is used."""

    class Kind(models.TextChoices):
        """Who wanted the link. A person has at most one of each, so that strangers who ask can't end an invitation."""

        # An owner gives it to the person: an invitation, or a new password.
        GIVEN = "given"
        # With “Forgot your password?”, or with a command on the server.
        REQUESTED = "requested"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    # SHA-256, in hexadecimal, of the random part of the link.
    token_hash = models.CharField(max_length=64, unique=True)
    # A keyed hash of what the account was like, in hexadecimal (accounts.password_links).
    fingerprint = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="accounts_one_link_of_each_kind")]

    def __str__(self) -> str:
        return str(self.pk)


class RolePolicy(models.Model):
    """What a role demands of those who log in. Roles without a row have the defaults."""

    # The longest that a browser stays logged in, in hours.
    DEFAULT_HOURS: Final = 14 * 24
    OWNER_HOURS: Final = 24
    MAX_HOURS: Final = 24 * 90

    # OWNER, or the name of a group.
    role = models.CharField(_("role"), max_length=150, primary_key=True)
    needs_second_factor = models.BooleanField(_("require a second step"), default=False)
    session_hours = models.PositiveSmallIntegerField(
        _("log out after"), default=DEFAULT_HOURS, validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)]
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(LABELS.get(self.role, self.role))


class EmergencyLink(models.Model):
    """The link with which a person locks their own account, from any browser. Only a hash of its secret is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # SHA-256, in hexadecimal. The secret is random and long, so it needs no salt.
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When the account was locked with it.
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)


class AppendOnlyError(Exception):
    """Records of the audit log are never changed, and deleted only when they are old."""


class AuditRecordQuerySet(models.QuerySet["AuditRecord"]):
    """Can be read and added to."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError


class AuditRecord(models.Model):
    """That someone did something, in the audit log (accounts.audit).

    It has no IP address, no browser's own name for itself, no e-mail address, nothing that was typed to log in, and no
    text of a post or comment. People with an account are named by their ID alone, so once an account is erased, what
    was done with it can still be read, but not whose it was.
    """

    # The kind of people, and the role of commands and of the worker.
    PERSON: Final = "accounts.user"
    SERVER: Final = "server"

    at = models.DateTimeField(_("time"), default=timezone.now)
    # None if it was done on the server, or by someone who was not logged in. The ID stays when the account is erased.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("person"),
    )
    # At that time: OWNER, the name of a group, SERVER, or empty.
    role = models.CharField(_("role"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=30, choices=Action)
    # The label of the object's model, as in "blog.post"; empty if the action is about none.
    kind = models.CharField(_("kind"), max_length=100, blank=True)
    object_id = models.CharField(_("ID"), max_length=150, blank=True)
    # What the object was called then, if its kind is registered in accounts.audit.titles.
    title = models.CharField(_("object"), max_length=200, blank=True)
    details = models.TextField(_("details"), blank=True)
    # How often it was done within the hour that begins at this time; null if the record is about one time only.
    count = models.PositiveIntegerField(null=True)

    objects = AuditRecordQuerySet.as_manager()
    # The people that records on a page are about, by ID. Set by accounts.audit.reading.
    people: Mapping[int, User]

    class Meta:
        # Only owners read it, and it never changes.
        default_permissions = ()
        verbose_name = _("record of the audit log")
        verbose_name_plural = _("records of the audit log")
        ordering = ("-at", "-pk")
        indexes = [
            models.Index(fields=["at", "id"], name="audit_at"),
            models.Index(fields=["person", "at", "id"], name="audit_person"),
            models.Index(fields=["action", "at", "id"], name="audit_action"),
            models.Index(fields=["kind", "object_id", "at", "id"], name="audit_object"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["action", "object_id", "at"], condition=Q(count__isnull=False), name="audit_one_count_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.kind} {self.object_id}".rstrip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    @classmethod
    def changeable(cls) -> models.QuerySet["AuditRecord"]:
        """Return all records, for the modules of accounts.audit that delete old ones and count."""
        return models.QuerySet(cls)

    @property
    def is_about_person(self) -> bool:
        return self.kind == self.PERSON and self.object_id.isdecimal()

    @property
    def who(self) -> str:
        """The name of the person who did it, as it is now."""
        if self.person_id is not None:
            return self._name_of(self.person_id)
        return gettext("The server") if self.role == self.SERVER else gettext("Someone who was not logged in")

    @property
    def role_label(self) -> str:
        return "" if self.person_id is None else str(LABELS.get(self.role, self.role))

    @property
    def what(self) -> str:
        """The object: what a person is called now, or what anything else was called then, or else its ID."""
        if self.is_about_person:
            return self._name_of(int(self.object_id))
        return self.title or self.object_id

    @property
    def kind_label(self) -> str:
        """What the object is, in words; empty without one."""
        try:
            return str(apps.get_model(self.kind)._meta.verbose_name) if self.kind else ""
        except LookupError:
            # Of an app that this site had.
            return self.kind

    @property
    def text(self) -> str:
        """What was done, in words."""
        text = self.get_action_display()
        if self.count is not None:
            times = ngettext("%(n)d time within an hour", "%(n)d times within an hour", self.count) % {"n": self.count}
            return f"{text}: {times}"
        return f"{text}: {self.details}" if self.details else text

    @property
    def admin_url(self) -> str:
        """The form of the object, if it has one and was not deleted by this."""
        if not self.object_id or self.action in (Action.DELETED, Action.ERASED):
            return ""
        try:
            return reverse(f"admin:{self.kind.replace('.', '_')}_change", args=[quote(self.object_id)])
        except NoReverseMatch:
            return ""

    def _name_of(self, person_id: int) -> str:
        person = self.people.get(person_id)
        return gettext("Erased account %(id)d") % {"id": person_id} if person is None else str(person)
