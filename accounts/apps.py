from operator import attrgetter

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import m2m_changed, post_delete, post_migrate
from django.utils.translation import gettext_lazy as _

from accounts.roles import every_action, grant_roles, register_ability, role_label
from core.dashboard import Panel, concerns, dashboard_panels
from core.history import histories
from core.navigation import FirstStep, NavigationItem, navigation_items
from core.personal_data import PersonalRows, personal_rows


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from allauth.mfa.models import Authenticator
        from django.contrib.auth.models import Group

        from accounts.audit.history import HISTORY
        from accounts.audit.titles import titles
        from accounts.forms import OwnPasswordForm
        from accounts.logging_in import logged_in, logged_out
        from accounts.models import Portrait, Session, User
        from accounts.panels import missing_name, recent_actions
        from accounts.privacy import kept_of_staff
        from accounts.role_changes import group_deleted, roles_changed
        from core.privacy import kept_data

        admin.site.password_change_form = OwnPasswordForm
        histories.register("accounts", HISTORY)
        # The stored names. The log translates them into its reader's language.
        titles.register("auth.group", attrgetter("name"))
        titles.register("accounts.rolepolicy", attrgetter("role"))
        # Django's own is the stored name, which is English.
        Group.add_to_class("__str__", lambda group: role_label(group.name))
        actions = Panel(_("Recent actions"), "admin/_recent_actions.html", recent_actions, order=90)
        dashboard_panels.register("recent-actions", actions)
        concerns.register("name", missing_name)

        navigation_items.register(
            "people",
            NavigationItem.of_list(
                "accounts.user",
                _("People"),
                order=80,
                first_step=FirstStep(
                    _("Invite your authors and moderators"),
                    "admin:accounts_user_add",
                    "accounts.change_user",
                ),
            ),
        )
        groups = NavigationItem.of_list("auth.group", _("Groups"), order=81, parent="people")
        navigation_items.register("groups", groups)
        # Only owners may change people.
        owners = ("accounts.change_user",)
        navigation_items.register(
            "login-rules",
            NavigationItem(
                label=_("Login rules"), url_name="account_policies", permissions=owners, order=82, parent="people"
            ),
        )
        audit_log = NavigationItem.of_list(
            "accounts.auditrecord", _("Audit log"), permissions=owners, order=83, parent="people"
        )
        navigation_items.register("audit-log", audit_log)
        user_logged_in.connect(logged_in, dispatch_uid="accounts.logged_in")
        user_logged_out.connect(logged_out, dispatch_uid="accounts.logged_out")
        settings = {"view_sitesettings", "change_sitesettings"}
        register_ability("core.settings", _("change site settings"), settings, order=81)
        register_ability("accounts.people", _("manage people"), every_action("user"), order=80)
        m2m_changed.connect(roles_changed, sender=User.groups.through, dispatch_uid="accounts.roles_changed")
        post_delete.connect(group_deleted, sender=Group, dispatch_uid="accounts.group_deleted")
        kept_data.register("accounts", kept_of_staff)
        # Of the authenticators, without the keys themselves.
        for name, model, person, columns in (
            ("portraits", Portrait, "person", ("name", "image")),
            ("sessions", Session, "user", ("device", "started_at", "last_used_at")),
            ("factors", Authenticator, "user", ("type", "created_at", "last_used_at")),
        ):
            rows = PersonalRows(model, f"{person}__email", columns, of_account=True)
            personal_rows.register(f"accounts.{name}", rows)
        # Django creates permissions after migrating, so the roles can only get them then.
        post_migrate.connect(grant_roles, dispatch_uid="accounts.grant_roles")
