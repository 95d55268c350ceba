"""People who write, edit and moderate. Readers have no account."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.slugs import free_slug, slugify, validate_slug


class User(AbstractUser):
    """Somebody with an account. The login name is never shown to readers: `display_name` is."""

    display_name = models.CharField(
        _("display name"), max_length=150, blank=True, help_text=_("The name readers see. Empty: the user name.")
    )
    slug = models.CharField(
        _("slug"),
        max_length=200,
        unique=True,
        blank=True,
        validators=[validate_slug],
        help_text=_("The name in the address of the author's page. Empty: made from the user name."),
    )
    bio = models.TextField(_("about"), blank=True, help_text=_("A few words shown on the author's page."))

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]  # the parent's Meta is typed without lazy words
        verbose_name_plural = _("people")  # type: ignore[assignment]  # likewise

    def __str__(self) -> str:
        return self.display_name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            others = User.objects.exclude(pk=self.pk)
            self.slug = free_slug(slugify(self.username) or "author", others, max_length=200)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("blog:author", args=[self.slug])

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)
