"""Before the domain is switched: does this site answer at every address of an export, with what was there?"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from comments.models import Kind
from wordpress.addresses import old_key
from wordpress.comments import comment_kind, is_for_readers
from wordpress.identity import MAX_GUID_LENGTH
from wordpress.pages_seen import EntryPage, FeedSeen, ListingPage, one_line
from wordpress.plain import moment, plain, usable_slug
from wordpress.reader import Export
from wordpress.records import CATEGORY, TAG, Author, Item, Record
from wordpress.sites import Answer, Site, follow
from wordpress.survey import reason_to_skip

_APPROVED: Final = {"1", "approve", "approved"}
_PINGS: Final = {Kind.PINGBACK, Kind.TRACKBACK}
_MAX_TITLE_LENGTH: Final = 1000
_WORDS: Final = {CATEGORY: "category", TAG: "tag"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not right at an address."""

    kind: str
    id: int
    title: str
    address: str
    problem: str


@dataclass(slots=True)
class Verification:
    """What was found so far. `missing` are files of attachments that are not here: the old site has them."""

    checked: int = 0
    faults: list[Fault] = field(default_factory=list)
    missing: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class _Newest:
    """The newest public post under something."""

    date: dt.datetime
    title: str
    guid: str


@dataclass(slots=True)
class _Contents:
    """What must be known of an export before the first thing is checked."""

    total: int = 0
    public: set[str] = field(default_factory=set)
    # How many public posts and pages have each number.
    numbers: Counter[int] = field(default_factory=Counter)
    # By taxonomy and usable slug: the slug as exported, and the name.
    terms: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    guids: set[str] = field(default_factory=set)
    # Guids that are kept for one of the items that have it, or for none.
    lost_guids: set[str] = field(default_factory=lambda: {""})
    newest: dict[tuple[str, str], _Newest] = field(default_factory=dict)


def verify(
    paths: Iterable[Path],
    site: Site,
    found: Verification,
    *,
    now: dt.datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Ask `site` for all that the exports hold. `found` takes what is seen, and has it when this is interrupted too.

    `now` is on the clock of the blog. Raises ExportRefused.
    """
    paths = list(paths)
    contents = _contents(paths, now)
    for faults, missing in _checks(paths, site, contents, now):
        found.faults += faults
        found.missing += missing
        found.checked += 1
        progress(found.checked, contents.total)


def _contents(paths: list[Path], now: dt.datetime) -> _Contents:
    contents = _Contents(total=1)
    for record in _records(paths):
        if isinstance(record, Item):
            if _is_checked(record):
                contents.total += 1
            kept = record.guid not in contents.guids and len(record.guid) <= MAX_GUID_LENGTH
            (contents.guids if kept else contents.lost_guids).add(record.guid)
            if not reason_to_skip(record) and _is_public(record, now):
                contents.public.add(_address(record))
                contents.numbers[record.id] += 1
                _add_newest(contents, record)
        elif isinstance(record, Author):
            contents.authors[record.login] = plain(record.display_name)
        elif record.taxonomy in _WORDS and (slug := usable_slug(record.slug)):
            contents.terms.setdefault((record.taxonomy, slug), (record.slug, plain(record.name)))
    for key, newest in contents.newest.items():
        if newest.guid in contents.lost_guids:
            contents.newest[key] = replace(newest, guid="")
    # Of authors whose posts nobody sees there is no page.
    contents.authors = {login: name for login, name in contents.authors.items() if ("author", login) in contents.newest}
    contents.total += len(contents.terms) + len(contents.authors)
    return contents


def _add_newest(contents: _Contents, item: Item) -> None:
    date = item.date or item.date_gmt
    if item.type != "post" or date is None:
        return
    newest = _Newest(date, one_line(plain(item.title)), item.guid)
    terms = [(ref.taxonomy, usable_slug(ref.slug)) for ref in item.terms if ref.taxonomy in _WORDS]
    for key in (("", ""), ("author", item.author), *terms):
        contents.newest[key] = max(newest, contents.newest.get(key, newest))


def _checks(
    paths: list[Path], site: Site, contents: _Contents, now: dt.datetime
) -> Iterator[tuple[list[Fault], list[Fault]]]:
    """The faults, and the files that are not here, of one thing after the other."""
    yield list(_feed_faults(site, "site", "", "/", contents.newest.get(("", "")))), []
    for login, name in contents.authors.items():
        yield list(_listing_faults(site, "author", name, f"/author/{quote(slugify(login))}/", None)), []
    for (taxonomy, slug), (exported, name) in contents.terms.items():
        path = f"/{_WORDS[taxonomy]}/{quote(slug_from_export(exported), safe='')}/"
        yield list(_listing_faults(site, _WORDS[taxonomy], name, path, contents.newest.get((taxonomy, slug)))), []
    shown_as: dict[str, str] = {}
    for record in _records(paths):
        if not isinstance(record, Item) or not _is_checked(record):
            continue
        if record.type == "attachment":
            yield [], list(_missing_files(site, record))
        elif _is_public(record, now):
            yield list(_public_faults(site, record, contents, shown_as)), []
        else:
            yield list(_hidden_faults(site, record, contents)), []


def _records(paths: list[Path]) -> Iterator[Record]:
    for path in paths:
        yield from Export(path).records()


def _is_checked(item: Item) -> bool:
    """Whether there is something to ask for: a file, or a text of which the export says where it was."""
    return item.type == "attachment" or (not reason_to_skip(item) and bool(_address(item) or item.id))


def _is_public(item: Item, now: dt.datetime) -> bool:
    date = item.date or item.date_gmt
    return item.status == "publish" and not item.password and date is not None and date <= now


def _address(item: Item) -> str:
    """The path where it was; where the export does not say, the path WordPress makes."""
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


def _public_faults(site: Site, item: Item, contents: _Contents, shown_as: dict[str, str]) -> Iterator[Fault]:
    def fault(address: str, problem: str) -> Fault:
        return Fault(item.type, item.id, plain(item.title)[:100], address, problem)

    short = f"/?{'page_id' if item.type == 'page' else 'p'}={item.id}" if item.id else ""
    address = _address(item) or short
    answer, place = follow(site, address)
    if answer.status != 200:
        yield fault(address, _("It does not answer (status %d).") % answer.status)
        return
    # A number that several have can lead to one of them only.
    if short and contents.numbers[item.id] == 1 and follow(site, short)[1] != place:
        yield fault(short, _("The short address does not lead to it."))
    wanted = dict.fromkeys(item.comments)
    comments = [one for one in wanted if one.approved in _APPROVED and is_for_readers(one.type)]
    page = EntryPage(answer.body)
    for problem in _problems(page, item, shown_as):
        yield fault(address, problem)
    # An owner may choose not to show pingbacks.
    without_pings = sum(comment_kind(one.type) not in _PINGS for one in comments)
    number = _comments(site, page)
    if number not in {len(comments), without_pings}:
        numbers = {"here": number, "there": len(comments)}
        yield fault(address, _("It has %(here)d comments; in the export it has %(there)d.") % numbers)
    if any(comment_kind(one.type) not in _PINGS for one in comments) and not FeedSeen(
        follow(site, f"{place}feed/")[0].body
    ):
        yield fault(f"{place}feed/", _("The feed of its comments does not answer, or is empty."))


def _problems(page: EntryPage, item: Item, shown_as: dict[str, str]) -> Iterator[str]:
    """What is not as it was on the page of `item`. `shown_as`: how authors are called here, by their names there."""
    title = plain(item.title)[:_MAX_TITLE_LENGTH]
    if title and page.title != one_line(title):
        yield _("The title is “%s”.") % page.title
    day = item.date or item.date_gmt
    if page.day and day and page.day != f"{day:%Y-%m-%d}":
        yield _("The date is %s.") % page.day
    # Whoever stands for an author here does so on all posts.
    if page.author and page.author != shown_as.setdefault(item.author, page.author):
        yield _("The author is “%s”.") % page.author
    for ref in dict.fromkeys(item.terms) if item.type == "post" else ():
        if ref.taxonomy in _WORDS and not page.is_filed(ref):
            kind = _("category") if ref.taxonomy == CATEGORY else _("tag")
            yield _("The %(kind)s “%(name)s” is missing.") % {"kind": kind, "name": plain(ref.name)}


def _comments(site: Site, page: EntryPage) -> int:
    """How many comments there are on `page` and the further pages of a long thread."""
    number, asked = page.comments, {""}
    while page.further not in asked:
        asked.add(page.further)
        page = EntryPage(site.get(page.further).body)
        number += page.comments
    return number


def _hidden_faults(site: Site, item: Item, contents: _Contents) -> Iterator[Fault]:
    short = f"/?p={item.id}" if item.id and item.id not in contents.numbers else ""
    for path in dict.fromkeys((_address(item), short)):
        answer, place = follow(site, path) if path else (Answer(404), "")
        # An address that is nearly that of a public one leads there.
        if answer.status == 200 and place not in contents.public:
            title = plain(item.title)[:100]
            yield Fault(item.type, item.id, title, path, _("It is not public, but readers can see it."))


def _listing_faults(site: Site, kind: str, name: str, path: str, newest: _Newest | None) -> Iterator[Fault]:
    answer, place = follow(site, path)
    if answer.status != 200:
        yield Fault(kind, 0, name[:100], path, _("It does not answer (status %d).") % answer.status)
        return
    if newest and not ListingPage(answer.body).has(newest.title, newest.date.date().isoformat()):
        yield Fault(kind, 0, name[:100], path, _("It does not list the post “%s”.") % newest.title)
    yield from _feed_faults(site, kind, name, place, newest)


def _feed_faults(site: Site, kind: str, name: str, place: str, newest: _Newest | None) -> Iterator[Fault]:
    """Of the feed of the listing at `place`. It holds the newest post there, unless newer ones were written here."""
    path = f"{place}feed/"
    answer, _place = follow(site, path)
    feed = FeedSeen(answer.body)
    if answer.status != 200 or not feed.is_feed:
        yield Fault(kind, 0, name[:100], path, _("The feed does not answer (status %d).") % answer.status)
    elif newest and not feed:
        yield Fault(kind, 0, name[:100], path, _("The feed is empty."))
    elif newest and newest.guid and (date := moment(newest.date)) and not feed.has(newest.guid, date):
        yield Fault(kind, 0, name[:100], path, _("The feed does not hold the post “%s” by its guid.") % newest.title)


def _missing_files(site: Site, item: Item) -> Iterator[Fault]:
    """The file of an attachment, at the address that texts name."""
    for address in (item.guid, item.attachment_url):
        path = quote(unquote(old_key(address)), safe="/")
        if path.startswith("/wp-content/uploads/"):
            if follow(site, path)[0].status != 200:
                yield Fault(item.type, item.id, plain(item.title)[:100], path, _("Its file is not here."))
            return
