from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import EDITOR, register_ability
from core.navigation import FirstStep, NavigationItem, navigation_items
from core.slugs import reserved_slugs


class WordPressConfig(AppConfig):
    name = "wordpress"
    verbose_name = _("WordPress")

    def ready(self) -> None:
        from blog.appearance.menus import offered_menus
        from blog.caching import page_parameters
        from blog.rendering.markups import Markup, markups
        from blog.rendering.moved_files import file_resolvers
        from core.dashboard import concerns
        from wordpress.admin.import_jobs import unfinished_imports
        from wordpress.admin.menus import imported_menus
        from wordpress.downloads import jobs  # noqa: F401  # its tasks register themselves
        from wordpress.legacy_urls.moved_files import find_moved_files
        from wordpress.legacy_urls.query_forms import PARAMETERS
        from wordpress.markup import renderer
        from wordpress.uploads import tasks  # noqa: F401  # as above

        navigation_items.register(
            "import",
            NavigationItem.of_list(
                "wordpress.importjob",
                _("Import/Export"),
                permissions=("wordpress.import_wordpress",),
                order=90,
                first_step=FirstStep(
                    _("Bring your blog from WordPress"),
                    "admin:wordpress_importjob_add",
                    "wordpress.import_wordpress",
                ),
            ),
        )
        export = NavigationItem.of_list(
            "wordpress.exportjob", _("Export"), permissions=("wordpress.export_site",), order=91, parent="import"
        )
        navigation_items.register("export", export)
        blocks = NavigationItem.of_list("wordpress.reusableblock", _("Reusable blocks"), order=25, parent="posts")
        navigation_items.register("reusable-blocks", blocks)
        concerns.register("imports", unfinished_imports)
        offered_menus.register("wordpress", imported_menus)
        markups.register("wordpress", Markup("WordPress", renderer.to_html))
        file_resolvers.register("wordpress", find_moved_files)
        page_parameters.register("wordpress", PARAMETERS)
        from comments.personal_data import address_removal_handlers
        from core.personal_data import personal_rows
        from wordpress.importing.personal_data import PreservedRows, forget

        # Fingerprints of imported comments depend on the e-mail address, so they could confirm a guessed one.
        address_removal_handlers.register("imported comments", forget)
        personal_rows.register("wordpress.preserved", PreservedRows())
        # The old URLs of feeds, uploads and WordPress's own pages (wordpress.legacy_urls.urls).
        segments = "atom files index.php osd.xml rdf rss rss2 wp-admin wp-commentsrss2.php wp-content"
        reserved_slugs.register("wordpress", segments.split())
        reusable_blocks = {"change_reusableblock", "view_reusableblock"}
        register_ability("wordpress.blocks", _("edit reusable blocks"), reusable_blocks, order=55, roles={EDITOR})
        moving = {"import_wordpress", "export_site"}
        register_ability("wordpress.moving", _("import and export the site"), moving, order=90)
