"""Comments: replies to posts, pages and other comments."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import TEXTS, Entry, public_condition
from comments.changes import comments_changed
from comments.models.settings import MIN_COMMENTS_PER_PAGE
from comments.text import comment_html
from comments.websites import public_url
from core.changes import PublicModel, PublicQuerySet
from core.prepared import Parameter

MAX_TEXT_LENGTH = 20_000
MAX_NAME_LENGTH = 245


class CommentStatus(models.TextChoices):
    """Readers see `approved` comments only."""

    APPROVED = "approved", _("Approved")
    PENDING = "pending", _("Pending")
    SPAM = "spam", _("Spam")
    TRASH = "trash", _("Trash")


class CommentKind(models.TextChoices):
    """WordPress's comment types. Pingbacks and trackbacks report a link from another site."""

    COMMENT = "comment", _("Comment")
    PINGBACK = "pingback", _("Pingback")
    TRACKBACK = "trackback", _("Trackback")


class CommentQuerySet(PublicQuerySet["Comment"]):
    """Writing comments expires cached pages only if readers see one of the comments before or after."""

    def approved(self) -> Self:
        return self.filter(status=CommentStatus.APPROVED)

    def on(self, entry: Entry) -> Self:
        return self.filter(entry=entry)

    def public(self, now: Parameter | None = None) -> Self:
        """Return the comments that every reader may see now: approved, on public entries without a password."""
        # With a subquery for the entries, SQLite would read all of them first.
        return self.approved().filter(public_condition("entry__", now), entry__password="")

    def for_authors(self) -> Self:
        """Return the comments that authors are notified of: like `public`, but also on entries with a password."""
        return self.approved().filter(entry__in=Entry.objects.published())

    def with_entries(self) -> Self:
        """Load the title and URL of the entries as well, without their long texts."""
        return self.select_related("entry").defer(*(f"entry__{text}" for text in TEXTS))

    def has_visible(self) -> bool:
        return self.approved().exists()

    def makes_visible(self, values: Mapping[str, Any]) -> bool:
        # An expression may evaluate to any status.
        return values.get("status") not in (None, CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH)

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            pks = list(self.values_list("pk", flat=True))
            deleted = super().delete()
            comments_changed(pks)
        return deleted

    delete.alters_data = delete.queryset_only = True  # type: ignore[attr-defined]  # neither in templates nor on managers


class Comment(PublicModel):
    """A reply to a post or page, or to another comment. Its e-mail address is never shown to readers."""

    private_fields = frozenset({"status_since", "reasons", "is_imported"})
    comment_fields = None

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="comments", verbose_name=_("post or page"))
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies", verbose_name=_("in reply to")
    )
    kind = models.CharField(_("type"), max_length=9, choices=CommentKind, default=CommentKind.COMMENT)
    status = models.CharField(_("status"), max_length=8, choices=CommentStatus, default=CommentStatus.PENDING)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments", verbose_name=_("account")
    )
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    website = models.CharField(_("website"), max_length=500, blank=True)
    text = models.TextField(_("text"), blank=True)
    # Imported texts may contain the few tags that WordPress allows. Comments written here are plain text.
    is_html = models.BooleanField(default=False, editable=False)
    # No one is notified of imported comments, not even when they are approved later, because they are not new.
    is_imported = models.BooleanField(default=False, editable=False)
    # Rendered from the text on each save (comments.text).
    html = models.TextField(editable=False, blank=True)
    created_at = models.DateTimeField(_("submitted"), default=timezone.now)
    # Spam and trash are deleted some time after this.
    status_since = models.DateTimeField(default=timezone.now, editable=False)
    # Why the rules gave it its first status (comments.rules.judge): each `{"check": …, "verdict": …, "message": …}`.
    reasons = models.JSONField(default=list, blank=True, editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ("-created_at", "-pk")
        permissions = [("moderate_comment", _("Can approve comments, mark them as spam and move them to the trash"))]
        indexes = [
            models.Index(fields=["entry", "status", "created_at"], name="comment_of_entry"),
            models.Index(fields=["status", "-created_at", "-id"], name="comment_queue"),
            models.Index(fields=["email", "name", "status"], name="comment_by_person"),
            models.Index(fields=["status", "status_since"], name="comment_since"),
            models.Index(fields=["-created_at", "-id"], name="comment_newest"),
            # For finding a person's comments regardless of the case of their address (comments.personal_data).
            models.Index(Lower("email"), name="comment_of_address"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=CommentStatus.values), name="comment_status_known"),
            models.CheckConstraint(condition=Q(kind__in=CommentKind.values), name="comment_kind_known"),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("pk")), name="comment_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        # Without the name, because the admin's log keeps this even after the comment is gone.
        return gettext("Comment %(id)s") % {"id": self.pk}

    @property
    def author_name(self) -> str:
        """The name readers see."""
        return self.name or (str(self.user) if self.user else gettext("Anonymous"))

    @property
    def public_website(self) -> str:
        """The URL to which the author's name is linked; empty for none."""
        return public_url(self.website, self.email)

    @property
    def mark(self) -> str:
        """A fingerprint of what moderators see. It changes when the comment or its status is changed."""
        seen = (self.status, self.text, self.name, self.email, self.website)
        return sha256("\0".join(seen).encode()).hexdigest()[:16]

    def get_absolute_url(self) -> str:
        """Return the public URL; if the entry has several pages of comments, one that redirects to the right page."""
        in_pages = self.entry.comment_count > MIN_COMMENTS_PER_PAGE and not self.entry.password
        if self.status == CommentStatus.APPROVED and in_pages:
            return reverse("comments:comment", args=[self.pk])
        return f"{self.entry.get_absolute_url()}#comment-{self.pk}"

    def render(self) -> None:
        self.html = comment_html(self.text, self.is_html)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Render and save. comments.moderation keeps the counts and the log of decisions."""
        self.render()
        if "text" in (kwargs.get("update_fields") or ()):
            kwargs["update_fields"] = {*kwargs["update_fields"], "html"}
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            comments_changed([self.pk])

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        pk = self.pk
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            comments_changed([pk])
        return deleted

    def is_visible(self) -> bool:
        if self.status == CommentStatus.APPROVED:
            return True
        return not self._state.adding and Comment.objects.filter(pk=self.pk).has_visible()
