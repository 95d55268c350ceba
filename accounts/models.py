"""People who write, edit or moderate. Readers have no accounts."""

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from accounts.roles import LABELS, OWNER, ROLES
from core.changes import PublicModel, PublicQuerySet
from core.slugs import free_slug, slug_field, slugify


class UserManager(DjangoUserManager.from_queryset(PublicQuerySet)):  # type: ignore[misc]  # the class is created at run time
    pass


class User(PublicModel, AbstractUser):
    """A person with an account.

    Readers see the `display_name` and the `slug`, which may be those of a pen name. They never see the username, the
    first and last name, or the e-mail address.
    """

    private_fields = frozenset({"last_login", "password", "email", "username", "first_name", "last_name"})
    # `createsuperuser` asks for these.
    REQUIRED_FIELDS = ["email", "display_name"]

    display_name = models.CharField(
        _("name that readers see"),
        max_length=150,
        help_text=_("A pen name, if you like. It needn't have anything to do with the username."),
    )
    slug = slug_field(_("The last part of the author page's URL. Leave empty to use the name that readers see."))
    bio = models.TextField(_("biography"), blank=True, help_text=_("A short text for the author's page."))

    objects = UserManager()  # type: ignore[misc]  # the stubs type the parent's as a class variable

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]  # the parent's Meta is typed without lazy texts
        verbose_name_plural = _("people")  # type: ignore[assignment]  # likewise

    def __str__(self) -> str:
        return self.display_name or pgettext("an author without a name", "Author %(id)s") % {"id": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            others = User.objects.exclude(pk=self.pk)
            self.slug = free_slug(slugify(self.display_name) or "author", others, max_length=200)
        super().save(*args, **kwargs)

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
        # One of ROLES if there are several, which only scripts can cause.
        groups = sorted(self.groups.all(), key=attrgetter("name"))
        names = [group.name for group in groups]
        return next((name for name in (*ROLES, *names) if name in names), "")

    @property
    def role_label(self) -> str:
        """The name of the role for people to read; empty without one."""
        return str(LABELS.get(self.role, self.role))


class SetupLink(models.Model):
    """A link with which a person chooses a password. Each person has one at most; it is deleted when it is used."""

    person = models.OneToOneField(User, models.CASCADE, related_name="setup_link")
    # SHA-256 of the random part of the link, so that the database tells nobody what the link is.
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


def follow_roles(people: models.QuerySet[User]) -> None:
    """Let those of these people log in to the admin who have a role or own the site, and nobody else."""
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
    else:
        # Whoever was in a group that was cleared may be in no other.
        follow_roles(User.objects.filter(groups=None) if pk_set is None else User.objects.filter(pk__in=pk_set))
