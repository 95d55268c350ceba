from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.translation import gettext_lazy as _


class CommentsConfig(AppConfig):
    name = "comments"
    verbose_name = _("Comments")


@register
def check_akismet(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A key alone asks nobody."""
    if not settings.BROADSIDE_AKISMET_KEY or find_spec("akismet"):
        return []
    return [
        Error(
            "AKISMET_KEY is set, but Akismet's client is not installed.",
            hint="Install it with `uv sync --extra akismet`, or take the key away.",
            id="comments.E001",
        )
    ]
