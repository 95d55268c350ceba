"""The records of a WordPress export (WXR) as yielded by the reader, without validation.

IDs, dates, slugs and other fields with a fixed form have no surrounding whitespace, and names are plain text. Titles
and texts are as exported. An ID is 0 if there is none.
"""

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import Final, NamedTuple

from wordpress.wxr.access import is_restricted_in_text, restricts_post

# Taxonomies. In the last two, Polylang stores the language of a post, whose code is the slug of the term, and the
# post's translations (wordpress.wxr.translations).
CATEGORY, TAG, LANGUAGE, TRANSLATIONS = "category", "post_tag", "language", "post_translations"
# In this one, Co-Authors Plus and PublishPress Authors store the authors of a post.
CO_AUTHORS = "author"
CO_AUTHOR_PREFIX: Final = "cap-"
# The post type in which Co-Authors Plus keeps authors without an account.
GUEST_AUTHOR = "guest-author"
# The same in Molongui Authorship, and its meta field, once for each author: `user-12` or `guest-34`.
MOLONGUI_GUEST, MOLONGUI_AUTHOR = "guest_author", "_molongui_author"
# Post types. In the block editor, a menu is a single item. Reusable blocks have been called synced patterns since 6.3.
# The last one is a table of the plugin TablePress.
MENU_ITEM, NAVIGATION, REUSABLE_BLOCK, TABLE = "nav_menu_item", "wp_navigation", "wp_block", "tablepress_table"
# The header, the footer or another part of a block theme, if the owner has edited it.
TEMPLATE_PART = "wp_template_part"
# The meta fields with a URL that a post or page redirects to, in Page Links To, Quick Page/Post Redirect, Yoast SEO,
# and Genesis.
REDIRECT_KEYS = ("_links_to", "_pprredirect_url", "_yoast_wpseo_redirect", "redirect")
# Redirects of the plugins Safe Redirect Manager and WPCOM Legacy Redirector.
REDIRECT_RULE, LEGACY_REDIRECT = "redirect_rule", "vip-legacy-redirect"
# The prefix of the GUIDs of pages added by imports above those of a custom type (wordpress.importing.steps.pages).
SECTION_GUID: Final = "urn:wordpress:section:"
# Meta fields of posts: the ID of the featured image, footnotes, enclosures, former slugs and dates (source:
# wp_check_for_changed_slugs, wp_check_for_changed_dates), and from before the trash, the slug and the statuses of
# comments.
THUMBNAIL, FOOTNOTES, ENCLOSURE = "_thumbnail_id", "footnotes", "enclosure"
OLD_SLUG_KEY, OLD_DATE_KEY, DESIRED_SLUG_KEY = "_wp_old_slug", "_wp_old_date", "_wp_desired_post_slug"
COMMENT_STATUSES_KEY: Final = "_wp_trash_meta_comments_status"
# A meta field that WordPress's importer for Blogger adds: the path of a post there, such as `/2012/08/name.html`.
BLOGGER_PATH_KEY = "blogger_permalink"
# Meta fields with the language code of a post, and the name that it shares with its translations, in exports prepared
# with WPML's plugin for exporting and importing.
WPML_LANGUAGE, WPML_TRANSLATIONS = "_wpml_import_language_code", "_wpml_import_translation_group"
# The meta fields and values that hide a post from search engines, in Yoast SEO; Jetpack, which WordPress.com includes;
# The SEO Framework; All in One SEO; SEOPress; and Rank Math, where the value is one of several.
YOAST_NOINDEX, JETPACK_NOINDEX = "_yoast_wpseo_meta-robots-noindex", "jetpack_seo_noindex"
_RANK_MATH: Final = "rank_math_robots"
NOINDEX: Final = {
    **dict.fromkeys((YOAST_NOINDEX, JETPACK_NOINDEX, "_genesis_noindex"), "1"),
    "_aioseop_noindex": "on",
    "_seopress_robots_index": "yes",
    _RANK_MATH: '"noindex"',
}
# A meta field of tables that only exports have, with their IDs separated by commas. Usually there is only one.
TABLE_IDS = "_tablepress_export_table_id"
# A meta field of pictures: the alternative text.
ALT = "_wp_attachment_image_alt"

# The texts of an object's elements, by name, and its meta fields as pairs of key and value. Keys may be repeated.
type Elements = tuple[tuple[str, str], ...]
type Meta = tuple[tuple[str, str], ...]


class Author(NamedTuple):
    """`wp:author`: a user of the old site (not in WXR 1.0). Only our exports have `slug`, `bio` and `legacy_urls`."""

    id: int
    login: str
    email: str
    display_name: str
    first_name: str = ""
    last_name: str = ""
    slug: str = ""
    bio: str = ""
    legacy_urls: tuple[str, ...] = ()


class Term(NamedTuple):
    """A category, tag or other term. `name` and `description` are plain text.

    `parent` is the parent's slug, or its name in the oldest exports. Only our exports have `legacy_urls`.
    `elements` are the texts of elements by name: for categories and tags those that the other fields don't restore,
    with `name` and `description` in place of WordPress's names; for other terms all of them.
    """

    taxonomy: str
    slug: str
    name: str
    parent: str
    description: str
    id: int = 0
    legacy_urls: tuple[str, ...] = ()
    elements: Elements = ()
    meta: Meta = ()


class TermRef(NamedTuple):
    """A term of an item. `name` is plain text; old exports have no slug."""

    taxonomy: str
    slug: str
    name: str


class Comment(NamedTuple):
    """`wp:comment`, without its IP address, which is never read. `author`, `email` and `url` are plain text.

    `written_at` is in UTC, or None if there is no date that can be stored. `elements` are the texts of all elements by
    name; only comments on items other than posts and pages have them. `key` and `parent_key` are IDs that are not
    numbers, which some programs write; empty otherwise. `unclear_date` is the exported date if it can't be read.
    """

    id: int
    author: str
    email: str
    url: str
    written_at: dt.datetime | None
    content: str
    approved: str
    type: str
    parent: int
    user_id: int
    is_html: bool = True
    elements: Elements = ()
    meta: Meta = ()
    key: str = ""
    parent_key: str = ""
    unclear_date: str = ""

    @property
    def is_reply(self) -> bool:
        return bool(self.parent or self.parent_key)

    @property
    def is_approved(self) -> bool:
        return self.approved in {"1", "approve", "approved"}


class Extension(NamedTuple):
    """The values that one of our own exports adds to an item (wordpress.wxr.extensions).

    `markup` is empty for WordPress's. `texts` and `datetimes` are the exported values of model fields, by name.
    `stored_enclosures` is the number of enclosures that are not derived from the text; None if none is derived.
    """

    markup: str
    texts: dict[str, str]
    datetimes: dict[str, dt.datetime | None]
    stored_enclosures: int | None


class Item(NamedTuple):
    """`item`: a post, a page, an attachment, or an item of a plugin.

    `recorded_id` is the number under which imports record its ID, and `parent` that of its parent
    (wordpress.wxr.values.recorded_id).
    `date` (local time of the old site) and `date_gmt` (UTC) are naive, and None if missing (`0000-00-00 00:00:00`).
    `published_at` is derived from them and in UTC like `modified_at`; both are None without a date that can be stored.
    `unclear_date` is the exported date if neither of them can be read.
    `custom_type` is the type of an item that becomes a page; empty if it was a page anyway. For items of custom types,
    `path_above` is the path above that of their link (wordpress.wxr.post_types). Only our exports have `legacy_urls`
    and `extension`. `elements` are the texts of elements by name: for posts and pages those that have no field here,
    for other items all of them.
    """

    id: int
    type: str
    status: str
    title: str
    slug: str
    link: str
    author: str
    date: dt.datetime | None
    date_gmt: dt.datetime | None
    published_at: dt.datetime | None
    modified_at: dt.datetime | None
    content: str
    excerpt: str
    parent: int
    menu_order: int
    sticky: bool
    password: str
    comment_status: str
    guid: str
    terms: tuple[TermRef, ...]
    meta: Meta
    comments: tuple[Comment, ...]
    attachment_url: str = ""
    legacy_urls: tuple[str, ...] = ()
    elements: Elements = ()
    extension: Extension | None = None
    custom_type: str = ""
    path_above: str | None = None
    recorded_id: int = 0
    unclear_date: str = ""
    # Whether something outside of it, such as its category, kept it from some readers. The reader does not set this.
    is_restricted: bool = False
    # Whether it is in one of our own exports, where nothing outside of it has that effect.
    has_final_status: bool = False
    # The plugin that did so by a rule; empty if it was something else.
    restricted_by: str = ""

    def field(self, key: str) -> str:
        """Return the value of a meta field; of several, the first, as WordPress does. Empty if there is none."""
        return next((value for name, value in self.meta if name == key), "")

    @property
    def is_for_members(self) -> bool:
        """Whether only subscribers or members could read it or a part of it."""
        return self.is_restricted or self.restricts_itself

    @property
    def restricts_itself(self) -> bool:
        """Whether it says itself, in a meta field or its text, that only some readers could read it or a part of it."""
        return any(restricts_post(*field) for field in self.meta) or is_restricted_in_text(self.content)

    @property
    def characters(self) -> int:
        """The approximate number of its characters, including its comments."""
        pairs = (*self.meta, *self.elements, *(pair for each in self.comments for pair in (*each.meta, *each.elements)))
        texts = (self.content, self.excerpt, *(comment.content for comment in self.comments))
        return sum(map(len, texts)) + sum(len(value) for _name, value in pairs)


type Record = Author | Term | Item


def hides_from_search_engines(key: str, value: str) -> bool:
    """Return whether a post with this meta field is hidden from search engines."""
    return NOINDEX.get(key) == value.strip() or (key == _RANK_MATH and NOINDEX[key] in value)


def table_id(item: Item) -> str:
    """Return the ID by which texts refer to a TablePress table; empty if the export does not give it."""
    return item.field(TABLE_IDS).partition(",")[0].strip()


def parents_first[Key: Hashable](parents: Mapping[Key, Key | None]) -> tuple[list[Key], set[Key]]:
    """Return the keys of `parents`, each after its parent, and one key of each cycle, whose parent must be ignored.

    Parents that are not keys themselves count as missing.
    """
    order: dict[Key, None] = {}
    roots_of_cycles: set[Key] = set()
    for start in parents:
        path: dict[Key, None] = {}
        key: Key | None = start
        while key is not None and key in parents and key not in order and key not in path:
            path[key] = None
            key = parents[key]
        if key is not None and key in path:
            roots_of_cycles.add(key)
            path[key] = path.pop(key)
        order |= dict.fromkeys(reversed(path))
    return list(order), roots_of_cycles
