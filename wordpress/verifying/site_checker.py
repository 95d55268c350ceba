"""Verify an import: does this site show at every URL of an export what the old site showed?"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from django.utils.translation import gettext as _

from blog.models import Post
from comments.models import CommentKind
from core.slugs import slug_from_export, slugify
from wordpress.importing.steps.comments import comment_kind, is_for_readers
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.verifying import expectations
from wordpress.verifying.page_content import EntryPage, FeedContent, is_listed, one_line
from wordpress.verifying.site_client import SiteClient, SiteResponse
from wordpress.wxr.records import CATEGORY, Comment, Item
from wordpress.wxr.values import aware_datetime, plain_line

_APPROVED: Final = {"1", "approve", "approved"}
_PINGS: Final = {CommentKind.PINGBACK, CommentKind.TRACKBACK}
_MAX_TITLE_LENGTH: Final = Post._meta.get_field("title").max_length
_SHORT_TITLE_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class SiteProblem:
    """Something that is wrong at a path of the site. `kind`, `id` and `title` identify the item of the export."""

    kind: str
    id: int
    title: str
    path: str
    message: str


@dataclass(slots=True)
class Verification:
    """The result so far. `missing_files` are those of attachments; until they are imported, the old site has them."""

    checked: int = 0
    problems: list[SiteProblem] = field(default_factory=list)
    missing_files: list[SiteProblem] = field(default_factory=list)


def verify(
    paths: Iterable[Path],
    client: SiteClient,
    result: Verification,
    *,
    now: dt.datetime,
    progress: Callable[[int, int], None],
) -> None:
    """Check everything that the exports contain. `result` is updated as it goes, in case this is interrupted.

    `now` is on the clock of the old site. Raises InvalidExportError.
    """
    paths = list(paths)
    expected = expectations.read_expectations(paths, now)
    for kind, item_id, title, check in SiteChecker(client, expected, now).checks(paths):
        problems = [SiteProblem(kind, item_id, title[:_SHORT_TITLE_LENGTH], path, message) for path, message in check]
        (result.missing_files if kind == "attachment" else result.problems).extend(problems)
        result.checked += 1
        progress(result.checked, expected.total)


class SiteChecker:
    """Compares what the site shows with what an export says. Checks yield a path and a message for each problem."""

    def __init__(self, client: SiteClient, expected: expectations.Expectations, now: dt.datetime) -> None:
        self._client = client
        self._expected = expected
        self._now = now
        # The names under which authors appear on this site, by login.
        self._author_names: dict[str, str] = {}

    def checks(self, paths: list[Path]) -> Iterator[tuple[str, int, str, Iterator[tuple[str, str]]]]:
        """Yield each check after the kind, ID and title of what it checks."""
        newest_posts = self._expected.newest_posts
        yield "site", 0, "", self._check_feed("/", newest_posts.get(("", "")))
        for login, name in self._expected.authors.items():
            yield "author", 0, name, self._check_listing(f"/author/{quote(slugify(login))}/", None)
        for (taxonomy, slug), (exported_slug, name) in self._expected.terms.items():
            prefix = expectations.TERM_PREFIXES[taxonomy]
            path = f"/{prefix}/{quote(slug_from_export(exported_slug), safe='')}/"
            yield prefix, 0, name, self._check_listing(path, newest_posts.get((taxonomy, slug)))
        for record in expectations.read_records(paths):
            if isinstance(record, Item) and expectations.is_checked(record):
                yield record.type, record.id, plain_line(record.title), self._check_item(record)

    def _check_item(self, item: Item) -> Iterator[tuple[str, str]]:
        if item.type == "attachment":
            return self._check_file(item)
        is_public = expectations.is_public(item, self._now)
        return self._check_public_entry(item) if is_public else self._check_hidden_entry(item)

    def _check_public_entry(self, item: Item) -> Iterator[tuple[str, str]]:
        """Check the page of a public post or page, its short URL and the feed of its comments."""
        short_path = f"/?{'page_id' if item.type == 'page' else 'p'}={item.id}" if item.id else ""
        path = expectations.path_of(item) or short_path
        response, final_path = self._client.get_following_redirects(path)
        if response.status != 200:
            yield path, _status_message(response)
            return
        # If several entries have the same ID, it can lead to only one of them.
        is_unique = bool(short_path) and self._expected.id_counts[item.id] == 1
        if is_unique and self._client.get_following_redirects(short_path)[1] != final_path:
            yield short_path, _("The short URL leads somewhere else.")
        page = EntryPage(response.body)
        for message in self._compare_page(page, item):
            yield path, message
        comments = [comment for comment in dict.fromkeys(item.comments) if _is_shown(comment)]
        without_pings = [comment for comment in comments if comment_kind(comment.type) not in _PINGS]
        count = self._count_comments(page)
        # An owner may have chosen not to show pingbacks.
        if count not in {len(comments), len(without_pings)}:
            counts = {"site": count, "export": len(comments)}
            yield path, _("The page has %(site)d comments, the export has %(export)d.") % counts
        feed_path = f"{final_path}feed/"
        if without_pings and not FeedContent(self._client.get_following_redirects(feed_path)[0].body):
            yield feed_path, _("The comment feed can't be loaded or is empty.")

    def _check_hidden_entry(self, item: Item) -> Iterator[tuple[str, str]]:
        """Check that readers cannot see a post or page that was not public."""
        short_path = f"/?p={item.id}" if item.id and item.id not in self._expected.id_counts else ""
        for path in filter(None, dict.fromkeys((expectations.path_of(item), short_path))):
            response, final_path = self._client.get_following_redirects(path)
            # A path that is similar to that of a public entry leads there.
            if response.status == 200 and final_path not in self._expected.public_paths:
                yield path, _("Readers can see this although it isn't public.")

    def _check_file(self, attachment: Item) -> Iterator[tuple[str, str]]:
        """Check that the file of an attachment is at the URL that texts use."""
        for url in (attachment.guid, attachment.attachment_url):
            path = quote(unquote(legacy_key(url)), safe="/")
            if path.startswith("/wp-content/uploads/"):
                if self._client.get_following_redirects(path)[0].status != 200:
                    yield path, _("The file is not on this site.")
                return

    def _compare_page(self, page: EntryPage, item: Item) -> Iterator[str]:
        title = plain_line(item.title)[:_MAX_TITLE_LENGTH]
        if title and page.title != one_line(title):
            yield _("The title is “%s”.") % page.title
        date = item.date or item.date_gmt
        if page.day and date and page.day != f"{date:%Y-%m-%d}":
            yield _("The date is %s.") % page.day
        # An author may have another name on this site, but then on all posts.
        if page.author and page.author != self._author_names.setdefault(item.author, page.author):
            yield _("The author is “%s”.") % page.author
        for ref in dict.fromkeys(item.terms) if item.type == "post" else ():
            if ref.taxonomy in expectations.TERM_PREFIXES and not page.has_term(ref):
                text = _("The category “%s” is missing.") if ref.taxonomy == CATEGORY else _("The tag “%s” is missing.")
                yield text % ref.name

    def _count_comments(self, page: EntryPage) -> int:
        """Count the comments on `page` and on the following pages of comments."""
        count, requested = page.comment_count, {""}
        while page.next_path not in requested:
            requested.add(page.next_path)
            page = EntryPage(self._client.get(page.next_path).body)
            count += page.comment_count
        return count

    def _check_listing(self, path: str, newest: expectations.NewestPost | None) -> Iterator[tuple[str, str]]:
        response, final_path = self._client.get_following_redirects(path)
        if response.status != 200:
            yield path, _status_message(response)
            return
        if newest and not is_listed(response.body, newest.title, newest.date.date().isoformat()):
            yield path, _("The post “%s” is not listed.") % newest.title
        yield from self._check_feed(final_path, newest)

    def _check_feed(self, listing_path: str, newest: expectations.NewestPost | None) -> Iterator[tuple[str, str]]:
        """Check that the feed of a listing contains its newest post, unless newer ones were written on this site."""
        path = f"{listing_path}feed/"
        response, _path = self._client.get_following_redirects(path)
        feed = FeedContent(response.body)
        if response.status != 200 or not feed.is_feed:
            yield path, _("The feed can't be loaded (HTTP status %d).") % response.status
        elif newest and not feed:
            yield path, _("The feed is empty.")
        elif newest and newest.guid and (date := aware_datetime(newest.date)) and not feed.has(newest.guid, date):
            yield path, _("The feed does not contain the post “%s” with its GUID.") % newest.title


def _is_shown(comment: Comment) -> bool:
    return comment.approved in _APPROVED and is_for_readers(comment.type)


def _status_message(response: SiteResponse) -> str:
    return _("The page can't be loaded (HTTP status %d).") % response.status
