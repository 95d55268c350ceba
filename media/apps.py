from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, every_action, role_permissions
from core.slugs import reserved_slugs


class MediaConfig(AppConfig):
    name = "media"
    verbose_name = _("Media")

    def ready(self) -> None:
        from media.models import renditions_due
        from media.tasks import wake_worker

        renditions_due.register("media", wake_worker)
        reserved_slugs.register("media", {"media"})
        for_authors = {"add_picture", "view_picture", "add_document", "view_document"}
        role_permissions.register("media", {AUTHOR: for_authors, EDITOR: every_action("picture", "document")})
