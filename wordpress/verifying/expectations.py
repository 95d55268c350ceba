"""What an export says about the public site: which URLs must work, and what their pages must show."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from blog.rendering.markups import markups
from wordpress.importing.analysis import reason_to_skip
from wordpress.importing.matching import MAX_GUID_LENGTH
from wordpress.verifying.page_content import one_line
from wordpress.wxr.reader import Export
from wordpress.wxr.records import CATEGORY, TAG, Author, Item, Record
from wordpress.wxr.values import plain_line, usable_slug

# The first part of the path of a term's page, by taxonomy.
TERM_PREFIXES: Final = {CATEGORY: "category", TAG: "tag"}


@dataclass(frozen=True, slots=True, order=True)
class NewestPost:
    """The newest public post of a listing. `guid` is empty if the post could not keep its GUID."""

    date: dt.datetime
    title: str
    guid: str


@dataclass(slots=True)
class Expectations:
    # How many checks there will be.
    total: int = 0
    # The paths of public posts and pages, and how many of them have each ID.
    public_paths: set[str] = field(default_factory=set)
    id_counts: Counter[int] = field(default_factory=Counter)
    # By taxonomy and slug: the slug as it was exported, and the name.
    terms: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    # The names of authors with public posts, by login.
    authors: dict[str, str] = field(default_factory=dict)
    # By listing: taxonomy and slug of a term, `author` and login, or two empty strings for the site.
    newest_posts: dict[tuple[str, str], NewestPost] = field(default_factory=dict)


def read_expectations(paths: Iterable[Path], now: dt.datetime) -> Expectations:
    """Read what must be known of the exports before anything is checked. Raises InvalidExportError."""
    expected = Expectations(total=1)
    guids: set[str] = set()
    # GUIDs that are too long, or that several items share, of which only one could keep it.
    lost_guids = {""}
    for record in read_records(paths):
        if isinstance(record, Item):
            expected.total += is_checked(record)
            is_kept = record.guid not in guids and len(record.guid) <= MAX_GUID_LENGTH
            (guids if is_kept else lost_guids).add(record.guid)
            if not reason_to_skip(record) and is_public(record, now):
                expected.public_paths.add(path_of(record))
                expected.id_counts[record.id] += 1
                _add_newest_post(expected, record)
        elif isinstance(record, Author):
            expected.authors[record.login] = plain_line(record.display_name)
        elif record.taxonomy in TERM_PREFIXES and (slug := usable_slug(record.slug)):
            expected.terms.setdefault((record.taxonomy, slug), (record.slug, record.name))
    for listing, newest in expected.newest_posts.items():
        if newest.guid in lost_guids:
            expected.newest_posts[listing] = replace(newest, guid="")
    # Authors without public posts have no page.
    listed = expected.newest_posts
    expected.authors = {login: name for login, name in expected.authors.items() if ("author", login) in listed}
    expected.total += len(expected.terms) + len(expected.authors)
    return expected


def read_records(paths: Iterable[Path]) -> Iterator[Record]:
    for path in paths:
        yield from Export(path, markups).records()


def is_checked(item: Item) -> bool:
    """Whether there is a URL to check: that of a file, or of a post or page if the export says where it was."""
    return item.type == "attachment" or (not reason_to_skip(item) and bool(path_of(item) or item.id))


def is_public(item: Item, now: dt.datetime) -> bool:
    date = item.date or item.date_gmt
    return item.status == "publish" and not item.password and date is not None and date <= now


def path_of(item: Item) -> str:
    """Return the path of the item on the old site: as exported, otherwise as WordPress makes it. Empty if unknown."""
    try:
        parts = urlsplit(item.link)
        path = quote(unquote(parts.path), safe="/")
        if path.strip("/"):
            return path if path.startswith("/") and not path.startswith("//") else ""
        if parts.query and not item.slug:
            return f"/?{quote(parts.query, safe='=&%')}"
    except ValueError:
        pass
    slug = quote(unquote(item.slug), safe="")
    if not slug or (item.type == "page" and item.parent):
        return ""
    day = item.date or item.date_gmt
    return f"/{slug}/" if item.type == "page" or day is None else f"/{day:%Y}/{day:%m}/{day:%d}/{slug}/"


def _add_newest_post(expected: Expectations, item: Item) -> None:
    date = item.date or item.date_gmt
    if item.type != "post" or date is None:
        return
    newest = NewestPost(date, one_line(plain_line(item.title)), item.guid)
    terms = [(ref.taxonomy, usable_slug(ref.slug)) for ref in item.terms if ref.taxonomy in TERM_PREFIXES]
    for listing in (("", ""), ("author", item.author), *terms):
        expected.newest_posts[listing] = max(newest, expected.newest_posts.get(listing, newest))
