from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts.roles import grant_roles

        # Django makes permissions after migrating, so the roles that hold them are made then too.
        post_migrate.connect(grant_roles, dispatch_uid="accounts.grant_roles")
