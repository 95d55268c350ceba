from django.apps import AppConfig
from django.db.models.signals import m2m_changed, post_migrate
from django.utils.translation import gettext_lazy as _

from accounts.roles import every_action, grant_roles, register_ability
from core.navigation import NavigationItem, navigation_items


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts.models import User, roles_changed

        navigation_items.register(
            "people",
            NavigationItem(
                label=_("People"),
                url_name="admin:accounts_user_changelist",
                permissions=("accounts.view_user", "accounts.change_user"),
                order=80,
            ),
        )
        navigation_items.register(
            "groups",
            NavigationItem(
                label=_("Groups"),
                url_name="admin:auth_group_changelist",
                permissions=("auth.view_group", "auth.change_group"),
                order=81,
                parent="people",
            ),
        )
        settings = {"view_sitesettings", "change_sitesettings"}
        register_ability("core.settings", _("change site settings"), settings, order=81)
        register_ability("accounts.people", _("manage people"), every_action("user"), order=80)
        m2m_changed.connect(roles_changed, sender=User.groups.through, dispatch_uid="accounts.roles_changed")
        # Django creates permissions after migrating, so the roles can only get them then.
        post_migrate.connect(grant_roles, dispatch_uid="accounts.grant_roles")
