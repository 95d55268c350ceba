"""The table of the audit log."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from django.apps import apps
from django.conf import settings
from django.contrib.admin.utils import quote
from django.db import models
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import Action
from accounts.devices import in_words
from accounts.models.people import User
from accounts.roles import role_label
from core.history import translate_changes
from core.models import OneRow, SiteSettings


class AppendOnlyError(Exception):
    """Records of the audit log are never changed, and deleted only when they are old."""


class AuditRecordQuerySet(models.QuerySet["AuditRecord"]):
    """A query set that can only be read and added to."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError


class AuditRecord(models.Model):
    """A record of an action in the audit log (accounts.audit).

    It contains no IP address, no `User-Agent`, no e-mail address, nothing that was typed to log in, and no text of a
    post or comment. People with an account are stored only as an ID, so once an account is erased, the log still shows
    what was done with it, but not whose it was.
    """

    # The kind of records about people, and the role of commands and of the worker.
    PERSON: Final = "accounts.user"
    SERVER: Final = "server"
    # Kinds of objects whose title is the name of a role.
    _ROLES: Final = frozenset({"auth.group", "accounts.rolepolicy"})
    # Actions whose details are the name of a browser.
    _BY_BROWSERS: Final = frozenset({Action.LOGGED_IN, Action.LOGGED_OUT, Action.SESSIONS_ENDED})
    # Separates the names of the former and the new role in the details of a change.
    ARROW: Final = " → "

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
    # The person's role at that time: OWNER, the name of a group, SERVER, or empty.
    role = models.CharField(_("role"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=30, choices=Action)
    # The label of the object's model, as in "blog.post"; empty if the action is about none.
    kind = models.CharField(_("kind"), max_length=100, blank=True)
    object_id = models.CharField(_("ID"), max_length=150, blank=True)
    # What the object was called then, if its kind is registered in accounts.audit.titles.
    title = models.CharField(_("object"), max_length=200, blank=True)
    details = models.TextField(_("details"), blank=True)
    # How often it was done within the hour that begins at this time; null if the record is about a single action.
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
        return "" if self.person_id is None else role_label(self.role)

    @property
    def what(self) -> str:
        """The name of the object: a person's name as it is now, anything else's as it was then, or else the ID.

        An object of which a site has only one is called by its kind, such as “Appearance”.
        """
        if self.is_about_person:
            return self._name_of(int(self.object_id))
        if self._model and issubclass(self._model, (OneRow, SiteSettings)):
            return capfirst(self.kind_label)
        title = role_label(self.title) if self.kind in self._ROLES else self.title
        return title or self.object_id

    @property
    def name_or_kind(self) -> str:
        """The name of the object, or else its kind, where an ID would mean nothing to people."""
        what = self.what
        return capfirst(self.kind_label) if what == self.object_id else what

    @property
    def kind_label(self) -> str:
        """What the object is, in words; empty without one."""
        return str(self._model._meta.verbose_name) if self._model else self.kind

    @property
    def _model(self) -> type[models.Model] | None:
        try:
            return apps.get_model(self.kind) if self.kind else None
        except LookupError:
            # The model belongs to an app that this site no longer has.
            return None

    @property
    def text(self) -> str:
        """What was done, in words."""
        action, details = self.get_action_display(), self.details
        if self.count is not None:
            details = ngettext("%(n)d time within an hour", "%(n)d times within an hour", self.count) % {
                "n": self.count
            }
        elif self.action == Action.ROLE_CHANGED:
            details = self.ARROW.join(map(role_label, details.split(self.ARROW)))
        elif self.action in self._BY_BROWSERS:
            details = in_words(details)
        else:
            details = translate_changes(details)
        return gettext("%(label)s: %(text)s") % {"label": action, "text": details} if details else action

    @property
    def admin_url(self) -> str:
        """The URL of the object's form; empty if it has none or was deleted by this action."""
        if not self.object_id or self.action in (Action.DELETED, Action.ERASED):
            return ""
        try:
            return reverse(f"admin:{self.kind.replace('.', '_')}_change", args=[quote(self.object_id)])
        except NoReverseMatch:
            return ""

    def _name_of(self, person_id: int) -> str:
        person = self.people.get(person_id)
        return gettext("Erased account %(id)d") % {"id": person_id} if person is None else str(person)
