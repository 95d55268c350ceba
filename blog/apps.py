from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class BlogConfig(AppConfig):
    name = "blog"
    verbose_name = _("Blog")

    def ready(self) -> None:
        post_save.connect(_author_saved, sender="accounts.User", dispatch_uid="blog.author_saved")


def _author_saved(update_fields: frozenset[str] | None = None, **kwargs: Any) -> None:
    """Pages show the names of their authors. A signal, because accounts stands below this room and knows no pages."""
    from blog.site import content_changed

    # Logging in changes nothing that readers see.
    if update_fields is None or set(update_fields) != {"last_login"}:
        content_changed()
