import sqlite3
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connection
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SearchConfig(AppConfig):
    name = "search"
    verbose_name = _("Search")

    def ready(self) -> None:
        from blog.appearance.blocks import SidebarBlock, sidebar_blocks
        from blog.caching import noindex_parameters, page_parameters
        from blog.entry_lists import text_searches
        from blog.page_metadata.structured_data import site_actions
        from comments.changes import comment_change_handlers
        from comments.moderation.searching import comment_searches
        from core.changes import change_handlers
        from core.dashboard import concerns
        from core.privacy import kept_data
        from core.slugs import reserved_slugs
        from search.finding import find_comments_for_staff, find_for_staff
        from search.indexing import update_comments
        from search.privacy import kept_of_searches
        from search.tasks import index_changed, unfinished_indexing
        from search.views import PARAMETER, PARAMETERS, search_action

        change_handlers.register("search", index_changed)
        comment_change_handlers.register("search", update_comments)
        comment_searches.register("search", find_comments_for_staff)
        concerns.register("search", unfinished_indexing)
        kept_data.register("search", kept_of_searches)
        text_searches.register("search", find_for_staff)
        noindex_parameters.register("search", PARAMETER)
        page_parameters.register("search", PARAMETERS)
        site_actions.register("search", search_action)
        block = SidebarBlock("search/sidebar.html", is_same_on_every_page=True, label=_("Search"), order=10)
        sidebar_blocks.register("search", block)
        reserved_slugs.register("search", {"opensearch.xml", "search"})
        post_migrate.connect(_fill_index, sender=self, dispatch_uid="search.fill_index")


def _fill_index(verbosity: int = 1, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Index what isn't indexed or was marked by a migration. After the database was flushed, empty the index."""
    from blog.models import Entry
    from search.indexing import clear, parts, rebuild
    from search.models import IndexedEntry

    if IndexedEntry._meta.db_table not in connection.introspection.table_names():
        return
    if IndexedEntry.objects.exists() and not any(part.stale(1) for part in parts().values()):
        return
    if Entry.objects.exists():
        if verbosity:
            print("Indexing posts, pages and comments for the search …")  # noqa: T201  # as `migrate` does
        rebuild(lambda name, done, total: None)
    else:
        clear()


@register(Tags.database)
def check_sqlite(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn about a version of SQLite with which the index takes up more space (search.W001)."""
    from search.indexes.sqlite import CONTENTLESS_DELETE

    if connection.vendor != "sqlite" or sqlite3.sqlite_version_info >= CONTENTLESS_DELETE:
        return []
    text = "With SQLite %s, the search stores every text twice. Nothing else depends on it."
    version = ".".join(map(str, CONTENTLESS_DELETE))
    hint = f"Use SQLite {version} or later, and run `manage.py rebuild_search --from-scratch` then."
    return [checks.Warning(text % sqlite3.sqlite_version, hint=hint, id="search.W001")]
