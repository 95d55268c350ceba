"""What readers answer, and what moderators decided about it."""

import uuid
from hashlib import sha256
from typing import Any, Self, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Entry, Page, Post
from blog.site import MIN_COMMENTS_PER_PAGE, content_changed
from comments import folding
from comments.recipients import Follower, News, Notice, NoticePreference
from comments.text import comment_html

__all__ = ["Follower", "News", "Notice", "NoticePreference"]

MAX_TEXT_LENGTH = 20_000
# Of what is blocked, as it is compared.
MAX_KEY_LENGTH = 600


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
    # By an import: it was news on the old site, and is nobody's here, also when it is approved later.
    is_imported = models.BooleanField(default=False, editable=False)
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
            models.Index(fields=["-created_at", "-id"], name="comment_newest"),
            # A person's, in whatever capitals the address was typed (comments.privacy).
            models.Index(Lower("email"), name="comment_of_address"),
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
        # Without the name: the admin keeps this in its log, also when the comment has gone.
        return gettext("Comment %(number)s") % {"number": self.pk}

    @property
    def entry(self) -> Post | Page:
        """What it answers, or what the comment it answers does."""
        # The database holds that there is exactly one.
        return cast("Post | Page", self.post or self.page)

    @property
    def author_name(self) -> str:
        """The name readers see."""
        return self.name or (str(self.user) if self.user else gettext("Anonymous"))

    @property
    def mark(self) -> str:
        """A sign of what moderators see of it, status and words: another one as soon as somebody has changed these."""
        seen = (self.status, self.text, self.name, self.email, self.website)
        return sha256("\0".join(seen).encode()).hexdigest()[:16]

    def get_absolute_url(self) -> str:
        """Where it stands; or, on an entry with so many that it may stand on a further page, what leads there."""
        if self.status == Status.APPROVED and self.entry.comment_count > MIN_COMMENTS_PER_PAGE:
            return reverse("comments:one", args=[self.pk])
        return f"{self.entry.get_absolute_url()}#comment-{self.pk}"

    def render(self) -> None:
        """Make the HTML anew from the text."""
        self.html = comment_html(self.text, self.is_html)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Render and save. Counts and decisions are not its business: comments.moderation has these."""
        self.render()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "html"}
        super().save(*args, **kwargs)
        if self.status == Status.APPROVED:
            content_changed()


class Queue(Comment):
    """The comments as those see them who decide about them (comments.admin.queue)."""

    class Meta:
        proxy = True
        # Who may moderate comments may enter it.
        default_permissions = ()
        verbose_name = _("comment in the queue")
        verbose_name_plural = _("Queue of comments")


class Decision(models.Model):
    """That somebody changed the status of a comment: who, when, from what to what. Undoing reads it back."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="decisions")
    moderator = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    was = models.CharField(max_length=8, choices=Status)
    became = models.CharField(max_length=8, choices=Status)
    made_at = models.DateTimeField(default=timezone.now)
    # What the filter has learnt of the comment when this was decided: that it is `approved`, `spam`, or nothing.
    taught = models.CharField(max_length=8, choices=Status, blank=True, editable=False)
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


class Block(models.Model):
    """What moderators do not want to see: comments in which it is found are spam, or wait (comments.blocks)."""

    class Kind(models.TextChoices):
        WORD = "word", _("Word or words")
        NAME = "name", _("Name")
        EMAIL = "email", _("E-mail address")
        HOST = "host", _("Website or e-mail host")

    class Verdict(models.TextChoices):
        SPAM = "spam", _("is spam")
        HOLD = "hold", _("waits for a moderator")

    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.WORD)
    text = models.CharField(
        _("what to look for"),
        max_length=255,
        help_text=_(
            "Capitals and accents make no difference. Words are found whole, in text, name and website; "
            "a host with all that lies in it: example.org is shop.example.org too."
        ),
    )
    # The text as it is compared.
    key = models.CharField(max_length=MAX_KEY_LENGTH, editable=False)
    # What the key of words begins with: of thousands of entries only those are compared whose start is there.
    start = models.CharField(max_length=MAX_KEY_LENGTH, editable=False, db_index=True)
    verdict = models.CharField(_("a comment with it"), max_length=4, choices=Verdict, default=Verdict.HOLD)
    added_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False, verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        ordering = ("-added_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], name="block_once", violation_error_message=_("This is blocked already.")
            ),
            models.CheckConstraint(condition=~Q(key=""), name="block_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=["word", "name", "email", "host"]), name="block_kind_known"),
            models.CheckConstraint(condition=Q(verdict__in=["spam", "hold"]), name="block_verdict_known"),
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        self.key = self._key()
        if not self.key:
            raise ValidationError({"text": _FAULTS.get(self.kind, _FAULTS["word"])})
        # One sign may stand for many: in Arabic a whole sentence.
        if len(self.key) > MAX_KEY_LENGTH:
            raise ValidationError({"text": _("This is too long. Please shorten it.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = self._key()
        self.start = folding.start(self.key) if self.kind == self.Kind.WORD else ""
        super().save(*args, **kwargs)

    def validate_constraints(self, exclude: Any = None) -> None:
        # The key is made here, so that it is not in the form does not matter.
        super().validate_constraints(exclude=set(exclude or ()) - {"key"})

    def _key(self) -> str:
        match self.kind:
            case self.Kind.HOST:
                return folding.host(self.text)
            case self.Kind.EMAIL:
                return folding.plain_case(self.text.strip()) if "@" in self.text else ""
            case self.Kind.NAME:
                return folding.line(self.text).strip()
        return folding.phrase(self.text)


_FAULTS = {
    "word": _("There is no letter or number in this. Write a word, or several."),
    "name": _("There is no letter or number in this. Write a name."),
    "email": _("This is not an e-mail address. It should look like name@example.org."),
    "host": _("This is not a host. It should look like example.org."),
}


class Token(models.Model):
    """In how many comments that moderators approved or took for spam a word stands (comments.bayes).

    The row without text counts the comments themselves.
    """

    text = models.CharField(max_length=80, primary_key=True)
    # Plain integers: taking back adds a negative number, which a check would refuse before it is added.
    ham = models.IntegerField(default=0)
    spam = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.text


class Lesson(models.Model):
    """What the filter has learnt of a comment, so that exactly this can be taken back."""

    comment = models.OneToOneField(Comment, on_delete=models.CASCADE, primary_key=True, related_name="lesson")
    status = models.CharField(max_length=8, choices=Status)
    tokens = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.status}"


class Arrivals(models.Model):
    """How many comments came in one period from one sender, who is a hash; without a sender: on the whole site."""

    sender = models.CharField(max_length=64, blank=True)
    period = models.BigIntegerField(db_index=True)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "period"], name="arrivals_once")]

    def __str__(self) -> str:
        return str(self.number)


class Erasure(models.Model):
    """That all that was held of a person was erased (comments.privacy). The address is kept as a keyed hash alone."""

    key = models.CharField(max_length=64, unique=True)
    erased_at = models.DateTimeField(default=timezone.now)
    # Whether the texts stayed as "Anonymous".
    text_kept = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("erased person")
        verbose_name_plural = _("what is held of a person")
        default_permissions = ()
        permissions = [("erase_commenter", _("Can give out and erase all that is held of a person"))]

    def __str__(self) -> str:
        return gettext("Somebody who was erased")


class SpentChallenge(models.Model):
    """A proof of work that was used (comments.proof): it counts once."""

    number = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.number


def entry_lookup(entry: Entry) -> dict[str, Any]:
    """The field of a comment that leads to `entry`, with it: `{"post": post}` or `{"page": page}`."""
    return {"post": entry} if isinstance(entry, Post) else {"page": entry}
