"""Verifying an import: does this site show the same content as the old site at every URL of an export?"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote, unquote

from django.utils.translation import gettext as _

from blog.rendering.markups import markups
from comments.models import CommentKind
from core.http import host_of
from core.slugs import slug_from_export, slugify
from wordpress.importing.analysis import Analysis, reason_to_skip, total_size
from wordpress.importing.batches import entry_batches
from wordpress.importing.co_authors import co_authors, people_in
from wordpress.importing.matching import MAX_GUID_LENGTH
from wordpress.importing.page_types import page_types_here
from wordpress.importing.referenced_files import FileReferences, blog_hosts, find_references
from wordpress.importing.report import Remark, remark_on
from wordpress.importing.site_identity import find_site_by_url
from wordpress.importing.steps.comments import comment_kind, is_for_readers
from wordpress.importing.steps.references import ATTACHMENT_COLUMNS, KnownFiles
from wordpress.legacy_urls.query_forms import legacy_key
from wordpress.models import Attachment, FileState
from wordpress.verifying.expectations import is_checked, is_known, local_date, path_by_slug, path_of, shown_titles
from wordpress.verifying.site_client import EntryPage, SiteClient, feed_items, is_listed
from wordpress.wxr.dates import aware_datetime
from wordpress.wxr.reader import Export
from wordpress.wxr.records import CATEGORY, REUSABLE_BLOCK, TAG, Author, Item, Record
from wordpress.wxr.values import plain_line, usable_slug

Stage = Literal["reading", "checking"]

# The first part of the path of a term's page, by taxonomy.
_TERM_PREFIXES: Final = {CATEGORY: "category", TAG: "tag"}
_PINGS: Final = {CommentKind.PINGBACK, CommentKind.TRACKBACK}
_SHORT_TITLE_LENGTH: Final = 100
# Terms with fewer than _RARE posts are rare, and _SAMPLE of these are checked.
_RARE: Final = 5
_SAMPLE: Final = 500


class SiteProblem(NamedTuple):
    """A problem at a path of the site. `kind`, `id` and `title` identify the item of the export."""

    kind: str
    id: int
    title: str
    path: str
    message: str


class NewestPost(NamedTuple):
    """The newest public post of a listing. Of several with the same date, it has the highest ID, as in listings.

    `titles` are its `shown_titles`. `guid` is empty if the post could not keep its GUID.
    """

    date: dt.datetime
    id: int
    titles: tuple[str, ...]
    guid: str

    @property
    def title(self) -> str:
        return self.titles[0] if self.titles else ""


class SiteChecker:
    """Compares the site with exports as of `now`, in the old site's time. Checks yield paths and messages.

    A large blog has tens of thousands of tags with one or two posts, which are all alike. Only a sample of these rare
    terms is checked, unless `check_all` is true.
    """

    def __init__(self, client: SiteClient, *, now: dt.datetime, check_all: bool = False) -> None:
        self._client = client
        self._now = now
        self._check_all = check_all
        # The results so far. Missing files of attachments are apart: until they are imported, the old site has them.
        self.checked = 0
        self.problems: list[SiteProblem] = []
        self.missing_files: list[SiteProblem] = []
        # The number of rare terms outside the sample, and of items that can't be checked, by the reason.
        self.skipped_terms = 0
        self.not_checked = Counter[str]()
        # The files that texts refer to: how many there are in each state, and those that are not here.
        self.file_states: Counter[FileState] = Counter()
        self.missing_references: list[Remark] = []
        # The total number of checks.
        self._total = 1
        # The paths of public posts and pages, and how many posts and pages have each ID.
        self._public_paths: set[str] = set()
        self._id_counts = Counter[int]()
        # The slugs as exported and the names of terms, by taxonomy and slug.
        self._terms: dict[tuple[str, str], tuple[str, str]] = {}
        # The authors by login: as exported, and the names that this site was found to show.
        self._authors: dict[str, Author] = {}
        self._author_names: dict[str, str] = {}
        # The names of people by everything that the export calls them.
        self._people: dict[str, str] = {}
        # By listing: the taxonomy and slug of a term, `author` and a login, or two empty strings for the site.
        self._newest_posts: dict[tuple[str, str], NewestPost] = {}
        self._post_counts = Counter[tuple[str, str]]()
        # The URLs and GUID hosts in the exports, and the blog's hosts derived from them.
        self._analysis = Analysis()
        self._hosts: set[str] = set()
        self._page_types = page_types_here()
        # Whether files are here, by the hashes of their paths, to save memory if there are very many.
        self._files: dict[int, bool] = {}

    def results(self) -> dict[str, Any]:
        """Return the results so far as JSON types."""
        return {
            "checked": self.checked,
            "problems": [problem._asdict() for problem in self.problems],
            "missing_files": [problem._asdict() for problem in self.missing_files],
            "file_states": {state: self.file_states[state] for state in FileState},
            "missing_references": [asdict(reference) for reference in self.missing_references],
        }

    def state(self) -> dict[str, Any]:
        """Return the results so far and the other values that `restore` needs, as JSON types."""
        return self.results() | {"now": self._now.isoformat(), "author_names": self._author_names}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a `state` for the same exports. Raises LookupError, TypeError or ValueError if it is invalid."""
        self._now = dt.datetime.fromisoformat(state["now"])
        self.checked = int(state["checked"])
        self.problems = [SiteProblem(**problem) for problem in state["problems"]]
        self.missing_files = [SiteProblem(**problem) for problem in state["missing_files"]]
        self.file_states = +Counter({FileState(name): int(count) for name, count in state["file_states"].items()})
        self.missing_references = [Remark(**reference) for reference in state["missing_references"]]
        self._author_names = dict(state["author_names"])

    def check(self, paths: list[Path], *, progress: Callable[[Stage, int, int], None]) -> None:
        """Check everything in the exports, except what has already been checked. Raises InvalidExportError."""
        size = total_size(paths)
        self._analysis.add_restrictions(self._records(paths, lambda done: progress("reading", done, 2 * size)))
        self._analysis.restrictions.add_stored(find_site_by_url(self._analysis.base_url), self._analysis.terms)
        self._read_expectations(self._records(paths, lambda done: progress("reading", size + done, 2 * size)))
        if self.checked:
            progress("checking", self.checked, self._total)
        for kind, item_id, title, check in islice(self._checks(paths), self.checked, None):
            found = [SiteProblem(kind, item_id, title[:_SHORT_TITLE_LENGTH], path, message) for path, message in check]
            (self.missing_files if kind == "attachment" else self.problems).extend(found)
            self.checked += 1
            progress("checking", self.checked, self._total)

    def _read_expectations(self, records: Iterable[Record]) -> None:
        """Gather what must be known about the exports before anything is checked."""
        guids: set[str] = set()
        # GUIDs that are too long, or that several items share, so that only one could keep it.
        lost_guids = {""}
        for record in records:
            if isinstance(record, Item):
                self._total += is_checked(record)
                if not is_checked(record):
                    self.not_checked[reason_to_skip(record) or _("The export gives neither its URL nor its ID.")] += 1
                is_kept = record.guid not in guids and len(record.guid) <= MAX_GUID_LENGTH
                (guids if is_kept else lost_guids).add(record.guid)
                if not reason_to_skip(record):
                    self._id_counts[record.id] += 1
                    self._analysis.add_guid(record.guid)
                    self._analysis.creators.add(record.author)
                self._analysis.add_guest(record)
                if not reason_to_skip(record) and self._is_public(record):
                    self._public_paths |= {path_of(record), path_by_slug(record)}
                    self._add_newest_post(record)
            elif isinstance(record, Author):
                self._authors[record.login] = self._analysis.authors[record.login] = record
            elif record.taxonomy in _TERM_PREFIXES and (slug := usable_slug(record.slug)):
                self._terms.setdefault((record.taxonomy, slug), (record.slug, record.name))
        for listing, newest in self._newest_posts.items():
            if newest.guid in lost_guids:
                self._newest_posts[listing] = newest._replace(guid="")
        # Authors without public posts have no page, and the URL of one whose login is `🎉` is not known.
        self._authors = {
            login: author
            for login, author in self._authors.items()
            if ("author", login) in self._newest_posts and (author.slug or slugify(login))
        }
        if not self._check_all:
            self._sample_rare_terms()
        self._total += len(self._terms) + len(self._authors)
        self._hosts = blog_hosts(self._analysis, "")
        self._people = people_in(self._analysis, {})

    def _records(self, paths: list[Path], progress: Callable[[int], None] = lambda done: None) -> Iterator[Record]:
        """Yield all records, and store the blog's URLs that the exports contain.

        `progress` is called with the number of bytes read so far.
        """
        done = 0
        for path in paths:
            export = Export(path, markups, self._page_types)
            for record in export.records():
                progress(done + export.source.bytes_read)
                if isinstance(record, Item) and record.link.rstrip("/") == export.base_url.rstrip("/"):
                    # The item was the front page, which lists the newest posts here, so its link is not checked.
                    record = record._replace(link="")
                yield record
            done += export.source.bytes_read
            self._analysis.base_url = self._analysis.base_url or export.base_url
            self._analysis.site_url = self._analysis.site_url or export.site_url

    def _sample_rare_terms(self) -> None:
        """Leave out most rare terms, always the same ones."""
        rare = [key for key in self._terms if self._post_counts[key] < _RARE]
        if len(rare) > _SAMPLE:
            skipped = set(rare) - {rare[index * len(rare) // _SAMPLE] for index in range(_SAMPLE)}
            self._terms = {key: term for key, term in self._terms.items() if key not in skipped}
            self.skipped_terms = len(skipped)

    def _is_public(self, item: Item) -> bool:
        date = local_date(item)
        # A page needs no date.
        is_published = item.status == "publish" and (date <= self._now if date else item.type == "page")
        return is_published and not self._analysis.restrictions.apply(item).is_for_members

    def _add_newest_post(self, item: Item) -> None:
        date = local_date(item)
        if item.type != "post" or date is None:
            return
        newest = NewestPost(date, item.id, shown_titles(item), item.guid)
        terms = [(ref.taxonomy, usable_slug(ref.slug)) for ref in item.terms if ref.taxonomy in _TERM_PREFIXES]
        for listing in (("", ""), ("author", item.author), *terms):
            self._newest_posts[listing] = max(newest, self._newest_posts.get(listing, newest))
        self._post_counts.update(set(terms))

    def _checks(self, paths: list[Path]) -> Iterator[tuple[str, int, str, Iterator[tuple[str, str]]]]:
        """Yield the kind, ID and title of each object to check, and its check."""
        yield "site", 0, "", self._check_feed("/", self._newest_posts.get(("", "")))
        for login, author in self._authors.items():
            slug = usable_slug(author.slug) or slugify(login)
            yield "author", 0, plain_line(author.display_name), self._check_listing(f"/author/{quote(slug)}/", None)
        for (taxonomy, slug), (exported_slug, name) in self._terms.items():
            prefix = _TERM_PREFIXES[taxonomy]
            path = f"/{prefix}/{quote(slug_from_export(exported_slug), safe='')}/"
            newest = self._newest_posts.get((taxonomy, slug))
            is_shown = newest or is_known(taxonomy, slug)
            yield prefix, 0, name, self._check_listing(path, newest) if is_shown else self._check_unknown(path)
        items = (record for record in self._records(paths) if isinstance(record, Item) and is_checked(record))
        for batch in entry_batches(items, lambda item: item):
            references = [find_references(item) for item in batch]
            attachments = Attachment.objects.only(*ATTACHMENT_COLUMNS)
            known = KnownFiles.find(list(filter(None, references)), attachments, self._hosts)
            for item, its_references in zip(batch, references, strict=True):
                yield item.type, item.id, plain_line(item.title), self._check_item(item, its_references, known)

    def _check_item(
        self, item: Item, references: FileReferences | None, known: KnownFiles
    ) -> Iterator[tuple[str, str]]:
        if references:
            self._check_references(references, known)
        if item.type == "attachment":
            yield from self._check_file(item)
        elif item.type != REUSABLE_BLOCK:
            yield from self._check_public_entry(item) if self._is_public(item) else self._check_hidden_entry(item)

    def _check_public_entry(self, item: Item) -> Iterator[tuple[str, str]]:
        """Check the page of a public post or page, its short URL and the feed of its comments."""
        short_path = f"/?{'page_id' if item.type == 'page' else 'p'}={item.id}" if item.id else ""
        # If several entries have the same ID, the short URL can lead to only one of them.
        is_unique = bool(short_path) and self._id_counts[item.id] == 1
        path = path_of(item) or short_path
        if "?" in path and not is_unique:
            path = path_by_slug(item) or path
        response, final_path = self._client.get_following_redirects(path)
        if response.status != 200:
            yield path, _("The page can't be loaded (HTTP status %d).") % response.status
            return
        if is_unique and path != short_path:
            _response, short_final_path = self._client.get_following_redirects(short_path, known_path=final_path)
            if short_final_path != final_path:
                yield short_path, _("The short URL leads somewhere else.")
        page = EntryPage(response.body)
        for message in self._compare_page(page, item):
            yield path, message
        if page.is_locked != bool(item.password):
            if item.password:
                yield path, _("Readers can see the content without the password.")
            else:
                yield path, _("Readers can't see the content without a password.")
        if page.is_locked:
            return
        unique = dict.fromkeys(item.comments)
        comments = [each for each in unique if each.is_approved and is_for_readers(each.type)]
        without_pings = [comment for comment in comments if comment_kind(comment.type) not in _PINGS]
        count = self._count_comments(page)
        # An owner may have chosen not to show pingbacks.
        if count not in {len(comments), len(without_pings)}:
            counts = {"site": count, "export": len(comments)}
            yield path, _("Number of comments: %(site)d on the page, %(export)d in the export.") % counts
        feed_path = f"{final_path}feed/"
        if without_pings and not feed_items(self._client.get_following_redirects(feed_path)[0].body):
            yield feed_path, _("The comment feed can't be loaded or is empty.")

    def _check_hidden_entry(self, item: Item) -> Iterator[tuple[str, str]]:
        """Check that readers cannot see a post or page that was not public."""
        short_path = f"/?p={item.id}" if item.id and self._id_counts[item.id] == 1 else ""
        for path in filter(None, dict.fromkeys((path_of(item), short_path))):
            response, final_path = self._client.get_following_redirects(path)
            # A path similar to that of a public entry leads there, and another blog's entry may have the ID.
            is_visible = response.status == 200 and final_path not in self._public_paths
            if is_visible and EntryPage(response.body).title in (shown_titles(item) or ("",)):
                yield path, _("Readers can see this although it isn't public.")

    def _check_file(self, attachment: Item) -> Iterator[tuple[str, str]]:
        """Check that the file of an attachment is at the URL that texts use."""
        for url in (attachment.guid, attachment.attachment_url):
            path = quote(unquote(legacy_key(url)), safe="/")
            if path.startswith("/wp-content/uploads/"):
                if not self._has_file(path):
                    yield path, _("The file is not on this site.")
                return

    def _check_references(self, references: FileReferences, known: KnownFiles) -> None:
        """Check that the files that a text refers to are here; the blog's own files at their old URLs."""
        blog_url = self._analysis.base_url.rstrip("/")
        for url, state in known.states(references, self._hosts, blog_url).items():
            key, host = legacy_key(url), host_of(url)
            if (not host or host in self._hosts) and not key.startswith("/?"):
                state = self._state_at(quote(unquote(key), safe="/"), state)
            self.file_states[state] += 1
            if state != FileState.PRESENT:
                self.missing_references.append(
                    remark_on(references.type, references.id, references.title, str(state.label), url)
                )

    def _state_at(self, path: str, expected: FileState) -> FileState:
        """Return the state of the file at `path`. What readers get takes precedence over the `expected` state."""
        if self._has_file(path):
            return FileState.PRESENT
        return FileState.MISSING if expected == FileState.PRESENT else expected

    def _has_file(self, path: str) -> bool:
        key = hash(path)
        if key not in self._files:
            self._files[key] = self._client.get_following_redirects(path, with_body=False)[0].status == 200
        return self._files[key]

    def _compare_page(self, page: EntryPage, item: Item) -> Iterator[str]:
        titles = shown_titles(item)
        if titles and page.title not in titles:
            yield _("The title is “%s”.") % page.title
        date = local_date(item)
        if page.day and date and page.day != f"{date:%Y-%m-%d}":
            yield _("The date is %s.") % page.day
        # An author may have a different name on this site, but it must be the same on all posts.
        if page.author and page.author != self._author_names.setdefault(item.author, page.author):
            yield _("The author is “%s”.") % page.author
        if page.author and page.author_count <= len(co_authors(item, self._people)[0]):
            yield _("It doesn't name all of its authors.")
        for ref in dict.fromkeys(item.terms) if item.type == "post" else ():
            if ref.taxonomy in _TERM_PREFIXES and not page.has_term(ref):
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

    def _check_listing(self, path: str, newest: NewestPost | None) -> Iterator[tuple[str, str]]:
        response, final_path = self._client.get_following_redirects(path)
        if response.status != 200:
            yield path, _("The page can't be loaded (HTTP status %d).") % response.status
            return
        if newest and not is_listed(response.body, newest.titles, newest.date.date().isoformat()):
            yield path, _("The post “%s” is not listed.") % newest.title
        yield from self._check_feed(final_path, newest)

    def _check_unknown(self, path: str) -> Iterator[tuple[str, str]]:
        """Check that readers can't find out that there is a term which only hidden posts have."""
        if self._client.get_following_redirects(path)[0].status != 404:
            yield path, _("Readers can see this although it isn't public.")

    def _check_feed(self, listing_path: str, newest: NewestPost | None) -> Iterator[tuple[str, str]]:
        """Check that the feed of a listing contains its newest post, unless newer ones were written on this site."""
        path = f"{listing_path}feed/"
        response, _path = self._client.get_following_redirects(path)
        items = feed_items(response.body)
        if response.status != 200 or items is None:
            yield path, _("The feed can't be loaded (HTTP status %d).") % response.status
        elif newest and not items:
            yield path, _("The feed is empty.")
        elif newest and newest.guid and (date := aware_datetime(newest.date)):
            has_only_newer = all(published and published > date for _guid, published in items)
            if not has_only_newer and all(guid != newest.guid for guid, _published in items):
                yield path, _("The feed does not contain the post “%s” with its unique ID.") % newest.title
