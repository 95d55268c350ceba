"""Who could read a post: the restrictions of plugins that exports contain."""

import re
from typing import Final

# The values of meta fields for everyone. Restrict Content has “None” and “All”, Ultimate Membership Pro -1.
_EVERYONE: Final = re.compile(r"everybody|-1|0?|no|None|All|a:0:\{\}")
# The meta fields that restrict a post to some readers unless the value is one for everyone. Source: Jetpack, which
# WordPress.com includes; Members; WP-Members; Restrict Content (Pro); Groups; Paid Member Subscriptions; Profile
# Builder; Patreon; Memberful; ARMember; LifterLMS; Passster; Password Protect WordPress; Ultimate Membership Pro.
_RESTRICTING: Final = {
    *("_jetpack_newsletter_access", "_members_access_role", "_wpmem_block", "_is_paid", "rcUserLevel"),
    *("rcp_access_level", "rcp_subscription_level", "rcp_user_level", "groups-groups_read_post", "groups-read"),
    *("pms-content-restrict-all-subscription-plans", "pms-content-restrict-subscription-plan"),
    *("wppb-content-restrict-user-role", "patreon-level", "memberful_available_to_any_registered_user"),
    *("memberful_available_to_anybody_subscribed_to_a_plan", "arm_is_paid_post", "_llms_is_restricted"),
    *("passster_activate_protection", "wp_protect_password_multiple_passwords", "ihc_mb_who"),
}
# The same for fields that restrict a post only if these are found in the value. ARMember's is the ID of a plan, or 0,
# and the first of YITH WooCommerce Membership says for whom. The others are serialised arrays: YITH's other one and
# Memberful's contain the IDs of plans, Leaky Paywall's a type of visibility, that of Password Protect WordPress a
# password for each role, and s2Member's the names of capabilities. That of Ultimate Member is used only if it says so,
# and restricts a post to people who are logged in.
_RESTRICTING_VALUES: Final = {
    **dict.fromkeys(
        ("pms-content-restrict-user-status", "wppb-content-restrict-user-status"), (re.compile("loggedin"),)
    ),
    "arm_access_plan": (re.compile("[0-9]"),),
    "_yith_wcmbs_restrict_access": (re.compile("all_members"),),
    "_yith_wcmbs_restrict_access_plan": (re.compile(r"a:[1-9]"),),
    "memberful_acl": (re.compile(r"[;{]i:[0-9]"),),
    "_issuem_leaky_paywall_visibility": (re.compile('"visibility_type";s:[0-9]{1,2}:"only'),),
    "post_protection_roles": (re.compile('s:[1-9][0-9]{0,4}:"[^"]*";s:[1-9]'),),
    "s2member_ccaps_req": (re.compile("s:[1-9]"),),
    "um_content_restriction": (
        re.compile('"_um_custom_access_settings";(?:[bi]:1;|s:1:"1")'),
        re.compile('"_um_accessible";(?:i:2;|s:1:"2")'),
    ),
}
# Most plugins store the same fields for categories and other terms as for posts. The others are Restrict Content Pro,
# whose serialised array has one entry for each way to restrict them, and Password Protected Categories.
_RESTRICTING_TERMS: Final = {
    "rcp_restricted_meta": re.compile(
        '"(?:paid_only";(?:[bi]:1;|s:1:"1")|subscriptions";a:[1-9]|access_level";(?:i:[1-9]|s:[12]:"[1-9]))'
    ),
    "visibility": re.compile(r"^(?:password|private)$"),
}
# Blocks, and end tags of plugins' shortcodes, whose content only subscribers or members could read. Each begins with
# fixed characters, so that finding that there is none is fast.
_BLOCK: Final = re.compile(
    r"<!-- wp:(?:groups/groups-member\b|jetpack/paywall\b|memberpress/protected-content\b|passster/content-lock\b"
    r"|pms/content-restriction-start\b|pmpro/membership\b|premium-content/|wppb/content-restriction-start\b)",
    re.IGNORECASE,
)
_SHORTCODE: Final = re.compile(
    r"\[/(?:arm_restrict_content|content_control|content_protector|groups_can|groups_member|ihc-hide-content|is_free"
    r"|is_paid|memberful_if_has_active_subscription|members_access|members_logged_in|membership|mepr-active|mepr-rule"
    r"|mepr-show|passster|pms-restrict|ppwp|private|restrict|s2if|su_members|swpm_protected|um_loggedin"
    r"|um_show_content|wcm_restrict|wpmem_logged_in|wppb-restrict)\]",
    re.IGNORECASE,
)
# Parts of the attributes by which a plugin restricts any block; all parts in a line must be found. Source: Members;
# Content Control; Paid Memberships Pro; Paid Member Subscriptions and Profile Builder; Ultimate Member. Those of the
# first three may also hide a block from members only.
_ATTRIBUTES: Final = (
    ('"blockPermissionsCondition":"', '"blockPermissionsType":"'),
    ('"contentControls":{"enabled":true', '"user":{'),
    ('"visibilityBlockEnabled":true',),
    ('ContentRestriction":{', '"display_to":""'),
    ('"um_is_restrict":true', '"um_who_access":"1"'),
)


def restricts_post(key: str, value: str) -> bool:
    """Return whether only some readers could see a post with this meta field."""
    if key in _RESTRICTING:
        return not _EVERYONE.fullmatch(value.strip())
    patterns = _RESTRICTING_VALUES.get(key)
    return patterns is not None and all(pattern.search(value) for pattern in patterns)


def restricts_term(key: str, value: str) -> bool:
    """Return whether only some readers could see the posts filed under a term with this meta field."""
    pattern = _RESTRICTING_TERMS.get(key)
    return restricts_post(key, value) if pattern is None else bool(pattern.search(value.strip()))


def is_restricted_in_text(content: str) -> bool:
    """Return whether only some readers could see a part of this text."""
    if any(pattern.search(content) for pattern in (_BLOCK, _SHORTCODE)):
        return True
    return "<!-- wp:" in content and any(all(part in content for part in parts) for parts in _ATTRIBUTES)
