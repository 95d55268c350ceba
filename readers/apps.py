from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import EDITOR, register_ability


class ReadersConfig(AppConfig):
    name = "readers"
    verbose_name = _("Readers")

    def ready(self) -> None:
        from blog.entry_lists import EntryColumn, entry_columns
        from core.navigation import NavigationItem, navigation_items
        from core.privacy import kept_data, reading_counters
        from readers import entry_column
        from readers.privacy import counts_readers, kept_of_readings

        reading_counters.register("readers", counts_readers)
        kept_data.register("readers", kept_of_readings)
        entry_columns.register("readers", EntryColumn(_("Views in 30 days"), entry_column.cells))
        readers = NavigationItem.of_list(
            "readers.entrycount", _("Readers"), permissions=("readers.view_entrycount",), order=60
        )
        navigation_items.register("readers", readers)
        its_settings = NavigationItem.of_list(
            "readers.readersettings", _("Reader settings"), order=122, parent="settings"
        )
        navigation_items.register("reader-settings", its_settings)
        figures, settings = {"view_entrycount"}, {"view_readersettings", "change_readersettings"}
        register_ability("readers.figures", _("see how often pages are read"), figures, order=65, roles={EDITOR})
        register_ability("readers.settings", _("change reader settings"), settings, order=83)
