import datetime as dt

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, every_action, register_ability, role_permissions
from core.navigation import NavigationItem, navigation_items
from core.schedule import ScheduledTask, daily, every, scheduled_tasks
from core.slugs import reserved_slugs


class MediaConfig(AppConfig):
    name = "media"
    verbose_name = _("Media")

    def ready(self) -> None:
        from accounts.audit.titles import titles
        from media.models import renditions_due
        from media.tasks import make_due_renditions, remove_expired_files, wake_worker

        renditions_due.register("media", wake_worker)
        for kind in ("media.picture", "media.document"):
            titles.register(kind, str)
        # Those that were stored while no task could be.
        scheduled_tasks.register("media.renditions", ScheduledTask(make_due_renditions, every(dt.timedelta(hours=1))))
        scheduled_tasks.register("media.trash", ScheduledTask(remove_expired_files, daily(4, 40)))
        reserved_slugs.register("media", {"media"})
        navigation_items.register(
            "media",
            NavigationItem(
                label=_("Media"),
                url_name="admin:media_picture_changelist",
                permissions=("media.view_picture", "media.change_picture"),
                order=40,
            ),
        )
        navigation_items.register(
            "documents",
            NavigationItem(
                label=_("Documents"),
                url_name="admin:media_document_changelist",
                permissions=("media.view_document", "media.change_document"),
                order=41,
                parent="media",
            ),
        )
        for_authors = {"add_picture", "view_picture", "add_document", "view_document"}
        for_editors = every_action("picture", "document")
        role_permissions.register("media", {AUTHOR: for_authors, EDITOR: for_editors})
        register_ability("media.adding", _("add images and documents"), for_authors, order=20)
        register_ability("media.managing", _("manage images and documents"), for_editors, order=20)
