from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from django.tasks.signals import task_finished, task_started

        from core.dashboard import dashboard_panels
        from core.privacy import kept_data
        from operations import request_ids
        from operations.panels import BACKUPS, HEALTH
        from operations.privacy import kept_for_operation

        kept_data.register("operations", kept_for_operation)
        dashboard_panels.register("health", HEALTH)
        dashboard_panels.register("backups", BACKUPS)
        task_started.connect(request_ids.task_started, dispatch_uid="operations.task_started")
        task_finished.connect(request_ids.task_finished, dispatch_uid="operations.task_finished")
        if settings.BROADSIDE_SENTRY_DSN and find_spec("sentry_sdk"):
            # An optional extra, which is imported only where it is wanted.
            from operations.error_tracking import start_error_tracking

            start_error_tracking(settings.BROADSIDE_SENTRY_DSN)


@register
def check_sentry(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report a DSN of Sentry whose client is not installed (operations.E001)."""
    if not settings.BROADSIDE_SENTRY_DSN or find_spec("sentry_sdk"):
        return []
    return [
        Error(
            "SENTRY_DSN is set, but Sentry's client is not installed.",
            hint="Install it with `uv sync --extra sentry`, or remove SENTRY_DSN.",
            id="operations.E001",
        )
    ]
