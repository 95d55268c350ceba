"""When readers and programs are told that the text of a post has changed since it was published."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from blog import publishing
from blog.models import Entry, Post, Status
from blog.revisions.comparing import says_something_else
from core.changes import content_changed
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.metadata import SITEMAP, json_ld, meta, microformats
from tests.factories.responses import ATOM, read_xml

TEXT = "One two three four five six seven eight nine ten."
LATER = f"{TEXT}\n\nThe court has released all of them."
NOTE = re.compile(r'<p>([^<>]*<time class="dt-updated".*?)</p>')


def save(entry: Any, *, tags: list[str] | None = None, categories: Any = None, **changes: Any) -> Any:
    """Save an entry as an editor does, and return it as stored."""
    stored = type(entry).objects.get(pk=entry.pk)
    for name, value in changes.items():
        setattr(stored, name, value)
    publishing.save_entry(stored, UserFactory(role="Editor"), tags=tags, categories=categories)
    return type(entry).objects.get(pk=entry.pk)


def note(post: Post) -> str:
    """Return the note about an update on the page of a post, as HTML; empty if there is none."""
    found = NOTE.search(Client().get(post.get_absolute_url()).content.decode())
    return found[1] if found else ""


@pytest.fixture
def post(db: None) -> Post:
    published: Post = PostFactory(title="A post", source=TEXT, published_at=at(2020, 3, 7), tags=["peace"])
    return published


class TestAPostWithAnotherText:
    def test_says_on_which_day_it_changed(self, post: Post) -> None:
        assert note(post) == ""
        save(post, source=LATER)
        today = timezone.localdate()
        shown = f"{today:%B} {today.day}, {today.year}"
        assert note(post) == f'Updated on <time class="dt-updated" datetime="{today}">{shown}</time>.'

    def test_says_so_in_the_format_that_was_chosen(self, post: Post, publish_appearance: Callable[..., int]) -> None:
        save(post, source=LATER)
        publish_appearance(day_format="Y-m-d")
        assert f">{timezone.localdate().isoformat()}</time>" in note(post)

    def test_says_so_in_its_own_language(self, db: None) -> None:
        post = PostFactory(source=TEXT, published_at=at(2020, 3, 7), language="fr", text_changed_at=at(2021, 5, 9))
        assert '<time class="dt-updated" datetime="2021-05-09">9 mai 2021</time>' in note(post)

    def test_says_so_to_programs_that_read_microformats(self, post: Post, client: Client) -> None:
        save(post, source=LATER)
        (entry,) = microformats(client, post.get_absolute_url())
        assert entry["properties"]["published"] == ["2020-03-07"]
        assert entry["properties"]["updated"] == [timezone.localdate().isoformat()]

    def test_says_so_on_its_own_page_only(self, post: Post) -> None:
        save(post, source=LATER)
        for path in ("/", "/tag/peace/", "/2020/03/", "/2020/"):
            assert "dt-updated" not in Client().get(path).content.decode()

    def test_says_nothing_if_the_owner_turned_it_off(self, post: Post, publish_appearance: Callable[..., int]) -> None:
        save(post, source=LATER)
        publish_appearance(show_updates=False)
        assert note(post) == ""

    def test_says_nothing_while_it_needs_a_password(self, post: Post) -> None:
        save(post, source=LATER)
        save(post, password="secret")
        assert note(post) == ""

    def test_says_nothing_after_its_date_was_moved_forward(self, post: Post) -> None:
        changed = save(post, source=LATER)
        moved = save(post, published_at=timezone.now())
        assert moved.text_changed_at == changed.text_changed_at
        assert note(moved) == ""

    def test_takes_no_more_queries(self, post: Post) -> None:
        Client().get(post.get_absolute_url())
        counts: list[int] = []
        for text_changed_at in (None, timezone.now()):
            Entry.objects.update(text_changed_at=text_changed_at)
            with CaptureQueriesContext(connection) as captured:
                page = Client().get(f"{post.get_absolute_url()}?{len(counts)}").content
            assert (b"dt-updated" in page) is bool(text_changed_at)
            counts.append(len(captured))
        assert counts[0] == counts[1]


class TestAChangeOfText:
    def test_of_a_few_words_is_a_correction(self, post: Post) -> None:
        longer = f"{TEXT} Eleven twelve thirteen"
        assert save(post, source=longer).text_changed_at is None
        assert save(post, source=longer.replace("two three four", "2, 3 and")).text_changed_at is None
        assert save(post, source=f"{longer} fourteen fifteen sixteen seventeen").text_changed_at

    def test_of_the_title_counts_as_well(self, post: Post) -> None:
        assert save(post, title="A piece").text_changed_at is None
        assert save(post, title="What the court has said today").text_changed_at

    def test_of_the_markup_alone_is_not_an_update(self, post: Post) -> None:
        marked = "**One** two *three* four [five six](https://example.org/a/b/c/d/e) seven\neight nine ten."
        assert save(post, source=marked).text_changed_at is None
        html = "<p>One two three four five six seven eight nine ten.</p>"
        assert save(post, source=html, markup="html").text_changed_at is None

    def test_on_the_day_of_publication_is_not_an_update(self, db: None) -> None:
        post = PostFactory(source=TEXT, published_at=timezone.now())
        assert save(post, source=LATER).text_changed_at is None

    @pytest.mark.parametrize(
        "hidden",
        [
            {"status": Status.DRAFT},
            {"status": Status.PRIVATE},
            {"published_at": timezone.now() + dt.timedelta(days=400)},
        ],
    )
    def test_before_publication_is_not_an_update(self, hidden: dict[str, Any], db: None) -> None:
        post = PostFactory(source=TEXT, **{"published_at": at(2020, 3, 7), **hidden})
        assert save(post, source=LATER).text_changed_at is None
        assert save(post, status=Status.PUBLISHED, published_at=at(2020, 3, 7)).text_changed_at is None

    def test_stays_known_whatever_is_changed_later(self, post: Post) -> None:
        changed = save(post, source=LATER).text_changed_at
        assert save(post, source=f"{LATER} Again.").text_changed_at == changed


class TestAnotherChange:
    def test_is_not_an_update(self, post: Post) -> None:
        author, category = UserFactory(role="Author"), CategoryFactory()
        save(post, tags=["other", "tags"], categories=[category])
        save(post, slug="other", author=author, sticky=True, comments_open=False, excerpt="Other words, and many more.")
        save(post, status=Status.DRAFT)
        editor = UserFactory(role="Editor")
        publishing.publish(Post.objects.all(), editor)
        publishing.set_language(Post.objects.all(), editor, "en")
        publishing.reassign(author, editor)
        stored = Post.objects.get()
        assert stored.modified_at > post.modified_at
        assert stored.text_changed_at is None
        assert note(stored) == ""


class TestPrograms:
    @pytest.fixture
    def told(self, client: Client) -> Callable[[Any], set[str]]:
        def told(post: Any) -> set[str]:
            """Return every time of the last change that is given to programs."""
            path = post.get_absolute_url()
            (entry,) = read_xml(client, "/feed/atom/").iterfind(f"{ATOM}entry")
            (url,) = read_xml(client, "/sitemap-posts.xml")
            (item,) = json.loads(client.get("/feed/json/").content)["items"]
            times = [
                json_ld(client, path)["BlogPosting"]["dateModified"],
                *meta(client, path)["article:modified_time"],
                item["date_modified"],
                entry.findtext(f"{ATOM}updated"),
                url.findtext(f"{SITEMAP}lastmod"),
                read_xml(client, "/sitemap.xml")[0].findtext(f"{SITEMAP}lastmod"),
            ]
            return {dt.datetime.fromisoformat(time or "").replace(microsecond=0).isoformat() for time in times}

        return told

    def test_are_all_told_the_time_of_publication_first(self, post: Post, told: Callable[[Any], set[str]]) -> None:
        assert told(post) == {"2020-03-07T12:00:00+00:00"}
        save(post, tags=["other"])
        assert told(post) == {"2020-03-07T12:00:00+00:00"}

    def test_are_all_told_the_time_that_readers_are_told(self, post: Post, told: Callable[[Any], set[str]]) -> None:
        changed = save(post, source=LATER).text_changed_at
        save(post, tags=["other"])
        assert told(post) == {changed.replace(microsecond=0).isoformat()}

    def test_that_fetch_a_feed_again_get_every_correction(self, post: Post, client: Client) -> None:
        before = client.get("/feed/").headers["Last-Modified"]
        Entry.objects.update(modified_at=timezone.now() + dt.timedelta(seconds=5))
        content_changed()
        assert client.get("/feed/?again").headers["Last-Modified"] != before

    def test_are_told_of_pages_as_well(self, client: Client, db: None) -> None:
        page = PageFactory(title="About", source=TEXT, published_at=at(2020, 3, 7))
        save(page, source=LATER)
        (url,) = read_xml(client, "/sitemap-pages.xml")
        assert (url.findtext(f"{SITEMAP}lastmod") or "").startswith(timezone.now().date().isoformat())


class TestComparing:
    @pytest.mark.parametrize(
        ("before", "after", "differs"),
        [
            ("", "", False),
            ("<p>a b c d</p>", "<p>d c b a</p>", False),
            ("<p>one, two</p>", "<p><b>one</b> – two!</p>", False),
            ("<p>a</p>", "<p>a b c d</p>", False),
            ("<p>a</p>", "<p>a b c d e</p>", True),
            ("<p>a b c d e</p>", "<p>a</p>", True),
            ("<p>نص قصير</p>", "<p>نص قصير وفيه كلمات أخرى جديدة</p>", True),
            # In Chinese and Japanese, each character counts.
            ("<p>人権</p>", "<p>人権の本</p>", False),
            ("<p>人権</p>", "<p>人権の本です。</p>", True),
        ],
    )
    def test_counts_the_words_that_only_one_text_has(self, before: str, after: str, differs: bool) -> None:
        assert says_something_else(before, after) is differs

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_is_the_same_in_both_directions(self, one: str, other: str) -> None:
        assert says_something_else(one, other) is says_something_else(other, one)
