"""Where people are logged in."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.devices import in_words


class Session(AbstractBaseSession):
    """A browser that is logged in, or about to be. Deleting the row ends the session."""

    # In place of the primary key, so that the key itself never appears on a page.
    public_id = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, editable=False, verbose_name=_("person"), related_name="+"
    )
    device = models.CharField(_("device"), max_length=100, blank=True, editable=False)
    started_at = models.DateTimeField(_("first use"), editable=False)
    last_used_at = models.DateTimeField(_("last use"), editable=False)

    class Meta(AbstractBaseSession.Meta):
        default_permissions = ()

    @property
    def device_in_words(self) -> str:
        return in_words(self.device)

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore
