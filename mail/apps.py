from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "mail"

    def ready(self) -> None:
        from accounts.setup_links import senders
        from mail.setup_links import send

        senders.register("mail", send)
