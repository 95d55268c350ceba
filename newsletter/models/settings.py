"""The settings of the newsletter: one row, read together with the site's own settings."""

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from core.changes import PublicQuerySet
from core.models import OneRow, SiteSettings
from mail import messages


class NewsletterSettings(OneRow):
    """The owner's choices about following the blog by e-mail."""

    private_fields = frozenset({"hour", "weekday", "on_since"})

    site = models.OneToOneField(
        SiteSettings, on_delete=models.CASCADE, primary_key=True, editable=False, related_name="newsletter_settings"
    )
    is_on = models.BooleanField(
        _("let readers follow the blog by e-mail"),
        default=False,
        help_text=_(
            "Readers get new posts by e-mail once they have confirmed their address. Nothing that was published before "
            "you turn this on is sent. If you turn it off, no e-mails are sent. It needs a mail server."
        ),
    )
    hour = models.PositiveSmallIntegerField(
        _("hour of daily and weekly e-mails"),
        default=7,
        validators=[MaxValueValidator(23)],
        help_text=_("From 0 to 23, in the time zone of the site."),
    )
    weekday = models.PositiveSmallIntegerField(
        _("day of weekly e-mails"), default=0, choices=list(WEEKDAYS.items()), validators=[MaxValueValidator(6)]
    )
    # Only posts that are published after this time are mailed.
    on_since = models.DateTimeField(null=True, editable=False)

    objects = PublicQuerySet["NewsletterSettings"].as_manager()

    class Meta:
        verbose_name = _("newsletter settings")
        verbose_name_plural = _("newsletter settings")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="newsletter_settings_one_row"),
            models.CheckConstraint(condition=models.Q(hour__lte=23, weekday__lte=6), name="newsletter_time_exists"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.on_since = (self.on_since or timezone.now()) if self.is_on else None
        super().save(*args, **kwargs)

    @property
    def is_available(self) -> bool:
        """Whether readers can follow: the owner has turned it on, and there is a mail server."""
        return self.is_on and messages.is_on()
