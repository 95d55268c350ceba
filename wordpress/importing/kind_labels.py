"""Bloggers' names for the kinds of objects in an export, which itself uses the names of WordPress's types."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The kinds in reports (wordpress.importing.report and ledger), then types of items. Stored reports contain the keys.
_LABELS: Final[dict[str, Promise]] = {
    "author": _("author"),
    "category": _("category"),
    "tag": _("tag"),
    "other term": _("other grouping"),
    "post": _("post"),
    "page": _("page"),
    "comment": _("comment"),
    "attachment": _("media item"),
    "file": _("file"),
    "file on another host": _("file on another host"),
    "site setting": _("site setting"),
    "menu": _("menu"),
    "shortcode": _("shortcode"),
    "block": _("block"),
    "custom field": _("custom field"),
    "reusable block": _("reusable block"),
    "redirect": _("redirect"),
    "tag alias": _("former URL of a tag"),
    "fragment": _("footnote or reusable block"),
    "preserved": _("record kept for exports"),
    "picture": _("picture"),
    "document": _("document"),
    "featured image": _("featured image"),
    "nav_menu_item": _("menu link"),
    "wp_navigation": _("menu"),
    "wp_block": _("reusable block"),
    "tablepress_table": _("table"),
    "redirect_rule": _("redirect"),
    "vip-legacy-redirect": _("redirect"),
    "revision": _("earlier version"),
    "custom_css": _("theme style"),
    "customize_changeset": _("theme change"),
    "wp_font_face": _("font"),
    "wp_font_family": _("font family"),
    "wp_global_styles": _("theme styles"),
    "wp_template": _("theme template"),
    "wp_template_part": _("part of a theme template"),
    "oembed_cache": _("cached embed"),
    "scheduled-action": _("scheduled action"),
    "user_request": _("request for personal data"),
    "feedback": _("form response"),
    "flamingo_inbound": _("form response (Flamingo)"),
    "wpforms_entries": _("form response (WPForms)"),
}


def kind_label(kind: str) -> str:
    """Return the label of `kind` for readers of a report. Types of plugins are unknown and returned unchanged."""
    return str(_LABELS.get(kind, kind))
