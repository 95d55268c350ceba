"""What posts and pages have in common: a text with its source, its moment and its status."""

import datetime as dt
import re
import uuid
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.slugs import validate_slug
from blog.rendering import MORE_PLACEHOLDER, PART_BREAK, Rendered, SourceTooLong, render
from blog.site import SiteSettings, content_changed
from library.models import Picture

# What WordPress puts behind the slug of what is in its trash, so that others may have the slug. Imports bring it along.
_TRASHED = re.compile(r"__trashed(?:-[0-9]+)?$")


class Status(models.TextChoices):
    """Scheduled is not a status: it is `published` with a moment that has not come yet."""

    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Waits for an editor")
    PUBLISHED = "published", _("Published")
    PRIVATE = "private", _("Private")
    TRASH = "trash", _("Trash")


class EntryQuerySet(models.QuerySet[Any]):
    def published(self) -> Self:
        """What every reader may see now. All that is public asks this, and nothing else."""
        return self.filter(status=Status.PUBLISHED, published_at__lte=timezone.now())

    def scheduled(self) -> Self:
        """Published at a moment that is still to come."""
        return self.filter(status=Status.PUBLISHED, published_at__gt=timezone.now())

    def newest_first(self) -> Self:
        return self.order_by("-published_at", "-pk")


def slug_out_of_trash(slug: str) -> str:
    """`slug` as it was before WordPress put it into its trash."""
    return _TRASHED.sub("", slug)


def new_guid() -> str:
    """A name for an entry that stays when its address, title or host changes. Feed readers go by it."""
    return uuid.uuid4().urn


class Entry(models.Model):
    """What posts and pages have in common. The source stays as written; its HTML is rendered at each save."""

    title = models.CharField(_("title"), max_length=1000, blank=True)
    slug = models.CharField(
        _("slug"),
        max_length=200,
        blank=True,
        validators=[validate_slug],
        help_text=_("The last part of the address. Empty: made from the title."),
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, verbose_name=_("author"), related_name="+")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    published_at = models.DateTimeField(_("publish at"), null=True, blank=True)
    source = models.TextField(_("text"), blank=True)
    markup = models.CharField(_("written in"), max_length=20, default="markdown")
    excerpt = models.TextField(
        _("excerpt"), blank=True, help_text=_("For feeds and search results. Empty: the first words of the text.")
    )
    language = models.CharField(
        _("language"),
        max_length=12,
        blank=True,
        help_text=_("Of the text; it decides the direction of writing. Empty: the language of the site."),
    )
    comments_open = models.BooleanField(_("open to comments"), default=True)
    featured_picture = models.ForeignKey(
        Picture,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("featured picture"),
        help_text=_("Above the text, and in links to it on other sites."),
    )
    guid = models.CharField(max_length=500, default=new_guid, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    modified_at = models.DateTimeField(_("last changed"), auto_now=True)

    # Made from the source at each save (blog.rendering).
    lead_html = models.TextField(editable=False, blank=True)
    body_html = models.TextField(editable=False, blank=True)
    extract = models.TextField(editable=False, blank=True)
    has_more = models.BooleanField(editable=False, default=False)
    # Approved comments only; comments.moderation keeps it right.
    comment_count = models.PositiveIntegerField(_("comments"), default=0, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title or gettext("(no title)")

    @property
    def is_public(self) -> bool:
        """Whether every reader may see it now."""
        return self.public_from is not None and self.public_from <= timezone.now()

    @property
    def is_scheduled(self) -> bool:
        return self.public_from is not None and self.public_from > timezone.now()

    @property
    def public_from(self) -> dt.datetime | None:
        """The moment from which readers see it; None while its status keeps it from them."""
        return self.published_at if self.status == Status.PUBLISHED else None

    @property
    def direction(self) -> str:
        """`rtl` or `ltr` when the language of the text is known to differ from the page's, else nothing."""
        if not self.language:
            return ""
        try:
            return "rtl" if get_language_info(self.language)["bidi"] else "ltr"
        except KeyError:
            return ""

    @property
    def summary(self) -> str:
        """The excerpt that was written, or else the first words of the text. Plain text."""
        return self.excerpt or self.extract

    @property
    def body(self) -> SafeString:
        """The whole text, all its parts together."""
        return mark_safe(self.body_with_breaks.replace(PART_BREAK, ""))  # noqa: S308  # blog.rendering sanitised it before it was stored

    @property
    def body_with_breaks(self) -> str:
        """The text with PART_BREAK between its parts, and the anchor `more-ID` where the more marker was."""
        anchor = format_html('<span id="more-{}"></span>', self.pk)
        return self.body_html.replace(MORE_PLACEHOLDER, anchor)

    def takes_comments(self, site: SiteSettings) -> bool:
        """Whether a reader may comment now."""
        if self.published_at is None or not (site.comments_open and self.comments_open and self.is_public):
            return False
        limit = site.close_comments_after_days
        return not limit or (timezone.now() - self.published_at).days < limit

    def clean(self) -> None:
        super().clean()
        self._publish_now_if_without_moment()
        try:
            self.render()
        except SourceTooLong as error:
            raise ValidationError({"source": str(error)}) from error

    def render(self) -> None:
        """Make the HTML anew from the source. Raises SourceTooLong."""
        self.take_rendered(render(self.source, self.markup, self))

    def take_rendered(self, rendered: Rendered) -> None:
        """Take over what the source was rendered to."""
        self.lead_html = rendered.lead_html
        self.body_html = rendered.body_html
        self.extract = rendered.extract
        self.has_more = rendered.has_more

    def _publish_now_if_without_moment(self) -> None:
        if self.status == Status.PUBLISHED and self.published_at is None:
            self.published_at = timezone.now()

    def _take_back_slug(self) -> bool:
        """If it leaves the trash now, let it have the slug from before again; whether it has."""
        slug = slug_out_of_trash(self.slug)
        if slug == self.slug or self.status == Status.TRASH:
            return False
        if not type(self)._default_manager.filter(pk=self.pk, slug=self.slug, status=Status.TRASH).exists():
            # It is not from the trash: whoever gave it this slug meant it.
            return False
        self.slug = slug
        return True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Render and save. What is published without a moment is published now. Raises SourceTooLong."""
        self.render()
        self._publish_now_if_without_moment()
        super().save(*args, **kwargs)
        content_changed()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        content_changed()
        return super().delete(*args, **kwargs)


def entry_constraints(name: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(condition=Q(status__in=Status.values), name=f"{name}_status_known"),
        models.CheckConstraint(
            condition=~Q(status=Status.PUBLISHED) | Q(published_at__isnull=False), name=f"{name}_published_has_moment"
        ),
    ]
