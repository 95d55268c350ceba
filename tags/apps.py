from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, every_action, register_ability, role_permissions
from core.slugs import reserved_slugs


class TagsConfig(AppConfig):
    name = "tags"
    verbose_name = _("Tags")

    def ready(self) -> None:
        from accounts.audit.titles import titles
        from blog.appearance.blocks import sidebar_blocks
        from blog.appearance.menus import menu_targets
        from blog.caching import page_parameters
        from blog.editing.advice import advice_checks
        from blog.entry_lists import entry_searches
        from blog.generated_pages import generated_pages
        from blog.related import related_finders
        from core.changes import change_handlers
        from core.navigation import NavigationItem, navigation_items
        from tags.advice import check_twins
        from tags.index import PARAMETER, PATH, SIDEBAR_BLOCK, index
        from tags.menus import MENU_TARGET
        from tags.models import TaggedPost, tagged_with
        from tags.related import find_related

        navigation_items.register(
            "tags",
            NavigationItem(
                label=_("Tags"),
                url_name="admin:tags_tag_changelist",
                permissions=("tags.view_tag", "tags.change_tag"),
                order=50,
            ),
        )
        for order, (name, label, url_name) in enumerate(
            (
                ("tag-twins", _("Twins"), "admin:tags_tagtwins_changelist"),
                ("tag-changes", _("Changes"), "admin:tags_tagchange_changelist"),
            ),
            start=51,
        ):
            item = NavigationItem(
                label=label, url_name=url_name, permissions=("tags.delete_tag",), order=order, parent="tags"
            )
            navigation_items.register(name, item)
        titles.register("tags.tag", str)
        change_handlers.register("tags", TaggedPost.objects.update_published_at)
        entry_searches.register("tags", tagged_with)
        advice_checks.register("tags.twins", check_twins)
        reserved_slugs.register("tags", {"tag"})
        generated_pages.register(PATH, index)
        page_parameters.register("tags", frozenset({PARAMETER}))
        related_finders.register("tags", find_related)
        menu_targets.register("tags:tag", MENU_TARGET)
        sidebar_blocks.register("tags", SIDEBAR_BLOCK, after="categories")
        for_authors, for_editors = {"add_tag", "view_tag"}, every_action("tag", "tagalias")
        role_permissions.register("tags", {AUTHOR: for_authors, EDITOR: for_editors})
        register_ability("tags.adding", _("add tags"), for_authors, order=25)
        register_ability("tags.managing", _("manage tags"), for_editors, order=40)
