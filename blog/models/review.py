"""Review: notes on a post or page before it is published, and notices about its progress."""

import datetime as dt
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models.entry import Entry
from core.internal_rows import InternalRow
from mail.models import Recipient, UserRecipientQuerySet

# The longest note, in characters.
MAX_NOTE_LENGTH: Final = 5_000


class ReviewNoteQuerySet(models.QuerySet["ReviewNote"]):
    def open(self) -> Self:
        """Return the unresolved notes, without their answers."""
        return self.filter(parent=None, resolved_at=None)


class ReviewNote(models.Model):
    """A note on an entry or, with a `parent`, an answer to one. Readers never see it.

    `quote` is the beginning of the paragraph that it is about, as it was at the time; empty for the whole text.
    `author` and `resolved_by` are NULL if that person no longer has an account.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="review_notes")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="answers")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    quote = models.TextField(blank=True)
    text = models.TextField(_("note"), max_length=MAX_NOTE_LENGTH)
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ReviewNoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        default_permissions = ()
        ordering = ("created_at", "pk")
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=~Q(text=""), name="review_note_not_empty"),
            models.CheckConstraint(
                condition=Q(parent=None) | Q(quote="", resolved_at=None, resolved_by=None) & ~Q(parent=F("id")),
                name="review_note_answer_is_plain",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=False) | Q(resolved_by=None), name="review_note_resolved_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


def open_note_count() -> Coalesce:
    """Return the expression for the number of open notes on each entry of a query."""
    notes = ReviewNote.objects.open().filter(entry=OuterRef("pk")).order_by().values("entry")
    counts = Subquery(notes.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
    return Coalesce(counts, 0)


class ReviewEvent(models.TextChoices):
    """An event in the review of an entry that people are notified of."""

    SUBMITTED = "submitted", _("Submitted for review")
    # Includes scheduling.
    PUBLISHED = "published", pgettext_lazy("event", "Published")
    PRIVATE = "private", _("Published privately")
    RETURNED = "returned", _("Returned to you")
    TRASHED = "trashed", _("Moved to the trash")
    # An answer is a note, too.
    NOTE = "note", _("A note was added")


class ReviewPreferenceQuerySet(UserRecipientQuerySet["ReviewPreference"]):
    def with_unsent(self) -> Self:
        return self.filter(Exists(ReviewNotice.objects.filter(recipient=OuterRef("pk"), is_unsent=True)))


class ReviewPreference(Recipient):
    """Which e-mails about reviews a member of staff wants. Created when it is first needed."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="review_preference", editable=False)
    submissions = models.BooleanField(
        _("e-mail me when a text is submitted for review"),
        default=False,
        help_text=_("Texts pending review appear on your dashboard in any case."),
    )
    feedback = models.BooleanField(
        _("e-mail me about decisions and notes on my own texts, and replies to my notes"),
        default=True,
        help_text=_("When an editor publishes what you submitted or returns it to you."),
    )

    objects = ReviewPreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("review e-mails")
        verbose_name_plural = _("review e-mails")
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Review e-mails for %(name)s") % {"name": self.user}

    @property
    def language(self) -> str:
        return self.user.language

    @property
    def min_interval(self) -> dt.timedelta:
        return dt.timedelta(minutes=10)


class ReviewNotice(InternalRow):
    """A notice to a member of staff: on the dashboard, and also by e-mail while `is_unsent`.

    `by` is the person who caused it; NULL if they no longer have an account.
    """

    recipient = models.ForeignKey(ReviewPreference, on_delete=models.CASCADE, related_name="notices", db_index=False)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=9, choices=ReviewEvent)
    note = models.ForeignKey(ReviewNote, null=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    is_unsent = models.BooleanField()

    class Meta(InternalRow.Meta):
        verbose_name = _("review notice")
        verbose_name_plural = _("review notices")
        ordering = ("-created_at", "-pk")
        indexes = [models.Index(fields=["recipient", "-created_at"], name="review_notice_newest_first")]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(event=ReviewEvent.NOTE, note__isnull=False) | ~Q(event=ReviewEvent.NOTE) & Q(note=None),
                name="review_notice_names_its_note",
            ),
            # An event that occurs twice before the e-mail is sent is reported once.
            models.UniqueConstraint(
                fields=["recipient", "entry", "event"],
                condition=Q(note=None, is_unsent=True),
                name="review_notice_once",
            ),
            models.UniqueConstraint(fields=["recipient", "note"], name="review_notice_of_note_once"),
        ]
