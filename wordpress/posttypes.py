"""What WordPress and its plug-ins keep as items besides posts, pages and attachments, and why it stays there."""

from typing import Final

from django.utils.translation import gettext as _

MENU_ITEM: Final = "nav_menu_item"
# Since the block editor a menu is one item.
NAVIGATION: Final = "wp_navigation"
# Since WordPress 6.3 called patterns; texts that many posts show.
REUSABLE_BLOCK: Final = "wp_block"

_OF_THEMES: Final = {
    "custom_css",
    "customize_changeset",
    "wp_font_face",
    "wp_font_family",
    "wp_global_styles",
    "wp_template",
    "wp_template_part",
}
_OF_WORDPRESS: Final = {"oembed_cache", "revision", "scheduled-action", "user_request"}
# Of the form plug-ins Jetpack, Contact Form 7 with Flamingo, and WPForms.
_MESSAGES: Final = {"feedback", "flamingo_inbound", "wpforms_entries"}


def reason_against(post_type: str) -> str:
    """Why items of this type are not brought in, for the owner."""
    if post_type in {MENU_ITEM, NAVIGATION}:
        return _("Menus are not brought in: what each of them held stands in the notes.")
    if post_type in _OF_THEMES:
        return _("It belongs to the theme, not to the texts.")
    if post_type in _OF_WORDPRESS:
        return _("WordPress kept it for itself: readers did not see it.")
    if post_type in _MESSAGES:
        return _("It is a message that somebody sent through a form: keep the export if you need it.")
    if post_type == REUSABLE_BLOCK:
        return _("It is a part of other texts, not a text of its own.")
    return _("A plug-in made this type: there is nothing like it here. Keep the export, it holds the texts.")
