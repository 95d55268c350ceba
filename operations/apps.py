from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavigationItem, navigation_items


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from blog.advice import advice_checks
        from core.dashboard import concerns, dashboard_panels
        from core.models import related_settings
        from core.schedule import ScheduledTask, daily, scheduled_tasks
        from operations.backups.schedule import next_time
        from operations.models import WithdrawalFlags
        from operations.panels import BACKUPS, FAILED_TASKS
        from operations.tasks import back_up_if_due, forget_old_tasks
        from operations.withdrawals.concerns import unfinished_withdrawals
        from operations.withdrawals.tasks import do_upkeep
        from operations.withdrawals.warnings import check_draft

        dashboard_panels.register("failed-tasks", FAILED_TASKS)
        dashboard_panels.register("backups", BACKUPS)
        scheduled_tasks.register("operations.backups", ScheduledTask(back_up_if_due, next_time))
        scheduled_tasks.register("operations.results", ScheduledTask(forget_old_tasks, daily(4, 10)))
        scheduled_tasks.register("operations.withdrawals", ScheduledTask(do_upkeep, daily(4, 50)))
        related_settings.register("withdrawal_flags", WithdrawalFlags)
        concerns.register("withdrawals", unfinished_withdrawals)
        advice_checks.register("operations.withdrawals", check_draft)
        navigation_items.register(
            "withdrawals",
            NavigationItem(
                label=_("Withdraw a name"),
                url_name="admin:operations_withdrawal_changelist",
                # Only owners have it.
                permissions=("accounts.change_user",),
                order=83,
                parent="people",
            ),
        )
