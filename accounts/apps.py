from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from accounts.roles import grant_roles


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        # Django creates permissions after migrating, so the roles can only get them then.
        post_migrate.connect(grant_roles, dispatch_uid="accounts.grant_roles")
