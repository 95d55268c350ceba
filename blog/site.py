"""The site's own settings: one row that an owner edits in the admin, and the content version beside it."""

from typing import Any, Final, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

# So many comments stand on one page whatever the setting.
MIN_COMMENTS_PER_PAGE: Final = 10


def validate_comments_per_page(number: int) -> None:
    """All on one page (0), or at least MIN_COMMENTS_PER_PAGE."""
    if 0 < number < MIN_COMMENTS_PER_PAGE:
        words = _("Write 0 for all on one page, or at least %(least)d.")
        raise ValidationError(words, code="too_few", params={"least": MIN_COMMENTS_PER_PAGE})


class CommentPolicy(models.TextChoices):
    HOLD = "hold", _("Every comment waits for a moderator")
    TRUST_KNOWN = "known", _("Only people with an approved comment pass at once")
    OPEN = "open", _("Every comment passes at once")


class SiteSettings(models.Model):
    """What an owner decides about the site. There is exactly one row (blog.apps makes it)."""

    title = models.CharField(_("title"), max_length=200, default="Broadside")
    tagline = models.CharField(
        _("tagline"),
        max_length=300,
        blank=True,
        help_text=_("One line under the title that says what it is about."),
    )
    footer = models.CharField(_("footer"), max_length=500, blank=True, help_text=_("A line at the foot of each page."))
    entries_per_page = models.PositiveSmallIntegerField(
        _("entries per page"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    entries_per_feed = models.PositiveSmallIntegerField(
        _("entries per feed"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    comments_open = models.BooleanField(
        _("comments are open"),
        default=True,
        help_text=_("Off: nobody can comment anywhere. Comments that are there stay."),
    )
    comment_policy = models.CharField(
        _("who may comment unseen"), max_length=5, choices=CommentPolicy, default=CommentPolicy.HOLD
    )
    close_comments_after_days = models.PositiveSmallIntegerField(
        _("close comments after days"), default=0, help_text=_("Days after a post is published. 0: never.")
    )
    links_allowed = models.PositiveSmallIntegerField(
        _("links allowed"), default=1, help_text=_("A comment with more links waits for a moderator.")
    )
    comments_per_sender = models.PositiveSmallIntegerField(
        _("comments from one sender"),
        default=10,
        help_text=_("More than this in ten minutes wait for a moderator. 0: no limit."),
    )
    comments_per_site = models.PositiveSmallIntegerField(
        _("comments on the whole site"),
        default=200,
        help_text=_("More than this in ten minutes wait for a moderator, whoever writes. 0: no limit."),
    )
    proof_of_work = models.BooleanField(
        _("browsers prove their work"),
        default=True,
        help_text=_(
            "The browser of somebody who writes solves a small task, unseen. Where every comment passes at once, "
            "those without it wait for a moderator."
        ),
    )
    keep_spam_days = models.PositiveSmallIntegerField(
        _("keep spam and trash for days"),
        default=30,
        validators=[MinValueValidator(1)],
        help_text=_("After that it is deleted for good, whenever “tidy_comments” runs."),
    )
    forget_emails_after_days = models.PositiveSmallIntegerField(
        _("forget e-mail addresses of comments after days"),
        default=0,
        help_text=_(
            "Days after a comment was written, whenever “tidy_comments” runs. 0: never. Who has not commented for so "
            "long is not known any more: the next comment waits as a stranger's does."
        ),
    )
    show_pingbacks = models.BooleanField(
        _("show pingbacks"), default=True, help_text=_("Notes that another post links here, among the comments.")
    )
    comments_per_page = models.PositiveSmallIntegerField(
        _("comments per page"),
        default=50,
        validators=[validate_comments_per_page],
        help_text=_("More than so many threads are split into pages, the oldest first. 0: all on one page."),
    )
    show_avatars = models.BooleanField(
        _("show avatars"),
        default=True,
        help_text=_("A small ornament beside each comment, drawn here: nothing is asked of another site."),
    )
    follow_by_mail = models.BooleanField(
        _("readers may follow by e-mail"),
        default=True,
        help_text=_(
            "Further comments on a post or page, once they have confirmed that it is their address. Off: it is not "
            "offered, and those who follow get no mail. Without a mail server it is off."
        ),
    )
    show_author = models.BooleanField(
        _("show the author"), default=False, help_text=_("The author's name beside the date of each entry.")
    )
    search_engines_welcome = models.BooleanField(
        _("search engines are welcome"), default=True, help_text=_("Off: robots.txt asks them to stay away.")
    )
    # Goes up whenever something that readers can see changes: part of each page's ETag and cache key.
    content_version = models.PositiveBigIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("site settings")
        verbose_name_plural = _("site settings")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="site_settings_one_row")]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save all but the content version, which two savers must not set back; then raise it."""
        self.pk = 1
        if not self._state.adding:
            kwargs["update_fields"] = set(kwargs.get("update_fields") or _editable_fields())
        super().save(*args, **kwargs)
        content_changed()

    @cached_property
    def seconds_to_next_scheduled(self) -> float:
        """How long what readers see stays as it is if nobody does anything: at most a day."""
        # The models of what can be scheduled stand above this one.
        from blog.models import Page, Post

        posts = Post.objects.scheduled().order_by().values_list("published_at")
        pages = Page.objects.scheduled().order_by().values_list("published_at")
        first = posts.union(pages).order_by("published_at").first()
        day = 24 * 60 * 60.0
        return min(day, (first[0] - timezone.now()).total_seconds()) if first else day

    @classmethod
    def current(cls) -> Self:
        """The row as it is in the database now; the defaults if it was deleted by hand."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class SiteRequest(HttpRequest):
    """A request as views meet it: `blog.middleware` puts the site's settings on it."""

    site: SiteSettings  # type: ignore[assignment]  # the stubs know django.contrib.sites here, which we do not use
    is_public_page: bool


def _editable_fields() -> list[str]:
    return [field.name for field in SiteSettings._meta.concrete_fields if field.editable and not field.primary_key]


def content_changed() -> None:
    """Say that something readers see has changed: cached pages are out of date once this commits."""
    transaction.on_commit(_raise_content_version)


def _raise_content_version() -> None:
    if not SiteSettings.objects.filter(pk=1).update(content_version=models.F("content_version") + 1):
        SiteSettings.objects.get_or_create(pk=1)


def absolute_url(path: str) -> str:
    """`path` of this site with its scheme and host in front, for feeds, sitemaps and mail."""
    return f"{settings.SITE_URL}{path}"
