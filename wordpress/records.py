"""What a WordPress export (WXR) holds, as the reader hands it out. Texts are as exported, nothing is judged here."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, NamedTuple

# WordPress counts from 1, but other programs write the numbers of Tumblr and Blogger, of up to nineteen digits. These
# fit into every database's integer, and there is room behind them.
MAX_ID: Final = 9 * 10**18
CATEGORY, TAG = "category", "post_tag"
# By which Polylang files a text under its language; the slug is the language's code.
LANGUAGE = "language"
# The meta field that names the featured image of a post by its number.
THUMBNAIL = "_thumbnail_id"
# That which holds the footnotes of a text (wordpress.fragments).
FOOTNOTES = "footnotes"
# Those that name enclosures (wordpress.enclosures).
ENCLOSURE = "enclosure"
# The alternative text of a picture.
ALT = "_wp_attachment_image_alt"


@dataclass(frozen=True, slots=True)
class Author:
    """`wp:author`: somebody with an account there. WXR 1.0 has none; there only items name a login.

    `slug`, `bio` and `addresses` only an export of ours says (wordpress.originals).
    """

    id: int
    login: str
    email: str
    display_name: str
    first_name: str = ""
    last_name: str = ""
    slug: str = ""
    bio: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A category, tag or other term. `parent` is the parent's slug (in the oldest exports its name).

    `id` is 0 where there is none. `addresses`, that it had before, only an export of ours says.
    """

    taxonomy: str
    slug: str
    name: str
    parent: str
    description: str
    id: int = 0
    addresses: tuple[str, ...] = ()


class TermRef(NamedTuple):
    """That an item is filed under a term. Old exports give no slug."""

    taxonomy: str
    slug: str
    name: str


class Comment(NamedTuple):
    """`wp:comment`. The IP address that an export holds is not read.

    Without `is_html` the content is plain text, as only an export of ours says it (wordpress.originals).
    """

    id: int
    author: str
    email: str
    url: str
    date: dt.datetime | None
    date_gmt: dt.datetime | None
    content: str
    approved: str
    type: str
    parent: int
    user_id: int
    is_html: bool = True


class Item(NamedTuple):
    """`item`: a post, a page, an attachment or something a plug-in made.

    `date` and `modified` are on the clock of the blog, `date_gmt` and `modified_gmt` in UTC, all naive; None where
    there is none (`0000-00-00 00:00:00`). `id` and `parent` are 0 where there is none.
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
    modified: dt.datetime | None
    modified_gmt: dt.datetime | None
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


type Record = Author | Term | Item
