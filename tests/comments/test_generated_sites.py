"""Generated sites: whatever moderators decide, readers see exactly the approved comments on public entries.

Each comment has a unique mark in its text, name, website and e-mail address. All public pages are searched for them.
"""

import datetime as dt
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, TestCase
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from blog.models import Page, Post
from blog.models import Status as EntryStatus
from comments.models import Comment, CommentSettings, Follower
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.moderation import decisions, deletion
from comments.moderation.counting import miscounted, recount
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.rollback import rolled_back
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

SCHEDULED = "scheduled"
SLASH_COMMENTS = "{http://purl.org/rss/1.0/modules/slash/}comments"
FIRST_DATE = timezone.make_aware(dt.datetime(2020, 5, 17, 12))
# Every field of a comment contains its mark: `zq7x` and so on. Nothing else on the site does.
MARK = re.compile(r"zq(\d+)x")
EMAIL = re.compile(r"[\w.+-]+@secret\.example", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """A plan for a site. Numbers choose among what exists by then, modulo its length."""

    entries: list[tuple[bool, str]]
    comments: list[tuple[int, Status, Kind, int | None]]
    decisions: list[tuple[str, list[int]]]
    per_page: int
    pingbacks: bool


NUMBERS = st.integers(0, 99)
ENTRIES = st.tuples(st.booleans(), st.sampled_from([EntryStatus.PUBLISHED, *EntryStatus.values, SCHEDULED]))
COMMENTS = st.tuples(NUMBERS, st.sampled_from(Status), st.sampled_from([Kind.COMMENT, *Kind]), st.none() | NUMBERS)
ACTIONS: dict[str, Callable[[list[Comment], User], Any]] = {
    "approve": decisions.approve,
    "unapprove": decisions.unapprove,
    "spam": decisions.mark_spam,
    "trash": decisions.trash,
    "restore": decisions.restore,
    "delete": lambda comments, by: deletion.delete(comments),
}
DECISIONS = st.tuples(st.sampled_from(["undo", *ACTIONS]), st.lists(NUMBERS, min_size=1, max_size=3))
PLANS = st.builds(
    Plan,
    entries=st.lists(ENTRIES, min_size=1, max_size=4),
    comments=st.lists(COMMENTS, min_size=1, max_size=14),
    decisions=st.lists(DECISIONS, max_size=3),
    per_page=st.sampled_from([0, 10]),
    pingbacks=st.booleans(),
)


@contextmanager
def temporary_site(plan: Plan) -> Iterator["GeneratedSite"]:
    """Create the site of `plan`, and roll it back afterwards."""
    with rolled_back():
        yield GeneratedSite(plan)


class GeneratedSite:
    """A site created from a plan, and how readers see it, through the page cache."""

    def __init__(self, plan: Plan) -> None:
        CommentSettings.objects.update(comments_per_page=plan.per_page, show_pingbacks=plan.pingbacks)
        self.pingbacks = plan.pingbacks
        self.client = Client()
        self.moderator = UserFactory.create(email="moderator@secret.example")
        self.author = UserFactory.create(username="writer", email="writer@secret.example")
        category = CategoryFactory.create(name="filed")
        self.entries: list[Post | Page] = []
        for number, (is_post, status) in enumerate(plan.entries):
            values: dict[str, Any] = {"title": f"Entry {number}", "slug": f"entry-{number}", "author": self.author}
            values["published_at"] = FIRST_DATE + dt.timedelta(minutes=number)
            if status == SCHEDULED:
                values["published_at"] = timezone.now() + dt.timedelta(days=9)
            values["status"] = EntryStatus.PUBLISHED if status == SCHEDULED else status
            if is_post:
                self.entries.append(PostFactory.create(**values, tags=["shared"], categories=[category]))
            else:
                self.entries.append(PageFactory.create(**values))
        self.pks: list[int] = []
        for entry_number, status, kind, parent in plan.comments:
            self._add(self.entries[entry_number % len(self.entries)], status, kind, parent)
        for entry in self.entries:
            recount(entry)

    def _add(self, entry: Post | Page, status: Status, kind: Kind, parent: int | None) -> None:
        mark = f"zq{len(self.pks)}x"
        existing = list(Comment.objects.on(entry).order_by("pk"))
        comment = CommentFactory.create(
            entry=entry,
            status=status,
            kind=kind,
            parent=existing[parent % len(existing)] if parent is not None and existing else None,
            name=f"{mark} name",
            website=f"https://{mark}.example/",
            email=f"{mark}@secret.example",
            text=f"{mark} text",
        )
        self.pks.append(comment.pk)

    def decide(self, action: str, numbers: list[int], batches: list[Any]) -> None:
        # The site counts as committed by now (see the fixture of this name in tests/conftest.py).
        connection.run_on_commit.clear()
        with TestCase.captureOnCommitCallbacks(execute=True):
            if action == "undo":
                if batches:
                    decisions.undo(batches[numbers[0] % len(batches)], self.moderator)
                return
            pks = [self.pks[number % len(self.pks)] for number in numbers]
            result = ACTIONS[action](list(Comment.objects.filter(pk__in=pks)), self.moderator)
            if action != "delete":
                batches.append(result.batch)

    def numbers(self, comments: Any) -> set[int]:
        return {self.pks.index(pk) for pk in comments.values_list("pk", flat=True)}

    def public(self) -> set[int]:
        """Return the numbers of the public comments, without using the code under test."""
        kinds = list(Kind) if self.pingbacks else [Kind.COMMENT]
        approved = Comment.objects.filter(status="approved", kind__in=kinds)
        shown = [*self._shown(Post), *self._shown(Page)]
        return self.numbers(approved.filter(entry__in=shown))

    @staticmethod
    def _shown(model: Any) -> list[int]:
        now = timezone.now()
        return [one.pk for one in model.objects.all() if one.status == "published" and one.published_at < now]

    # What readers can request

    def listings(self) -> list[str]:
        feeds = ("", "feed/", "feed/atom/")
        bases = ("/", "/tag/shared/", "/category/filed/", "/author/writer/")
        return [
            *(f"{base}{feed}" for base in bases for feed in feeds),
            *("/2020/", "/2020/05/", "/2020/05/17/", "/?s=zq", "/no-such-page/", "/robots.txt"),
            *("/comments/feed/", "/comments/feed/atom/", "/sitemap.xml"),
            *(f"/sitemap-{name}.xml" for name in ("posts", "pages", "tags", "categories")),
        ]

    def pages_of(self, entry: Post | Page) -> list[str]:
        url = entry.get_absolute_url()
        return [
            *(url, f"{url}feed/", f"{url}feed/atom/", f"{url}comment-page-1/", f"{url}comment-page-2/"),
            *(f"{url}?replytocom={pk}" for pk in self.pks[:2]),
            *(f"{url}?unapproved={pk}&moderation-hash={pk}:x:y" for pk in self.pks[:2]),
        ]

    def read(self, url: str) -> str:
        """Return a response with its status and headers, including the target of a redirect."""
        response = self.client.get(url)
        assert response.status_code < 500, url
        return f"{response.status_code}\n{response.headers}\n{response.content.decode()}"

    def previewed(self, entry: Post | Page) -> str:
        kind = "post" if isinstance(entry, Post) else "page"
        data = {"name": "Reader", "email": "reader@reader.example", "text": "Mine", "preview": "1"}
        response = self.client.post(f"/comments/on/{kind}/{entry.pk}/", data)
        assert response.status_code < 500
        return response.content.decode()

    def surfaces(self) -> Iterator[tuple[str, str]]:
        for url in self.listings():
            yield url, self.read(url)
        for entry in self.entries:
            for url in self.pages_of(entry):
                yield url, self.read(url)
            yield f"preview on {entry}", self.previewed(entry)
        for pk in self.pks:
            yield f"/comments/{pk}/", self.read(f"/comments/{pk}/")


def find_marks(text: str) -> set[int]:
    return {int(number) for number in MARK.findall(text.lower())}


def check(site: GeneratedSite) -> None:
    """Check that no page has a hidden comment, every public comment is on some page, and the counts are right."""
    public = site.public()
    seen: set[int] = set()
    surfaces = dict(site.surfaces())
    for url, content in surfaces.items():
        assert find_marks(content) <= public, url
        assert not EMAIL.search(content), url
        seen |= find_marks(content)
    assert seen == public
    assert list(miscounted()) == []
    counts = {str(entry): len(site.numbers(Comment.objects.on(entry).approved())) for entry in site.entries}
    for item in ElementTree.fromstring(site.client.get("/feed/").content).iter("item"):
        assert item.findtext(SLASH_COMMENTS) == str(counts[str(item.findtext("title"))])
    for pk in site.pks:
        is_public = Comment.objects.filter(pk=pk).exists() and site.pks.index(pk) in public
        assert surfaces[f"/comments/{pk}/"].startswith("302" if is_public else "404")


# Each example creates a site and reads a few hundred of its pages.
SLOW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(plan=PLANS)
def test_no_page_shows_hidden_comments_whatever_moderators_decide(plan: Plan) -> None:
    with temporary_site(plan) as site:
        check(site)
        batches: list[Any] = []
        for decisions in batched(plan.decisions, 2):
            for action, numbers in decisions:
                site.decide(action, numbers, batches)
            # This includes pages that were cached before the decision.
            check(site)


@SLOW
@given(plan=PLANS)
def test_followers_are_not_notified_of_hidden_comments(plan: Plan, deliver: Deliver) -> None:
    with temporary_site(plan) as site:
        for entry in site.entries:
            Follower.objects.create(entry=entry, email="reader@reader.example", confirmed_at=timezone.now())
        batches: list[Any] = []
        for action, numbers in plan.decisions:
            site.decide(action, numbers, batches)
        for message in deliver():
            assert message.to == ["reader@reader.example"]
            assert find_marks(message.message().as_string()) <= site.public()
            assert not EMAIL.search(message.message().as_string())


@SLOW
@given(plan=PLANS)
def test_the_markdown_export_has_approved_comments_and_no_addresses(plan: Plan) -> None:
    """Comments on drafts are exported with them. No e-mail address is."""
    with temporary_site(plan) as site, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "site"
        call_command("export_markdown", str(target), verbosity=0)
        written = "\n".join(
            path.read_text() for path in target.rglob("*") if path.is_file() and path.suffix in {".md", ".json"}
        )
        assert find_marks(written) == site.numbers(Comment.objects.filter(status="approved"))
        assert not EMAIL.search(written)
