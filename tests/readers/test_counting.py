"""Each page that a reader opens is counted, and nothing else."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from blog.models import Status
from readers import counting
from readers.models import PageKind, ReferrerCount
from tests.factories import PageFactory, PostFactory, at
from tests.factories.reader import Reader
from tests.factories.types import AtOnce

pytestmark = pytest.mark.usefixtures("counting")

type Counted = Callable[[], dict[str, dict[Any, int]]]
NOTHING: dict[str, dict[Any, int]] = {"kinds": {}, "entries": {}, "hosts": {}}


class TestPages:
    def test_are_counted_by_entry_and_kind(self, reader: Reader, counted: Counted) -> None:
        post, page = PostFactory(tags=["t"], published_at=at(2020, 5, 17)), PageFactory()
        for url in (post.get_absolute_url(), page.get_absolute_url(), "/", "/2020/", "/archive/", "/privacy/"):
            assert reader.get(url).status == 200
        assert reader.get("/tag/t/").status == 200
        found = counted()
        assert found["kinds"] == {"entry": 2, "front": 1, "other": 4}
        assert found["entries"] == {post.pk: 1, page.pk: 1}

    def test_are_counted_each_time_even_if_cached(self, reader: Reader, counted: Counted) -> None:
        url = PostFactory().get_absolute_url()
        for _again in range(3):
            response = reader.get(url)
        assert reader.get(url, if_none_match=response.headers["ETag"]).status == 304
        assert reader.rendered == [url]
        assert counted()["kinds"] == {"entry": 4}
        assert counted()["kinds"] == {"entry": 4}

    def test_of_a_long_entry_are_counted_for_the_entry(self, reader: Reader, counted: Counted) -> None:
        post = PostFactory(markup="html", source="One.<!--nextpage-->Two.")
        page = PageFactory(markup="html", source="One.<!--nextpage-->Two.")
        assert reader.get(f"{post.get_absolute_url()}2/").status == 200
        assert reader.get(f"{page.get_absolute_url()}2/").status == 200
        assert counted()["entries"] == {post.pk: 1, page.pk: 1}

    # Each change is committed, as in production, so that cached pages expire.
    @pytest.mark.django_db(transaction=True)
    def test_are_counted_for_the_same_entry_after_its_url_changes(self, reader: Reader, counted: Counted) -> None:
        post = PostFactory(slug="before")
        old = post.get_absolute_url()
        reader.get(old)
        assert counted()["entries"] == {post.pk: 1}
        post.slug = "after"
        post.save()
        assert reader.get(old).status == 301
        reader.get(post.get_absolute_url())
        assert counted()["entries"] == {post.pk: 2}

    def test_are_counted_with_tracking_parameters_of_other_sites(self, reader: Reader, counted: Counted) -> None:
        post = PostFactory()
        reader.get(f"{post.get_absolute_url()}?utm_source=x&fbclid=y")
        assert counted()["entries"] == {post.pk: 1}

    def test_with_a_password_are_counted(self, reader: Reader, counted: Counted) -> None:
        post = PostFactory(password="word")
        reader.get(post.get_absolute_url())
        assert counted()["entries"] == {post.pk: 1}


class TestNotCounted:
    def test_urls_that_are_not_pages(self, reader: Reader, counted: Counted) -> None:
        post = PostFactory(slug="moved")
        url = post.get_absolute_url()
        draft = PostFactory(status=Status.DRAFT, published_at=at(2020, 1, 1), slug="draft")
        for path in (
            "/nothing/here/",
            "/2020/01/01/draft/",
            draft.get_absolute_url(),
            "/2020/13/45/x/",
            url.rstrip("/"),
            "/feed/",
            f"{url}feed/",
            "/comments/feed/atom/",
            "/sitemap.xml",
            "/robots.txt",
            "/favicon.ico",
            "/dictionary.txt",
            "/admin/login/",
            "/static/css/site.css",
            "/media/pictures/x.png",
            f"/oembed/?url={settings.SITE_URL}{url}",
            "/%ff%fe/",
            "/%00/",
        ):
            reader.get(path)
        assert counted() == NOTHING

    def test_other_views_of_a_page(self, reader: Reader, counted: Counted) -> None:
        url = PostFactory().get_absolute_url()
        reader.get("/?s=words")
        reader.get(f"{url}?replytocom=1")
        reader.get(f"{url}?unapproved=7")
        reader.get("/?" + "&".join(f"a{n}=b" for n in range(40)))
        assert counted() == NOTHING

    @pytest.mark.parametrize(
        "headers",
        [
            {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
            {"user_agent": ""},
            {"cookie": "sessionid=x"},
            {"sec_purpose": "prefetch"},
            {"sec_purpose": "prefetch", "sec_speculation_tags": "null"},
            {"sec_purpose": "prefetch;prerender", "sec_speculation_tags": '"pressed-link"'},
            {"sec_fetch_dest": "empty"},
            {"sec_fetch_dest": "image"},
        ],
        ids=str,
    )
    def test_requests_not_made_by_readers(self, headers: dict[str, str], reader: Reader, counted: Counted) -> None:
        assert reader.get(PostFactory().get_absolute_url(), **headers).status == 200
        assert counted() == NOTHING

    def test_requests_with_other_methods(self, reader: Reader, counted: Counted) -> None:
        url = PostFactory().get_absolute_url()
        for method in ("HEAD", "POST", "OPTIONS", "DELETE"):
            reader.request(method, url)
        assert counted() == NOTHING


def test_a_prefetch_of_a_pressed_link_is_counted(reader: Reader, counted: Counted) -> None:
    """The browser shows the prefetched page, so there is no second request."""
    post = PostFactory()
    reader.get(post.get_absolute_url(), sec_purpose="prefetch", sec_speculation_tags='"pressed-link"')
    assert counted()["entries"] == {post.pk: 1}


class TestReferrers:
    def test_are_counted_by_host(self, reader: Reader, counted: Counted) -> None:
        url = PostFactory().get_absolute_url()
        for referrer in ("https://news.example/a", "https://www.news.example/b?c", "https://other.example/", ""):
            reader.get(url, referer=referrer)
        assert counted()["hosts"] == {"news.example": 2, "other.example": 1}

    def test_of_uncounted_requests_are_not_counted(self, reader: Reader, counted: Counted) -> None:
        reader.get("/nothing/", referer="https://news.example/")
        reader.get("/", referer="https://news.example/", user_agent="curl/8")
        assert counted()["hosts"] == {}

    def test_have_a_bounded_number_of_stored_hosts(self, reader: Reader, counted: Counted) -> None:
        hosts = 0
        for rounds in range(4):
            for number in range(600):
                reader.get("/", referer=f"https://spam-{rounds}-{number}.example/")
            for _again in range(5):
                reader.get("/", referer="https://news.example/")
            stored = counted()["hosts"]
            hosts = max(hosts, len(stored))
        assert hosts <= 1_002
        assert sum(stored.values()) == 4 * 605
        # A host that readers really come from stands out.
        assert stored["news.example"] >= 15

    @pytest.mark.django_db(transaction=True)
    def test_are_merged_without_deadlocks_while_another_process_counts_them(
        self, monkeypatch: pytest.MonkeyPatch, at_once: AtOnce
    ) -> None:
        monkeypatch.setattr(counting, "_MAX_HOSTS", 2)
        day = timezone.localdate()
        counts = {"a": 1, "b": 5, "c": 5, "d": 5, "e": 5}
        ReferrerCount.objects.bulk_create(ReferrerCount(day=day, host=host, count=n) for host, n in counts.items())
        is_merging, has_ended = Event(), Event()

        def wait_for_other(call: Callable[..., Any], sql: str, *args: Any) -> Any:
            if "COUNT(" in sql:
                is_merging.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)
            return call(sql, *args)

        def count(kind: PageKind, *hosts: str) -> None:
            tally = counting.Tally()
            tally.kinds[day, kind] += 1
            tally.hosts.update((day, host) for host in hosts)
            counting.store(tally)

        def merge() -> None:
            with connection.execute_wrapper(wait_for_other):
                count(PageKind.ENTRY, "b")

        def add() -> None:
            is_merging.wait()
            count(PageKind.FRONT, "a", "b")
            has_ended.set()

        at_once(merge, add)
        assert dict(ReferrerCount.objects.values_list("host", "count")) == {"": 11, "a": 1, "b": 7, "c": 5}
