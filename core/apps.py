from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from core.dashboard import Panel, dashboard_panels
from core.registry import check_registries
from core.slugs import check_reserved_slugs, reserved_slugs


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Site")

    def ready(self) -> None:
        from core.admin import recent_actions

        checks.register(check_registries)
        checks.register(check_reserved_slugs, checks.Tags.urls)
        panel = Panel(_("Recent actions"), "admin/_recent_actions.html", recent_actions)
        dashboard_panels.register("recent-actions", panel)
        # The segment of STATIC_URL.
        reserved_slugs.register("core", {"static"})
        post_migrate.connect(_create_rows, sender=self, dispatch_uid="core.create_rows")


def _create_rows(using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Create the single row of the settings and of the content version, also after the database was flushed."""
    for model in apps.all_models["core"].values():
        model._default_manager.using(using).get_or_create(pk=1)
