"""What readers answer, and what moderators decided about it."""

import uuid
from typing import Any, Self, cast

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Entry, Page, Post
from blog.site import MIN_COMMENTS_PER_PAGE, content_changed
from comments.text import comment_html

MAX_TEXT_LENGTH = 20_000


class Status(models.TextChoices):
    """What readers see is `approved` and nothing else."""

    APPROVED = "approved", _("Approved")
    PENDING = "pending", _("Waits for a moderator")
    SPAM = "spam", _("Spam")
    TRASH = "trash", _("Trash")


class Kind(models.TextChoices):
    """WordPress's types. The last two are notes that another page links to the entry."""

    COMMENT = "comment", _("Comment")
    PINGBACK = "pingback", _("Pingback")
    TRACKBACK = "trackback", _("Trackback")


class CommentQuerySet(models.QuerySet["Comment"]):
    def approved(self) -> Self:
        return self.filter(status=Status.APPROVED)

    def on(self, entry: Entry) -> Self:
        """Of one post or page."""
        return self.filter(**entry_lookup(entry))

    def public(self) -> Self:
        """What every reader may see now: approved, on an entry that is public itself."""
        return self.approved().filter(Q(post__in=Post.objects.published()) | Q(page__in=Page.objects.published()))

    def with_entries(self) -> Self:
        """With the title and address of what they answer, without its long texts."""
        texts = ("source", "lead_html", "body_html", "extract", "excerpt")
        heavy = [f"{entry}__{text}" for entry in ("post", "page") for text in texts]
        return self.select_related("post", "page").defer(*heavy)


class Comment(models.Model):
    """An answer to a post or page, or to another answer. Its e-mail address is never shown to readers."""

    post = models.ForeignKey(
        Post, null=True, blank=True, on_delete=models.CASCADE, related_name="comments", verbose_name=_("post")
    )
    page = models.ForeignKey(
        Page, null=True, blank=True, on_delete=models.CASCADE, related_name="comments", verbose_name=_("page")
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies", verbose_name=_("answers")
    )
    kind = models.CharField(_("kind"), max_length=9, choices=Kind, default=Kind.COMMENT)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments", verbose_name=_("account")
    )
    name = models.CharField(_("name"), max_length=245, blank=True)
    email = models.EmailField(_("e-mail"), max_length=254, blank=True)
    website = models.CharField(_("website"), max_length=500, blank=True)
    text = models.TextField(_("text"), blank=True)
    # Imported texts hold WordPress's few tags; what readers write here is plain.
    is_html = models.BooleanField(default=False, editable=False)
    # Made from the text at each save (comments.text).
    html = models.TextField(editable=False, blank=True)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    # Since when it has its status: spam and trash are kept for a time only.
    status_since = models.DateTimeField(default=timezone.now, editable=False)
    # Why the rules gave it the status it came with (comments.rules), each `{"check": …, "verdict": …, "words": …}`.
    reasons = models.JSONField(default=list, blank=True, editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ("-created_at", "-pk")
        permissions = [("moderate_comment", _("Can approve comments, mark them as spam and trash them"))]
        indexes = [
            models.Index(fields=["post", "status", "created_at"], name="comment_of_post"),
            models.Index(fields=["page", "status", "created_at"], name="comment_of_page"),
            models.Index(fields=["status", "-created_at", "-id"], name="comment_queue"),
            models.Index(fields=["email", "status"], name="comment_of_person"),
            models.Index(fields=["status", "status_since"], name="comment_since"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(post__isnull=False, page__isnull=True) | Q(post__isnull=True, page__isnull=False),
                name="comment_on_one_entry",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="comment_status_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="comment_kind_known"),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("pk")), name="comment_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return gettext("Comment %(number)s by %(name)s") % {"number": self.pk, "name": self.author_name}

    @property
    def entry(self) -> Post | Page:
        """What it answers, or what the comment it answers does."""
        # The database holds that there is exactly one.
        return cast("Post | Page", self.post or self.page)

    @property
    def author_name(self) -> str:
        """The name readers see."""
        return self.name or (str(self.user) if self.user else gettext("Anonymous"))

    def get_absolute_url(self) -> str:
        """Where it stands; or, on an entry with so many that it may stand on a further page, what leads there."""
        if self.status == Status.APPROVED and self.entry.comment_count > MIN_COMMENTS_PER_PAGE:
            return reverse("comments:one", args=[self.pk])
        return f"{self.entry.get_absolute_url()}#comment-{self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Render and save. Counts and decisions are not its business: comments.moderation has these."""
        self.html = comment_html(self.text, self.is_html)
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "html"}
        super().save(*args, **kwargs)
        if self.status == Status.APPROVED:
            content_changed()


class Decision(models.Model):
    """That somebody changed the status of a comment: who, when, from what to what. Undoing reads it back."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="decisions")
    moderator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    was = models.CharField(max_length=8, choices=Status)
    became = models.CharField(max_length=8, choices=Status)
    made_at = models.DateTimeField(default=timezone.now)
    # Decisions made together share one number and are undone together.
    batch = models.UUIDField(default=uuid.uuid4, db_index=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_was_display()} → {self.get_became_display()}"


class Revision(models.Model):
    """A comment's text as it was before somebody changed it. `by` is None where its sender did."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("earlier text")
        verbose_name_plural = _("earlier texts")
        ordering = ("-replaced_at", "-pk")

    def __str__(self) -> str:
        return gettext("Earlier text of comment %(number)s") % {"number": self.comment_id}


def entry_lookup(entry: Entry) -> dict[str, Any]:
    """The field of a comment that leads to `entry`, with it: `{"post": post}` or `{"page": page}`."""
    return {"post": entry} if isinstance(entry, Post) else {"page": entry}
