from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from core.dashboard import dashboard_panels
        from operations.panels import BACKUPS

        dashboard_panels.register("backups", BACKUPS)
