"""The records of a WordPress export (WXR), as the reader yields them.

IDs, dates, slugs and other fields with a fixed form come without surrounding whitespace, names as plain text. Titles
and texts are as exported. Nothing is validated here.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, NamedTuple

# WordPress counts from 1, but other programs export the IDs of Tumblr and Blogger, which have up to nineteen digits.
# These fit into every database's integer, with room for IDs after them.
MAX_ID: Final = 9 * 10**18
CATEGORY, TAG = "category", "post_tag"
# The taxonomy in which Polylang stores the language of a post. The term's slug is the language code.
LANGUAGE = "language"
# The meta field with the ID of a post's featured image.
THUMBNAIL = "_thumbnail_id"
# The meta field with the footnotes of a text (wordpress.markup.footnotes_and_blocks).
FOOTNOTES = "footnotes"
# The meta field for one enclosure (wordpress.importing.steps.posts).
ENCLOSURE = "enclosure"
# The meta fields in which WordPress keeps a post's old slugs and dates.
# Source: wp_check_for_changed_slugs and wp_check_for_changed_dates.
OLD_SLUG_KEY, OLD_DATE_KEY = "_wp_old_slug", "_wp_old_date"
# The alternative text of a picture.
ALT = "_wp_attachment_image_alt"


@dataclass(frozen=True, slots=True)
class Author:
    """`wp:author`: someone with an account on the old site. WXR 1.0 has none; only its items name a login.

    `slug`, `bio` and `legacy_urls` are only in our own exports (wordpress.wxr.extensions).
    """

    id: int
    login: str
    email: str
    display_name: str
    first_name: str = ""
    last_name: str = ""
    slug: str = ""
    bio: str = ""
    legacy_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A category, tag or other term. `name` and `description` are plain text.

    `parent` is the parent's slug (in the oldest exports its name), and `id` is 0 if there is none. `legacy_urls` are
    only in our own exports.
    """

    taxonomy: str
    slug: str
    name: str
    parent: str
    description: str
    id: int = 0
    legacy_urls: tuple[str, ...] = ()


class TermRef(NamedTuple):
    """A term of an item. `name` is plain text; old exports have no slug."""

    taxonomy: str
    slug: str
    name: str


class Comment(NamedTuple):
    """`wp:comment`, without its IP address, which is never read. `author`, `email` and `url` are plain text.

    `written_at` is in UTC, or None if the export has no date that can be stored. If `is_html` is False, `content` is
    plain text; only our own exports say so (wordpress.wxr.extensions).
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


class Extension(NamedTuple):
    """What one of our own exports says about an item beyond WXR (wordpress.wxr.extensions).

    `texts` and `datetimes` have the values of model fields by name, as far as the export gives them. A datetime is
    None if the export says that there is none.
    """

    # Empty: the WordPress markup.
    markup: str
    texts: dict[str, str]
    datetimes: dict[str, dt.datetime | None]
    # How many of the enclosures are stored with the post; the others are found in its text. None: all.
    stored_enclosures: int | None


class Item(NamedTuple):
    """`item`: a post, a page, an attachment or something that belongs to a plug-in.

    `date` (local time of the old site) and `date_gmt` (UTC) are naive, and None if missing (`0000-00-00 00:00:00`).
    `published_at` is made of them, and is in UTC like `modified_at`; both are None if there is no date that can be
    stored. `id` and `parent` are 0 if there is none.
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
    meta: tuple[tuple[str, str], ...]
    comments: tuple[Comment, ...]
    attachment_url: str = ""
    # Only in our own exports, like `extension`.
    legacy_urls: tuple[str, ...] = ()
    extension: Extension | None = None


type Record = Author | Term | Item
