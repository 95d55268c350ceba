from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import EDITOR, register_ability, role_permissions


class ReadersConfig(AppConfig):
    name = "readers"
    verbose_name = _("Readers")

    def ready(self) -> None:
        from blog.entry_lists import EntryColumn, entry_columns
        from core.models import related_settings
        from core.navigation import NavigationItem, navigation_items
        from core.privacy import kept_data, reading_counters
        from core.schedule import ScheduledTask, daily, scheduled_tasks
        from readers import entry_column
        from readers.models import ReaderSettings
        from readers.privacy import counts_readers, kept_of_readings
        from readers.tasks import tidy_figures

        related_settings.register("reader_settings", ReaderSettings)
        reading_counters.register("readers", counts_readers)
        kept_data.register("readers", kept_of_readings)
        entry_columns.register("readers", EntryColumn(_("Views in 30 days"), entry_column.cells))
        scheduled_tasks.register("readers.tidying", ScheduledTask(tidy_figures, daily(4, 25)))
        navigation_items.register(
            "readers",
            NavigationItem(
                label=_("Readers"),
                url_name="admin:readers_entrycount_changelist",
                permissions=("readers.view_entrycount",),
                order=60,
            ),
        )
        navigation_items.register(
            "reader-settings",
            NavigationItem(
                label=_("Reader settings"),
                url_name="admin:readers_readersettings_changelist",
                permissions=("readers.view_readersettings", "readers.change_readersettings"),
                order=122,
                parent="settings",
            ),
        )
        figures, settings = {"view_entrycount"}, {"view_readersettings", "change_readersettings"}
        role_permissions.register("readers", {EDITOR: figures})
        register_ability("readers.figures", _("see how often pages are read"), figures, order=65)
        register_ability("readers.settings", _("change reader settings"), settings, order=83)
