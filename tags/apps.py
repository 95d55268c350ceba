from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.roles import AUTHOR, EDITOR, every_action, register_ability
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
        from tags.index import PARAMETER, PATH, SIDEBAR_BLOCK, index
        from tags.menus import MENU_TARGET
        from tags.models import TaggedPost, tagged_with
        from tags.related import find_related
        from tags.twins import check_twins

        navigation_items.register("tags", NavigationItem.of_list("tags.tag", _("Tags"), order=50))
        curate = ("tags.delete_tag",)
        twins = NavigationItem.of_list("tags.tagtwins", _("Duplicates"), permissions=curate, order=51, parent="tags")
        navigation_items.register("tag-twins", twins)
        changes = NavigationItem.of_list("tags.tagchange", _("Changes"), permissions=curate, order=52, parent="tags")
        navigation_items.register("tag-changes", changes)
        titles.register("tags.tag", str)
        change_handlers.register("tags", TaggedPost.objects.update_published_at)
        entry_searches.register("tags", tagged_with)
        advice_checks.register("tags.twins", check_twins)
        reserved_slugs.register("tags", {"tag"})
        generated_pages.register(PATH, index)
        page_parameters.register("tags", frozenset({PARAMETER}))
        related_finders.register("tags", find_related)
        menu_targets.register("tags:tag", MENU_TARGET)
        sidebar_blocks.register("tags", SIDEBAR_BLOCK)
        register_ability("tags.adding", _("add tags"), {"add_tag", "view_tag"}, order=25, roles={AUTHOR})
        register_ability("tags.managing", _("manage tags"), every_action("tag", "tagalias"), order=40, roles={EDITOR})
