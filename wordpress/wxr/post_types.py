"""Types of items in an export: posts and pages, WordPress's internal types, and custom types of plugins and themes."""

import re
from collections.abc import Container
from typing import Final
from urllib.parse import unquote, urlsplit

from wordpress.wxr.records import (
    CATEGORY,
    CO_AUTHORS,
    LANGUAGE,
    LEGACY_REDIRECT,
    MENU_ITEM,
    NAVIGATION,
    REDIRECT_RULE,
    REUSABLE_BLOCK,
    TABLE,
    TAG,
    TEMPLATE_PART,
    TRANSLATIONS,
)

THEME_TYPES: Final = {
    *("custom_css", "customize_changeset", "wp_font_face", "wp_font_family", "wp_global_styles"),
    *("wp_template", TEMPLATE_PART, NAVIGATION),
}
INTERNAL_TYPES: Final = {"oembed_cache", "revision", "scheduled-action"}
# Confidential messages from readers: form responses of Jetpack, Contact Form 7 (with Flamingo or Contact Form
# Submissions), HappyForms, Ninja Forms, Pirate Forms and WPForms, applications and messages of WP Job Manager, and
# requests to disclose or erase personal data.
FORM_TYPES: Final = {
    *("feedback", "flamingo_contact", "flamingo_inbound", "happyforms-message", "job_application", "nf_sub"),
    *("pf_contact", "private-messages", "user_request", "wpcf7s", "wpforms_entries"),
}
# Custom types whose items always become pages, because all of their content was public, and the slug above them in
# their URLs. Source: Jetpack, which WordPress.com includes; Divi; Avada.
PAGE_TYPES: Final = {
    "jetpack-portfolio": "portfolio",
    "jetpack-testimonial": "testimonial",
    "jetpack-comic": "comic",
    "project": "project",
    "avada_portfolio": "portfolio-items",
}
# A custom type whose items become posts unless the owner has chosen that they become pages: episodes of podcasts, which
# have dates and are in feeds. Source: Seriously Simple Podcasting; Podlove.
POST_TYPE: Final = "podcast"
# By taxonomy: the type whose items it groups, and how the URLs of its terms begin. Source: Jetpack, Divi and Avada.
GROUPINGS: Final = {
    "jetpack-portfolio-type": ("jetpack-portfolio", "project-type"),
    "jetpack-portfolio-tag": ("jetpack-portfolio", "project-tag"),
    **{name: ("project", name) for name in ("project_category", "project_tag")},
    **{name: ("avada_portfolio", name) for name in ("portfolio_category", "portfolio_skills", "portfolio_tags")},
}
# Taxonomies that don't group the items of one custom type.
SHARED_TAXONOMIES: Final = {CATEGORY, TAG, LANGUAGE, TRANSLATIONS, CO_AUTHORS, "nav_menu", "post_format"}
# Payments, orders, bookings and the people who made them: of WooCommerce, Easy Digital Downloads, GiveWP, Jetpack,
# Event Tickets, LearnPress, LifterLMS and Hotel Booking. They are preserved, but can't become pages.
ORDER_TYPES: Final = {
    *("edd_payment", "give_payment", "jp_pay_order", "llms_order", "llms_transaction", "lp_order", "shop_order"),
    *("shop_order_refund", "shop_subscription", "tec_tc_attendee", "tec_tc_order", "tribe_rsvp_attendees"),
    *("tribe_tpp_attendees", "tribe_tpp_orders", "wc_booking", "wc_user_membership", "mphb_reserved_room"),
}
# The names of such types in other plugins, such as `rtb-booking`.
_LIKE_ORDERS: Final = re.compile(
    r"(?:.*[_-])?(?:appointment|attendee|booking|enquiry|inquiry|invoice|order|payment|reservation|transaction)s?"
)
_NEVER_PAGES: Final = {
    *("post", "page", "attachment", MENU_ITEM, REUSABLE_BLOCK, TABLE, REDIRECT_RULE, LEGACY_REDIRECT),
    # Colours and sizes of WooCommerce's products, whose URLs they have.
    "product_variation",
    *THEME_TYPES,
    *INTERNAL_TYPES,
    *FORM_TYPES,
    *ORDER_TYPES,
}
# The names that WordPress allows (source: register_post_type and sanitize_key).
_NAME: Final = re.compile(r"[a-z0-9_-]{1,20}")


def type_and_custom_type(exported: str, page_types: Container[str]) -> tuple[str, str]:
    """Return the type as which items are read, and their `custom_type`. Those of `page_types` are read as pages."""
    name = exported.strip() or "post"
    is_page_type = name in page_types and can_be_pages(name)
    custom_type = name if is_page_type or name == POST_TYPE else ""
    return "page" if is_page_type else "post" if custom_type else name, custom_type


def can_be_pages(post_type: str) -> bool:
    """Return whether this is a custom type whose items the owner can turn into pages."""
    is_private = post_type in _NEVER_PAGES or _LIKE_ORDERS.fullmatch(post_type)
    return not is_private and bool(_NAME.fullmatch(post_type))


def path_above(link: str, base_url: str, language: str = "") -> str | None:
    """Return the path above an item of the blog at `base_url`, such as `portfolio`; empty if it is at the top level.

    None if the link has no path, as with drafts. URLs may begin with the item's `language`, as with Polylang.
    """
    try:
        parts, folder = urlsplit(link), urlsplit(base_url).path.rstrip("/")
    except ValueError:
        return None
    path = unquote(parts.path).removeprefix(folder).removeprefix("/index.php")
    if parts.query or not path.startswith("/") or not path.strip("/"):
        return None
    above = path.strip("/").rpartition("/")[0]
    return f"{above}/".removeprefix(f"{language}/").rstrip("/") if language else above
