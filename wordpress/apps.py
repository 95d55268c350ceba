from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WordPressConfig(AppConfig):
    name = "wordpress"
    verbose_name = _("WordPress")

    def ready(self) -> None:
        # Models can be asked only from here on.
        from wordpress import fragments, markup

        markup.find_fragments_with(fragments.stored)
