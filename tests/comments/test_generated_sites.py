"""Made-up sites: whatever is in them and whatever is decided, readers find what is approved on what is public.

Each comment has marks of its own in text, name, website and e-mail address; all public surfaces are read for them.
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
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
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
from tests.factories.types import Deliver

pytestmark = pytest.mark.django_db

SCHEDULED = "scheduled"
SLASH_COMMENTS = "{http://purl.org/rss/1.0/modules/slash/}comments"
MOMENT = timezone.make_aware(dt.datetime(2020, 5, 17, 12))
# Whatever a comment holds has one of these in front: `zq7t`, `zq7n` and so on. Nothing else on the site has.
MARK = re.compile(r"zq(\d+)x")
ADDRESS = re.compile(r"[\w.+-]+@secret\.example", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """A site to be made. Numbers choose among what is there by then."""

    entries: list[tuple[bool, str]]
    comments: list[tuple[int, Status, Kind, int | None]]
    decisions: list[tuple[str, list[int]]]
    per_page: int
    pingbacks: bool


NUMBERS = st.integers(0, 99)
ENTRIES = st.tuples(st.booleans(), st.sampled_from([EntryStatus.PUBLISHED, *EntryStatus.values, SCHEDULED]))
COMMENTS = st.tuples(NUMBERS, st.sampled_from(Status), st.sampled_from([Kind.COMMENT, *Kind]), st.none() | NUMBERS)
MOVES: dict[str, Callable[[list[Comment], User], Any]] = {
    "approve": decisions.approve,
    "spam": decisions.mark_spam,
    "trash": decisions.trash,
    "restore": decisions.restore,
    "delete": lambda comments, by: deletion.delete(comments),
}
DECISIONS = st.tuples(st.sampled_from(["undo", *MOVES]), st.lists(NUMBERS, min_size=1, max_size=3))
PLANS = st.builds(
    Plan,
    entries=st.lists(ENTRIES, min_size=1, max_size=4),
    comments=st.lists(COMMENTS, min_size=1, max_size=14),
    decisions=st.lists(DECISIONS, max_size=3),
    per_page=st.sampled_from([0, 10]),
    pingbacks=st.booleans(),
)


@contextmanager
def passing_site(plan: Plan) -> Iterator["Made"]:
    """The site of `plan`, gone afterwards."""
    cache.clear()
    with transaction.atomic():
        yield Made(plan)
        transaction.set_rollback(True)


class Made:
    """A site that was made by a plan, and how readers see it. Its pages come through the page cache."""

    def __init__(self, plan: Plan) -> None:
        CommentSettings.objects.update(comments_per_page=plan.per_page, show_pingbacks=plan.pingbacks)
        self.pingbacks = plan.pingbacks
        self.client = Client()
        self.moderator = UserFactory.create(email="moderator@secret.example")
        self.author = UserFactory.create(username="writer", email="writer@secret.example")
        category = CategoryFactory.create(name="filed")
        self.entries: list[Post | Page] = []
        for number, (is_post, status) in enumerate(plan.entries):
            words: dict[str, Any] = {"title": f"Entry {number}", "slug": f"entry-{number}", "author": self.author}
            words["published_at"] = MOMENT + dt.timedelta(minutes=number)
            if status == SCHEDULED:
                words["published_at"] = timezone.now() + dt.timedelta(days=9)
            words["status"] = EntryStatus.PUBLISHED if status == SCHEDULED else status
            if is_post:
                self.entries.append(PostFactory.create(**words, tags=["shared"], categories=[category]))
            else:
                self.entries.append(PageFactory.create(**words))
        self.pks: list[int] = []
        for place, status, kind, parent in plan.comments:
            self._add(self.entries[place % len(self.entries)], status, kind, parent)
        for entry in self.entries:
            recount(entry)

    def _add(self, entry: Post | Page, status: Status, kind: Kind, parent: int | None) -> None:
        mark = f"zq{len(self.pks)}x"
        there = list(Comment.objects.on(entry).order_by("pk"))
        comment = CommentFactory.create(
            entry=entry,
            status=status,
            kind=kind,
            parent=there[parent % len(there)] if parent is not None and there else None,
            name=f"{mark} name",
            website=f"https://{mark}.example/",
            email=f"{mark}@secret.example",
            text=f"{mark} text",
        )
        self.pks.append(comment.pk)

    def decide(self, move: str, numbers: list[int], batches: list[Any]) -> None:
        # What was arranged counts as committed (see the fixture of this name in tests/conftest.py).
        connection.run_on_commit.clear()
        with TestCase.captureOnCommitCallbacks(execute=True):
            if move == "undo":
                if batches:
                    decisions.undo(batches[numbers[0] % len(batches)], self.moderator)
                return
            pks = [self.pks[number % len(self.pks)] for number in numbers]
            outcome = MOVES[move](list(Comment.objects.filter(pk__in=pks)), self.moderator)
            if move != "delete":
                batches.append(outcome.batch)

    def numbers(self, comments: Any) -> set[int]:
        return {self.pks.index(pk) for pk in comments.values_list("pk", flat=True)}

    def public(self) -> set[int]:
        """By the words of the issue, and not by the code that is tested."""
        kinds = list(Kind) if self.pingbacks else [Kind.COMMENT]
        approved = Comment.objects.filter(status="approved", kind__in=kinds)
        shown = [*self._shown(Post), *self._shown(Page)]
        return self.numbers(approved.filter(entry__in=shown))

    @staticmethod
    def _shown(model: Any) -> list[int]:
        now = timezone.now()
        return [one.pk for one in model.objects.all() if one.status == "published" and one.published_at < now]

    # What readers can ask for

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
            *(f"{url}?replytocom={pk}" for pk in self.pks[:4]),
            *(f"{url}?unapproved={pk}&moderation-hash={pk}:x:y" for pk in self.pks[:4]),
        ]

    def read(self, address: str) -> str:
        """An answer with its headers, where it leads to included."""
        response = self.client.get(address)
        assert response.status_code < 500, address
        return f"{response.headers}\n{response.content.decode()}"

    def previewed(self, entry: Post | Page) -> str:
        kind = "post" if isinstance(entry, Post) else "page"
        words = {"name": "Somebody", "email": "somebody@reader.example", "text": "Mine", "preview": "1"}
        response = self.client.post(f"/comments/on/{kind}/{entry.pk}/", words)
        assert response.status_code < 500
        return response.content.decode()

    def surfaces(self) -> Iterator[tuple[str, str]]:
        for address in self.listings():
            yield address, self.read(address)
        for entry in self.entries:
            for address in self.pages_of(entry):
                yield address, self.read(address)
            yield f"preview on {entry}", self.previewed(entry)
        for pk in self.pks:
            yield f"/comments/{pk}/", self.read(f"/comments/{pk}/")


def found_in(text: str) -> set[int]:
    return {int(number) for number in MARK.findall(text.lower())}


def check(made: Made) -> None:
    """No surface has more than is public, all of them together have all of it, and the numbers are right."""
    public = made.public()
    seen: set[int] = set()
    for address, answer in made.surfaces():
        assert found_in(answer) <= public, address
        assert not ADDRESS.search(answer), address
        seen |= found_in(answer)
    assert seen == public
    assert list(miscounted()) == []
    counts = {str(entry): len(made.numbers(Comment.objects.on(entry).approved())) for entry in made.entries}
    for item in ElementTree.fromstring(made.client.get("/feed/").content).iter("item"):
        assert item.findtext(SLASH_COMMENTS) == str(counts[str(item.findtext("title"))])
    for pk in made.pks:
        is_public = Comment.objects.filter(pk=pk).exists() and made.pks.index(pk) in public
        assert made.client.get(f"/comments/{pk}/").status_code == (302 if is_public else 404)


# Each example makes a site and reads some hundred pages of it.
SLOW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(plan=PLANS)
def test_no_surface_has_more_than_is_public_whatever_is_decided(plan: Plan) -> None:
    with passing_site(plan) as made:
        check(made)
        batches: list[Any] = []
        for decisions in batched(plan.decisions, 2):
            for move, numbers in decisions:
                made.decide(move, numbers, batches)
            # Pages that were cached before the decision included.
            check(made)


@SLOW
@given(plan=PLANS)
def test_followers_are_told_of_nothing_that_is_not_public(plan: Plan, deliver: Deliver) -> None:
    with passing_site(plan) as made:
        for entry in made.entries:
            Follower.objects.create(entry=entry, email="reader@reader.example", confirmed_at=timezone.now())
        batches: list[Any] = []
        for move, numbers in plan.decisions:
            made.decide(move, numbers, batches)
        for message in deliver():
            assert message.to == ["reader@reader.example"]
            assert found_in(message.message().as_string()) <= made.public()
            assert not ADDRESS.search(message.message().as_string())


@SLOW
@given(plan=PLANS)
def test_the_export_for_other_systems_has_what_is_approved_and_no_address(plan: Plan) -> None:
    """Comments on drafts go with their draft: the owner takes all along. Of no comment the address is in it."""
    with passing_site(plan) as made, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "site"
        call_command("export_markdown", str(target), verbosity=0)
        written = "\n".join(
            path.read_text() for path in target.rglob("*") if path.is_file() and path.suffix in {".md", ".json"}
        )
        assert found_in(written) == made.numbers(Comment.objects.filter(status="approved"))
        assert not ADDRESS.search(written)
