from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.contrib import admin
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from core.dashboard import Panel, concerns, concerns_for, dashboard_panels
from core.navigation import FirstStep, NavigationItem, navigation_items
from core.registry import check_registries
from core.slugs import check_reserved_slugs, reserved_slugs
from core.template_checks import check_templates


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Site")

    def ready(self) -> None:
        from core.admin import delete_selected
        from core.site import unfinished_settings

        # Tasks register themselves, with their schedules.
        autodiscover_modules("tasks")
        # Replaces Django's action of the same name.
        admin.site.add_action(delete_selected)
        checks.register(check_registries)
        checks.register(check_reserved_slugs, checks.Tags.urls)
        checks.register(check_templates, checks.Tags.templates)
        attention = Panel(
            _("Needs your attention"), "admin/_concerns.html", concerns_for, ("core.change_sitesettings",), order=0
        )
        dashboard_panels.register("concerns", attention)
        concerns.register("settings", unfinished_settings)
        dashboard = NavigationItem(label=_("Dashboard"), url_name="admin:index", permissions=(), order=0)
        navigation_items.register("dashboard", dashboard)
        navigation_items.register(
            "settings",
            NavigationItem.of_list(
                "core.sitesettings",
                _("Settings"),
                order=120,
                first_step=FirstStep(
                    _("Name your site and choose how it works"),
                    "admin:core_sitesettings_changelist",
                    "core.change_sitesettings",
                ),
            ),
        )
        # The segment of STATIC_URL.
        reserved_slugs.register("core", {"static"})
        post_migrate.connect(_create_rows, sender=self, dispatch_uid="core.create_rows")


def _create_rows(using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Create the single rows of all settings and of the content version, even after a flush."""
    from core.models import related_settings

    settings_of_higher_apps = [model._meta.label for model in related_settings().values()]
    for label in ("core.SiteSettings", "core.ContentVersion", *settings_of_higher_apps):
        try:
            model = apps.get_model(label)
        except LookupError:
            # The migration led to a state before the model existed.
            continue
        model.objects.using(using).get_or_create(pk=1)
