"""Moderation: the queue, decisions, earlier versions of comments, the blocklist and erased people."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from comments import normalisation
from comments.models.comment import Comment, CommentStatus

MAX_KEY_LENGTH = 600


class Queue(Comment):
    """The comments as moderators see them in the moderation queue (comments.admin.queue)."""

    class Meta:
        proxy = True
        # Access needs the permission to moderate comments.
        default_permissions = ()
        verbose_name = _("comment in the moderation queue")
        verbose_name_plural = _("moderation queue")


class Decision(models.Model):
    """A change of a comment's status. Undo is based on it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="decisions")
    moderator = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("moderator")
    )
    was = models.CharField(max_length=8, choices=CommentStatus)
    became = models.CharField(_("new status"), max_length=8, choices=CommentStatus)
    made_at = models.DateTimeField(_("date"), default=timezone.now)
    # What the filter has learned from the comment as of this decision: `approved`, `spam` or nothing.
    taught = models.CharField(max_length=8, choices=CommentStatus, blank=True, editable=False)
    # Decisions made together share one ID and are undone together.
    batch = models.UUIDField(default=uuid.uuid4, db_index=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_was_display()} → {self.get_became_display()}"


class Revision(models.Model):
    """The text of a comment before it was edited. `by` is empty if its author edited it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")
        ordering = ("-replaced_at", "-pk")

    def __str__(self) -> str:
        return gettext("Earlier version of comment %(id)s") % {"id": self.comment_id}


class Block(models.Model):
    """An entry of the blocklist: comments that contain it are spam, or are held (comments.rules.blocklist)."""

    class Kind(models.TextChoices):
        WORD = "word", _("Word or phrase")
        NAME = "name", _("Name")
        EMAIL = "email", _("E-mail address")
        HOST = "host", _("Website or e-mail domain")

    class Verdict(models.TextChoices):
        SPAM = "spam", _("is marked as spam")
        HOLD = "hold", _("is held for review")

    kind = models.CharField(_("type"), max_length=5, choices=Kind, default=Kind.WORD)
    text = models.CharField(
        _("text to block"),
        max_length=255,
        help_text=_(
            "Upper case and accents make no difference. Words must match as a whole; they are looked for in the text, "
            "the name and the website. A domain includes its subdomains: example.org also blocks shop.example.org."
        ),
    )
    # The text in the form in which it is compared.
    key = models.CharField(max_length=MAX_KEY_LENGTH, editable=False)
    # The start of a word's key. Only the blocks whose start occurs in a comment are compared, not thousands.
    start = models.CharField(max_length=MAX_KEY_LENGTH, editable=False, db_index=True)
    verdict = models.CharField(_("a matching comment"), max_length=4, choices=Verdict, default=Verdict.HOLD)
    added_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False, verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("blocklist entry")
        verbose_name_plural = _("blocklist entries")
        ordering = ("-added_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], name="block_once", violation_error_message=_("This is already blocked.")
            ),
            models.CheckConstraint(condition=~Q(key=""), name="block_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=["word", "name", "email", "host"]), name="block_kind_known"),
            models.CheckConstraint(condition=Q(verdict__in=["spam", "hold"]), name="block_verdict_known"),
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        self.key = self._make_key()
        if not self.key:
            raise ValidationError({"text": _EMPTY_KEY_ERRORS.get(self.kind, _EMPTY_KEY_ERRORS["word"])})
        # One character may be normalised to many: in Arabic, to a whole sentence.
        if len(self.key) > MAX_KEY_LENGTH:
            raise ValidationError({"text": _("This is too long. Please shorten it.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = self._make_key()
        self.start = normalisation.start(self.key) if self.kind == self.Kind.WORD else ""
        super().save(*args, **kwargs)

    def validate_constraints(self, exclude: Any = None) -> None:
        # The form excludes the key because it has no such field, but `clean` has set it.
        super().validate_constraints(exclude=set(exclude or ()) - {"key"})

    def _make_key(self) -> str:
        match self.kind:
            case self.Kind.HOST:
                return normalisation.host(self.text)
            case self.Kind.EMAIL:
                return normalisation.plain_case(self.text.strip()) if "@" in self.text else ""
            case self.Kind.NAME:
                return normalisation.line(self.text).strip()
        return normalisation.phrase(self.text)


_EMPTY_KEY_ERRORS = {
    "word": _("This contains no letters or digits. Enter one or more words."),
    "name": _("This contains no letters or digits. Enter a name."),
    "email": _("This is not an e-mail address. It should look like name@example.org."),
    "host": _("This is not a domain. It should look like example.org."),
}


class Erasure(models.Model):
    """The erasure of one person's data (comments.personal_data). Only a keyed hash of the address is stored."""

    class Texts(models.TextChoices):
        """What happens to the texts of the comments."""

        KEEP = "keep"
        DELETE = "delete"

    key = models.CharField(max_length=64, unique=True)
    erased_at = models.DateTimeField(default=timezone.now)
    # Whether the texts were kept, as “Anonymous”.
    text_kept = models.BooleanField(default=True)
    # What still happens to the comments, if it was interrupted.
    unfinished = models.CharField(max_length=6, choices=Texts, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("erased person")
        verbose_name_plural = _("personal data")
        default_permissions = ()
        permissions = [("erase_commenter", _("Can export and erase the personal data of commenters"))]

    def __str__(self) -> str:
        return gettext("An erased person")
