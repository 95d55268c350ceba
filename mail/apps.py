import datetime as dt

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "mail"

    def ready(self) -> None:
        from accounts.password_links import senders
        from core.schedule import ScheduledTask, every, scheduled_tasks
        from mail.password_links import send
        from mail.tasks import send_due_mail

        senders.register("mail", send)
        # The task schedules itself for when more is due. This is for mail that was recorded without scheduling it, such
        # as while the disk was full.
        scheduled_tasks.register("mail.delivery", ScheduledTask(send_due_mail, every(dt.timedelta(minutes=10))))
