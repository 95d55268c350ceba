"""The settings for comments: one row, read together with the site's own settings."""

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from blog.models import Entry
from blog.models.entry_query import EntryKind
from core.changes import PublicQuerySet
from core.models import OneRow, SiteSettings

# The fewest comments on one page, whatever the setting.
MIN_COMMENTS_PER_PAGE: Final = 10


def validate_comments_per_page(count: int) -> None:
    """Accept 0 (all on one page), or at least MIN_COMMENTS_PER_PAGE."""
    if 0 < count < MIN_COMMENTS_PER_PAGE:
        text = _("Enter 0 to show all comments on one page, or at least %(least)d.")
        raise ValidationError(text, code="too_few", params={"least": MIN_COMMENTS_PER_PAGE})


class CommentPolicy(models.TextChoices):
    HOLD = "hold", _("Review every comment before it is published")
    TRUST_KNOWN = "known", _("Publish comments from people with an approved comment immediately")
    OPEN = "open", _("Publish comments immediately")


class CommentSettings(OneRow):
    """The owner's choices about comments."""

    site = models.OneToOneField(
        SiteSettings, on_delete=models.CASCADE, primary_key=True, editable=False, related_name="comment_settings"
    )
    comments_open = models.BooleanField(
        _("allow comments"),
        default=True,
        help_text=_("Turn this off to close comments on the whole site. Existing comments stay visible."),
    )
    comment_policy = models.CharField(
        _("comment moderation"), max_length=5, choices=CommentPolicy, default=CommentPolicy.HOLD
    )
    close_comments_after_days = models.PositiveSmallIntegerField(
        _("close comments after (days)"),
        default=0,
        help_text=_("Counted from the day a post is published. Enter 0 to keep comments open."),
    )
    links_allowed = models.PositiveSmallIntegerField(
        _("links allowed per comment"), default=1, help_text=_("Comments with more links are held for review.")
    )
    comments_per_sender = models.PositiveSmallIntegerField(
        _("comments from one sender"),
        default=10,
        help_text=_(
            "If one sender posts more than this within ten minutes, the rest is held for review. Enter 0 for no limit."
        ),
    )
    comments_per_site = models.PositiveSmallIntegerField(
        _("comments on the whole site"),
        default=200,
        help_text=_(
            "If everyone together posts more than this within ten minutes, the rest is held for review. "
            "Enter 0 for no limit."
        ),
    )
    proof_of_work = models.BooleanField(
        _("block bots with proof of work"),
        default=True,
        help_text=_(
            "The commenter's browser solves a small puzzle in the background. If comments are published immediately, "
            "those without a solution are held for review."
        ),
    )
    keep_spam_days = models.PositiveSmallIntegerField(
        _("keep spam and trash for (days)"),
        default=30,
        validators=[MinValueValidator(1)],
        help_text=_("After that they are permanently deleted."),
    )
    forget_emails_after_days = models.PositiveSmallIntegerField(
        _("delete commenters' e-mail addresses after (days)"),
        default=0,
        help_text=_(
            "Counted from the day a comment was written. Enter 0 to keep them. People whose address was deleted are no "
            "longer recognised, so their next comment is treated as a stranger's."
        ),
    )
    show_pingbacks = models.BooleanField(
        _("show pingbacks"),
        default=True,
        help_text=_("Among the comments, show notifications from other sites that link to the post or page."),
    )
    comments_per_page = models.PositiveSmallIntegerField(
        _("comments per page"),
        default=50,
        validators=[validate_comments_per_page],
        help_text=_(
            "If an entry has more threads than this, they are split into pages, oldest first. "
            "Enter 0 to show all of them on one page."
        ),
    )
    show_avatars = models.BooleanField(
        _("show avatars"),
        default=True,
        help_text=_(
            "Show a small pattern next to each comment. It is drawn on this site, without third-party requests."
        ),
    )
    follow_by_mail = models.BooleanField(
        _("let readers follow comments by e-mail"),
        default=True,
        help_text=_(
            "Readers can ask for new comments by e-mail once they have confirmed their address. If you turn this off, "
            "it is no longer offered and no e-mails are sent. It needs a mail server."
        ),
    )

    receive_webmentions = models.BooleanField(
        _("receive Webmentions"),
        default=False,
        db_default=False,
        help_text=_(
            "Other sites can tell this one that they link to a post. It then opens their page to see whether they do, "
            "and the link waits in the moderation queue, like a pingback."
        ),
    )
    send_webmentions = models.BooleanField(
        _("send Webmentions"),
        default=False,
        db_default=False,
        help_text=_(
            "When a post or page is published or changed, open the pages that it links to, and tell the sites that "
            "want to know. What was published before you turned this on is left alone."
        ),
    )
    # When the owner turned `send_webmentions` on.
    sending_since = models.DateTimeField(null=True, editable=False)

    objects = PublicQuerySet["CommentSettings"].as_manager()

    class Meta:
        verbose_name = _("comment settings")
        verbose_name_plural = _("comment settings")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="comment_settings_one_row")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.sending_since = (self.sending_since or timezone.now()) if self.send_webmentions else None
        super().save(*args, **kwargs)

    def is_open(self, entry: Entry) -> bool:
        """Whether readers may comment on `entry` now. Only posts close with age. Source: WordPress."""
        if entry.published_at is None or not (self.comments_open and entry.comments_open and entry.is_public):
            return False
        limit = self.close_comments_after_days if entry.kind == EntryKind.POST else 0
        return not limit or (timezone.now() - entry.published_at).days < limit
