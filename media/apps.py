from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db import DatabaseError, transaction
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, every_action, register_ability
from core.navigation import NavigationItem, navigation_items


class MediaConfig(AppConfig):
    name = "media"
    verbose_name = _("Media")

    def ready(self) -> None:
        from accounts.audit.titles import titles
        from core.dashboard import concerns
        from media.models import renditions_due
        from media.tasks import cleaning_concerns, wake_worker

        renditions_due.register("media", wake_worker)
        for kind in ("media.picture", "media.document"):
            titles.register(kind, str)
        concerns.register("media", cleaning_concerns)
        post_migrate.connect(_clean_after_upgrade, sender=self, dispatch_uid="media.clean_after_upgrade")
        navigation_items.register("media", NavigationItem.of_list("media.picture", _("Media"), order=40))
        documents = NavigationItem.of_list("media.document", _("Documents"), order=41, parent="media")
        navigation_items.register("documents", documents)
        for_authors = {"add_picture", "view_picture", "add_document", "view_document"}
        for_editors = every_action("picture", "document")
        register_ability("media.adding", _("add images and documents"), for_authors, order=20, roles={AUTHOR})
        register_ability("media.managing", _("manage images and documents"), for_editors, order=20, roles={EDITOR})


def _clean_after_upgrade(**kwargs: Any) -> None:
    """Have the worker clean the documents that were stored with an earlier version of the cleaners."""
    from media.tasks import schedule_cleaning

    # After migrating backwards, the table or a column may be missing.
    with suppress(DatabaseError), transaction.atomic():
        schedule_cleaning()
