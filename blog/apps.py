from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class BlogConfig(AppConfig):
    name = "blog"
    verbose_name = _("Blog")

    def ready(self) -> None:
        post_migrate.connect(_make_settings_row, sender=self, dispatch_uid="blog.make_settings_row")
        post_save.connect(_author_saved, sender="accounts.User", dispatch_uid="blog.author_saved")


def _make_settings_row(using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """The one row of site settings is there from the start, and again after the database was emptied."""
    try:
        settings_row = apps.get_model("blog", "SiteSettings")
    except LookupError:
        # Migrated back to before there were any.
        return
    settings_row.objects.using(using).get_or_create(pk=1)


def _author_saved(update_fields: frozenset[str] | None = None, **kwargs: Any) -> None:
    """Pages show the names of their authors. A signal, because accounts stands below this room and knows no pages."""
    from blog.site import content_changed

    # Logging in changes nothing that readers see.
    if update_fields is None or set(update_fields) != {"last_login"}:
        content_changed()
