import gc

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags, register
from django.db.models.signals import pre_migrate
from django.utils.translation import gettext_lazy as _

from core.navigation import NavigationItem, navigation_items


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from blog.editing.advice import advice_checks
        from core.dashboard import concerns, dashboard_panels
        from core.optional_packages import OptionalPackage, optional_packages
        from core.privacy import kept_data
        from operations.file_permissions import check_private, make_private
        from operations.panels import BACKUPS, FAILED_TASKS, HEALTH
        from operations.privacy import kept_for_operation
        from operations.withdrawals import tasks  # noqa: F401  # they register themselves
        from operations.withdrawals.concerns import unfinished_withdrawals
        from operations.withdrawals.warnings import check_draft

        register(check_private, Tags.security)
        pre_migrate.connect(make_private, sender=self, dispatch_uid="operations.make_private")
        dashboard_panels.register("failed-tasks", FAILED_TASKS)
        dashboard_panels.register("health", HEALTH)
        dashboard_panels.register("backups", BACKUPS)
        kept_data.register("operations", kept_for_operation)
        concerns.register("withdrawals", unfinished_withdrawals)
        advice_checks.register("operations.withdrawals", check_draft)
        navigation_items.register(
            "withdrawals",
            NavigationItem.of_list(
                "operations.withdrawal",
                _("Withdraw a name"),
                # Only owners have this permission.
                permissions=("accounts.change_user",),
                order=83,
                parent="people",
            ),
        )
        sentry = OptionalPackage("sentry_sdk", extra="sentry")
        optional_packages.register("SENTRY_DSN", sentry)
        if settings.BROADSIDE_SENTRY_DSN and sentry.is_installed:
            # An optional extra, imported only where it is used.
            from operations.error_tracking import start_error_tracking

            start_error_tracking(settings.BROADSIDE_SENTRY_DSN)
        # This is the last app. All that is loaded now stays until the process ends, so looking for garbage in it is in
        # vain. Python would do that more than once even while it exits.
        gc.freeze()
        gc.enable()
