"""Compare a site with an export."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from django.utils.translation import gettext as _

from blog.models import Post
from comments.models import CommentKind
from core.slugs import slug_from_export, slugify
from wordpress.importing.steps.comments import comment_kind, is_for_readers
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.verifying.expectations import TERM_PREFIXES, Expectations, NewestPost, path_of
from wordpress.verifying.page_content import EntryPage, FeedContent, ListingPage, one_line
from wordpress.verifying.site_client import SiteClient, SiteResponse, get_following_redirects
from wordpress.wxr.records import CATEGORY, Comment, Item
from wordpress.wxr.values import aware_datetime, plain_line, usable_slug

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


class SiteChecker:
    """Compares what the site shows with what an export says."""

    def __init__(self, client: SiteClient, expected: Expectations) -> None:
        self._client = client
        self._expected = expected
        # The names under which authors appear on this site, by login.
        self._author_names: dict[str, str] = {}

    def check_site_feed(self) -> Iterator[SiteProblem]:
        return self._check_feed("site", "", "/", self._expected.newest_posts.get(("", "")))

    def check_author(self, login: str, name: str) -> Iterator[SiteProblem]:
        return self._check_listing("author", name, f"/author/{quote(slugify(login))}/", None)

    def check_term(self, taxonomy: str, exported_slug: str, name: str) -> Iterator[SiteProblem]:
        prefix = TERM_PREFIXES[taxonomy]
        path = f"/{prefix}/{quote(slug_from_export(exported_slug), safe='')}/"
        newest = self._expected.newest_posts.get((taxonomy, usable_slug(exported_slug)))
        return self._check_listing(prefix, name, path, newest)

    def check_public_entry(self, item: Item) -> Iterator[SiteProblem]:
        """Check the page of a public post or page, its short URL and the feed of its comments."""
        short_path = f"/?{'page_id' if item.type == 'page' else 'p'}={item.id}" if item.id else ""
        path = path_of(item) or short_path
        response, final_path = self._get(path)
        if response.status != 200:
            yield _problem(item, path, _status_message(response))
            return
        # If several entries have the same ID, it can lead to only one of them.
        if short_path and self._expected.id_counts[item.id] == 1 and self._get(short_path)[1] != final_path:
            yield _problem(item, short_path, _("The short URL leads somewhere else."))
        page = EntryPage(response.body)
        for message in self._compare_page(page, item):
            yield _problem(item, path, message)
        comments = [comment for comment in dict.fromkeys(item.comments) if _is_shown(comment)]
        without_pings = [comment for comment in comments if comment_kind(comment.type) not in _PINGS]
        count = self._count_comments(page)
        # An owner may have chosen not to show pingbacks.
        if count not in {len(comments), len(without_pings)}:
            counts = {"site": count, "export": len(comments)}
            yield _problem(item, path, _("The page has %(site)d comments, the export has %(export)d.") % counts)
        feed_path = f"{final_path}feed/"
        if without_pings and not FeedContent(self._get(feed_path)[0].body):
            yield _problem(item, feed_path, _("The comment feed can't be loaded or is empty."))

    def check_hidden_entry(self, item: Item) -> Iterator[SiteProblem]:
        """Check that readers cannot see a post or page that was not public."""
        short_path = f"/?p={item.id}" if item.id and item.id not in self._expected.id_counts else ""
        for path in dict.fromkeys((path_of(item), short_path)):
            response, final_path = self._get(path) if path else (SiteResponse(404), "")
            # A path that is similar to that of a public entry leads there.
            if response.status == 200 and final_path not in self._expected.public_paths:
                yield _problem(item, path, _("Readers can see this although it isn't public."))

    def find_missing_files(self, attachment: Item) -> Iterator[SiteProblem]:
        """Check that the file of an attachment is at the URL that texts use."""
        for url in (attachment.guid, attachment.attachment_url):
            path = quote(unquote(legacy_key(url)), safe="/")
            if path.startswith("/wp-content/uploads/"):
                if self._get(path)[0].status != 200:
                    yield _problem(attachment, path, _("The file is not on this site."))
                return

    def _get(self, path: str) -> tuple[SiteResponse, str]:
        return get_following_redirects(self._client, path)

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
            if ref.taxonomy in TERM_PREFIXES and not page.has_term(ref):
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

    def _check_listing(self, kind: str, name: str, path: str, newest: NewestPost | None) -> Iterator[SiteProblem]:
        response, final_path = self._get(path)
        if response.status != 200:
            yield _listing_problem(kind, name, path, _status_message(response))
            return
        if newest and not ListingPage(response.body).has(newest.title, newest.date.date().isoformat()):
            yield _listing_problem(kind, name, path, _("The post “%s” is not listed.") % newest.title)
        yield from self._check_feed(kind, name, final_path, newest)

    def _check_feed(self, kind: str, name: str, listing_path: str, newest: NewestPost | None) -> Iterator[SiteProblem]:
        """Check that the feed of a listing contains its newest post, unless newer ones were written on this site."""
        path = f"{listing_path}feed/"
        response, _path = self._get(path)
        feed = FeedContent(response.body)
        if response.status != 200 or not feed.is_feed:
            yield _listing_problem(kind, name, path, _("The feed can't be loaded (HTTP status %d).") % response.status)
        elif newest and not feed:
            yield _listing_problem(kind, name, path, _("The feed is empty."))
        elif newest and newest.guid and (date := aware_datetime(newest.date)) and not feed.has(newest.guid, date):
            text = _("The feed does not contain the post “%s” with its GUID.")
            yield _listing_problem(kind, name, path, text % newest.title)


def _is_shown(comment: Comment) -> bool:
    return comment.approved in _APPROVED and is_for_readers(comment.type)


def _status_message(response: SiteResponse) -> str:
    return _("The page can't be loaded (HTTP status %d).") % response.status


def _problem(item: Item, path: str, message: str) -> SiteProblem:
    return SiteProblem(item.type, item.id, plain_line(item.title)[:_SHORT_TITLE_LENGTH], path, message)


def _listing_problem(kind: str, name: str, path: str, message: str) -> SiteProblem:
    return SiteProblem(kind, 0, name[:_SHORT_TITLE_LENGTH], path, message)
