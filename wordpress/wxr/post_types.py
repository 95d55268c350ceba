"""Post types besides posts, pages and attachments, and why they are not imported."""

from typing import Final

from django.utils.translation import gettext as _

MENU_ITEM: Final = "nav_menu_item"
# Since the block editor, a menu is a single item.
NAVIGATION: Final = "wp_navigation"
# Content that several posts can show, called synced patterns since WordPress 6.3.
REUSABLE_BLOCK: Final = "wp_block"

_THEME_TYPES: Final = {
    *("custom_css", "customize_changeset", "wp_font_face", "wp_font_family", "wp_global_styles"),
    *("wp_template", "wp_template_part"),
}
_INTERNAL_TYPES: Final = {"oembed_cache", "revision", "scheduled-action", "user_request"}
# Submissions to forms of Jetpack, Contact Form 7 with Flamingo, and WPForms.
_FORM_TYPES: Final = {"feedback", "flamingo_inbound", "wpforms_entries"}


def reason_to_skip_type(post_type: str) -> str:
    """Return the reason why items of this type are not imported, for the site owner."""
    if post_type in {MENU_ITEM, NAVIGATION}:
        return _("Menus are not imported. The notes list what each of them contained.")
    if post_type in _THEME_TYPES:
        return _("It belongs to the theme, not to the content.")
    if post_type in _INTERNAL_TYPES:
        return _("WordPress used it internally; readers never saw it.")
    if post_type in _FORM_TYPES:
        return _("It was submitted through a form. Keep the export if you need it.")
    if post_type == REUSABLE_BLOCK:
        return _("It is part of other posts, not a post of its own.")
    return _("It belongs to a plugin, and there is nothing like it here. Keep the export, which contains its text.")
