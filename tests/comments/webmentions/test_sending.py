"""Entries notify the sites to which they link: once for each link, after a change, and when the link is gone."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from blog.models import Post, Status
from blog.publishing import trash
from comments.models import CommentSettings, SentMention
from comments.tasks import send_mentions
from comments.webmentions import sending
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.servers import StubServer
from tests.factories.types import PassTime, Work

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def settings_of_owner() -> None:
    settings = CommentSettings.current()
    settings.send_webmentions = True
    settings.save()
    CommentSettings.objects.update(sending_since=timezone.now() - 2 * HOUR)


@pytest.fixture
def site(other_site: StubServer) -> StubServer:
    """Another site whose pages `/a` and `/b` name an endpoint."""
    for path in ("/a", "/b"):
        other_site.answer(path, Link="</endpoint>; rel=webmention")
    other_site.answer("/endpoint", 202)
    return other_site


@pytest.fixture
def run(work: Work) -> Callable[[], None]:
    """Run the scheduled tasks."""

    def run() -> None:
        send_mentions.enqueue()
        work()

    return run


def post_with(*urls: str, **values: Any) -> Post:
    text = "".join(f'<p><a href="{url}">x</a></p>' for url in urls)
    values = {"published_at": timezone.now() - HOUR, **values}
    post: Post = PostFactory(markup="html", source=text, **values)
    return post


def change(post: Post, *urls: str) -> None:
    post.source = "".join(f'<p>Now <a href="{url}">x</a></p>' for url in urls)
    post.save()


def sent(site: StubServer) -> list[tuple[str, str]]:
    """Return what was sent, by source and target, sorted."""
    assert {path for path, _form in site.forms} <= {"/endpoint"}
    assert all(set(form) == {"source", "target"} for _path, form in site.forms)
    return sorted((form["source"][0], form["target"][0]) for _path, form in site.forms)


class TestEntries:
    def test_notify_each_page_once(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"), site.url("/b#part"), site.url("/a"), site.url("/without"))
        page = PageFactory(
            markup="html", source=f'<a href="{site.url("/a")}">x</a>', published_at=timezone.now() - HOUR
        )
        for _again in range(3):
            run()
        source, another = (f"http://testserver{entry.get_absolute_url()}" for entry in (post, page))
        assert sent(site) == sorted([(source, site.url("/a")), (source, site.url("/b")), (another, site.url("/a"))])
        assert site.requests["/without"] == 1

    def test_notify_them_again_after_a_change(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"))
        run()
        change(post, site.url("/a"), site.url("/b"))
        run()
        run()
        assert [target for _source, target in sent(site)] == [site.url("/a")] * 2 + [site.url("/b")]

    def test_notify_them_once_more_when_the_link_is_gone(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"), site.url("/b"))
        run()
        change(post, site.url("/b"))
        for _again in range(3):
            run()
        assert [target for _source, target in sent(site)] == [site.url("/a")] * 2 + [site.url("/b")] * 2
        assert [mention.target for mention in SentMention.objects.all()] == [site.url("/b")]

    @pytest.mark.parametrize(
        "hide",
        [
            lambda post: trash(Post.objects.filter(pk=post.pk), UserFactory(role="Editor")),
            lambda post: post.delete(),
            lambda post: Post.objects.filter(pk=post.pk).update(status=Status.DRAFT),
            lambda post: Post.objects.filter(pk=post.pk).update(password="x"),
        ],
        ids=["trash", "deleted", "draft", "password"],
    )
    def test_notify_them_once_more_when_the_entry_is_hidden(
        self, hide: Callable[[Post], object], site: StubServer, run: Callable[[], None]
    ) -> None:
        post = post_with(site.url("/a"))
        source = f"http://testserver{post.get_absolute_url()}"
        run()
        hide(post)
        for _again in range(3):
            run()
        assert sent(site) == [(source, site.url("/a"))] * 2
        assert not SentMention.objects.exists()

    def test_that_are_published_again_notify_again(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"))
        for status in (Status.PUBLISHED, Status.DRAFT, Status.PUBLISHED):
            post.status = status
            post.save()
            run()
        assert len(sent(site)) == 3

    def test_keep_the_url_by_which_they_are_known(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"))
        source = f"http://testserver{post.get_absolute_url()}"
        run()
        post.slug = "another"
        change(post, site.url("/a"))
        run()
        assert sent(site) == [(source, site.url("/a"))] * 2

    def test_reveal_nothing_about_readers_or_this_site(self, site: StubServer, run: Callable[[], None]) -> None:
        post_with(site.url("/a"))
        run()
        for headers in site.headers:
            assert {name.lower() for name in headers} <= {
                *("host", "user-agent", "accept", "accept-encoding", "content-type", "content-length"),
            }

    def test_that_are_scheduled_wait_until_they_are_due(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"), published_at=timezone.now() + HOUR)
        run()
        assert not site.requests
        Post.objects.filter(pk=post.pk).update(published_at=timezone.now())
        run()
        assert len(sent(site)) == 1

    @pytest.mark.parametrize(
        "values",
        [{"status": Status.DRAFT}, {"status": Status.PRIVATE}, {"status": Status.PENDING}, {"password": "x"}],
    )
    def test_that_are_not_public_notify_no_one(
        self, values: dict[str, Any], site: StubServer, run: Callable[[], None]
    ) -> None:
        post_with(site.url("/a"), **values)
        run()
        assert not site.requests
        assert not SentMention.objects.exists()

    def test_that_are_hidden_before_sending_notify_no_one(self, site: StubServer, run: Callable[[], None]) -> None:
        post = post_with(site.url("/a"))
        sending.note_links()
        post.password = "x"
        post.save()
        sending.send_due(timezone.now() + HOUR)
        run()
        assert not site.requests
        assert not SentMention.objects.exists()

    def test_that_were_published_before_are_left_alone(self, site: StubServer, run: Callable[[], None]) -> None:
        """So no site is notified of an imported archive, even when all of it is edited at once."""
        post = post_with(site.url("/a"), published_at=timezone.now() - 3 * HOUR)
        change(post, site.url("/a"))
        run()
        assert not site.requests

    def test_have_a_limited_number_of_links(self, site: StubServer) -> None:
        post_with(*(site.url(f"/{number}") for number in range(80)))
        sending.note_links()
        assert SentMention.objects.count() == 50

    @pytest.mark.parametrize(
        "url",
        [
            "/own/",
            "http://testserver/own/",
            "mailto:ann@other.example",
            "#part",
            "http://",
            "https://a.example/" + "x" * 999,
        ],
    )
    def test_mention_only_pages_of_other_sites(self, url: str) -> None:
        post_with(url)
        sending.note_links()
        assert not SentMention.objects.exists()


class TestSwitch:
    def test_is_off_by_default(self) -> None:
        assert not CommentSettings().send_webmentions
        assert not CommentSettings().receive_webmentions

    def test_off_sends_nothing_and_forgets_what_was_sent(self, site: StubServer, run: Callable[[], None]) -> None:
        post_with(site.url("/a"))
        run()
        settings = CommentSettings.current()
        settings.send_webmentions = False
        settings.save()
        post_with(site.url("/b"))
        run()
        assert [target for _source, target in sent(site)] == [site.url("/a")]
        assert not SentMention.objects.exists()

    def test_knows_since_when_it_is_on(self) -> None:
        settings = CommentSettings.current()
        since = settings.sending_since
        settings.save()
        assert settings.sending_since == since
        settings.send_webmentions = False
        settings.save()
        assert CommentSettings.current().sending_since is None


class TestOtherSites:
    def test_may_name_the_endpoint_in_any_way(self, other_site: StubServer, run: Callable[[], None]) -> None:
        other_site.answer("/moved", 302, Location="/there/page")
        other_site.answer("/there/page", body=b'<a rel="webmention" href="here">x</a>', Content_Type="text/html")
        other_site.answer("/there/here", 201)
        post_with(other_site.url("/moved"))
        run()
        assert [path for path, _form in other_site.forms] == ["/there/here"]
        assert SentMention.objects.get().sent_at is not None

    def test_that_are_down_are_asked_again_with_growing_pauses(
        self, site: StubServer, run: Callable[[], None], pass_time: PassTime
    ) -> None:
        site.answers["/endpoint"] = [(503, {}, b""), (503, {}, b""), (202, {}, b"")]
        post_with(site.url("/a"))
        for minutes, count in ((0, 1), (14, 1), (2, 2), (50, 2), (15, 3), (999, 3)):
            pass_time(minutes=minutes)
            run()
            assert len(site.forms) == count

    def test_that_ask_to_wait_get_it_later(
        self, site: StubServer, run: Callable[[], None], pass_time: PassTime
    ) -> None:
        site.answers["/endpoint"] = [(429, {"Retry-After": "7200"}, b""), (202, {}, b"")]
        post_with(site.url("/a"))
        for minutes, count in ((0, 1), (110, 1), (20, 2)):
            pass_time(minutes=minutes)
            run()
            assert len(site.forms) == count

    def test_that_stay_down_are_given_up(self, site: StubServer, run: Callable[[], None], pass_time: PassTime) -> None:
        site.answers["/a"] = [(500, {}, b"")]
        post_with(site.url("/a"))
        for _again in range(9):
            run()
            pass_time(days=2)
        assert site.requests["/a"] == 5
        assert SentMention.objects.get().not_before is None

    @pytest.mark.parametrize("status", [400, 403, 404, 410])
    def test_that_refuse_are_not_asked_again(
        self, status: int, site: StubServer, run: Callable[[], None], pass_time: PassTime
    ) -> None:
        site.answers["/endpoint"] = [(status, {}, b"")]
        post_with(site.url("/a"))
        for _again in range(3):
            run()
            pass_time(days=2)
        assert len(site.forms) == 1

    def test_that_were_never_notified_are_not_notified_that_it_is_gone(
        self, site: StubServer, run: Callable[[], None]
    ) -> None:
        post = post_with(site.url("/without"))
        run()
        post.delete()
        run()
        assert site.requests["/without"] == 1
        assert not SentMention.objects.exists()

    def test_get_a_few_requests_at_a_time(self, site: StubServer, run: Callable[[], None]) -> None:
        post_with(*(site.url(f"/page/{number}") for number in range(12)))
        for count in (5, 10, 12, 12):
            run()
            assert sum(site.requests.values()) == count

    def test_in_private_networks_are_not_asked(self, web_server: StubServer, run: Callable[[], None]) -> None:
        post_with(web_server.url("/a"))
        run()
        assert not web_server.requests
        assert SentMention.objects.get().not_before is None

    def test_are_notified_once_by_two_workers(self, site: StubServer) -> None:
        post_with(site.url("/a"))
        sending.note_links()
        (mention,) = SentMention.objects.all()
        # Another worker has just claimed it.
        SentMention.objects.update(not_before=timezone.now() + HOUR)
        sending.send_due(timezone.now() + HOUR)
        assert not site.requests
        SentMention.objects.update(not_before=mention.not_before)
        sending.send_due(timezone.now() + HOUR)
        assert len(site.forms) == 1

    def test_wait_if_there_is_no_time(self, site: StubServer) -> None:
        post_with(site.url("/a"))
        sending.note_links()
        sending.send_due(timezone.now() - HOUR)
        assert not site.requests
