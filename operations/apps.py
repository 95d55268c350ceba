from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from core.dashboard import dashboard_panels
        from core.schedule import ScheduledTask, daily, scheduled_tasks
        from operations.backups.schedule import next_time
        from operations.panels import BACKUPS, FAILED_TASKS
        from operations.tasks import back_up_if_due, forget_old_tasks

        dashboard_panels.register("failed-tasks", FAILED_TASKS)
        dashboard_panels.register("backups", BACKUPS)
        scheduled_tasks.register("operations.backups", ScheduledTask(back_up_if_due, next_time))
        scheduled_tasks.register("operations.results", ScheduledTask(forget_old_tasks, daily(4, 10)))
