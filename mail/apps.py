from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "mail"

    def ready(self) -> None:
        from accounts.password_links import senders
        from mail.password_links import send

        senders.register("mail", send)
