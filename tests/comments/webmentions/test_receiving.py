"""Other sites report that they link to a post. Their page is fetched, and the link waits for a moderator."""

import datetime as dt
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from lxml import etree
from lxml import html as lxml_html
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from blog.models import Post, Status
from blog.models.redirect import Redirect
from comments import outbox, tasks
from comments.models import (
    Block,
    Comment,
    CommentKind,
    CommentPolicy,
    CommentSettings,
    CommentStatus,
    NotificationPreference,
    OutboxItem,
    RateCount,
)
from comments.moderation.decisions import approve, trash
from comments.moderation.queue import queue_page
from comments.rules import rate_limit
from comments.webmentions import pages
from comments.webmentions.pages import FetchedPage
from comments.webmentions.receiving import check
from core.text import one_line
from mail import delivery
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.database import everything_stored
from tests.factories.reader import Reader
from tests.factories.responses import find, one, read, text
from tests.factories.servers import StubServer
from tests.factories.types import AtOnce, PassTime, Work

pytestmark = pytest.mark.django_db
ENDPOINT = "/comments/webmention/"
OTHER = "https://other.example/a/"
type Send = Callable[..., int]
type Mention = Callable[[str, Any], Comment]


@pytest.fixture
def receiving() -> None:
    CommentSettings.objects.update(receive_webmentions=True)


@pytest.fixture
def send(client: Client) -> Send:
    """Send a Webmention, and return the status of the response."""

    def send(source: str, target: Any) -> int:
        target = target if isinstance(target, str) else url_of(target)
        form = urlencode({"source": source, "target": target})
        return client.post(ENDPOINT, form, content_type="application/x-www-form-urlencoded").status_code

    return send


def url_of(entry: Any) -> str:
    return f"http://testserver{entry.get_absolute_url()}"


def page_with(entry: Any, text: str = "They write", title: str = "Our blog") -> bytes:
    return f'<title>{title}</title><p>{text} <a href="{url_of(entry)}">here</a> about it.</p>'.encode()


def show(site: StubServer, body: bytes, status: int = 200) -> None:
    """Have the other site respond like this at `/a`."""
    site.answers["/a"] = [(status, {"Content-Type": "text/html"}, body)]


def waiting() -> int:
    return DBTaskResult.objects.filter(task_path=tasks.check_mention.module_path, status="READY").count()


def mentions() -> list[Comment]:
    return list(Comment.objects.order_by("pk"))


class TestEndpoint:
    def test_is_not_there_unless_the_owner_wants_it(self, client: Client, send: Send) -> None:
        post = PostFactory()
        assert "webmention" not in client.get(post.get_absolute_url()).text
        assert send(OTHER, post) == 404
        assert waiting() == 0

    @pytest.mark.usefixtures("receiving")
    def test_is_named_by_posts_and_pages(self, client: Client) -> None:
        for entry in (PostFactory(), PageFactory()):
            page = lxml_html.fromstring(client.get(entry.get_absolute_url()).content)
            assert page.xpath("//head/link[@rel='webmention']/@href") == [ENDPOINT]

    @pytest.mark.usefixtures("receiving")
    def test_is_not_named_where_no_one_can_comment(self, client: Client) -> None:
        closed = [PostFactory(comments_open=False), PostFactory(password="x")]
        for url in ("/", *(entry.get_absolute_url() for entry in closed)):
            assert 'rel="webmention"' not in client.get(url).text

    def test_is_named_once_the_owner_turns_it_on(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        url, reader = PostFactory().get_absolute_url(), Reader()
        assert 'rel="webmention"' not in reader.get(url).text
        with django_capture_on_commit_callbacks(execute=True):
            CommentSettings.objects.update(receive_webmentions=True)
        assert 'rel="webmention"' in reader.get(url).text

    def test_takes_no_query_to_be_named(self, client: Client) -> None:
        url = PostFactory().get_absolute_url()
        counts = []
        for receive in (False, True):
            CommentSettings.objects.update(receive_webmentions=receive)
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert ('rel="webmention"' in client.get(url).text) == receive
            counts.append(len(queries))
        assert counts[0] == counts[1]

    @pytest.mark.usefixtures("receiving")
    def test_accepts_only_forms(self, client: Client) -> None:
        assert client.get(ENDPOINT).status_code == 405
        assert client.post(ENDPOINT, "{}", content_type="application/json").status_code == 400
        assert client.post(ENDPOINT).status_code == 400

    @pytest.mark.usefixtures("receiving")
    def test_needs_no_token_and_sets_no_cookie(self) -> None:
        client = Client(
            enforce_csrf_checks=True, headers={"origin": "https://other.example", "sec-fetch-site": "cross-site"}
        )
        response = client.post(ENDPOINT, {"source": OTHER, "target": url_of(PostFactory())})
        assert response.status_code == 202
        assert not response.cookies
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"

    @pytest.mark.usefixtures("receiving")
    def test_stores_nothing_about_the_sender(self, client: Client) -> None:
        data = {"source": OTHER, "target": url_of(PostFactory())}
        client.post(ENDPOINT, data, REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT="Sender/7")
        stored = everything_stored()
        assert "203.0.113.77" not in stored
        assert "Sender/7" not in stored
        assert RateCount.objects.exclude(sender="mentions").count() == 2


@pytest.mark.usefixtures("receiving")
class TestRefusing:
    @pytest.mark.parametrize(
        "source",
        [
            "",
            "x",
            "ftp://other.example/",
            "javascript:alert(1)",
            "https://name:word@other.example/",
            "https://other.example/" + "a" * 500,
            "https://other.example/\x00",
            "https:///a",
            "http://testserver/another/",
            "https://former.example/another/",
            "https://[::1/",
        ],
    )
    def test_sources(self, source: str, send: Send, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["former.example"]
        assert send(source, PostFactory()) == 400
        assert waiting() == 0

    def test_targets(self, send: Send) -> None:
        hidden = [
            PostFactory(status=Status.DRAFT, published_at=timezone.now()),
            PostFactory(status=Status.PRIVATE),
            PostFactory(status=Status.TRASH),
            PostFactory(published_at=timezone.now() + dt.timedelta(days=1)),
            PostFactory(password="x"),
            PostFactory(comments_open=False),
        ]
        for target in (
            *hidden,
            "",
            "/",
            "http://testserver/",
            "http://testserver/nothing/",
            "https://other.example/a/",
        ):
            assert send(OTHER, target) == 400
        assert waiting() == 0

    def test_everything_while_comments_are_closed(self, send: Send) -> None:
        CommentSettings.objects.update(comments_open=False)
        assert send(OTHER, PostFactory()) == 400

    def test_a_target_that_is_the_source(self, send: Send) -> None:
        post = PostFactory()
        assert send(url_of(post), post) == 400


@pytest.mark.usefixtures("receiving")
class TestTargets:
    @pytest.fixture
    def post(self) -> Post:
        post: Post = PostFactory(slug="a-title", published_at=dt.datetime(2024, 5, 6, 12, tzinfo=dt.UTC))
        return post

    @pytest.mark.parametrize(
        "target",
        [
            "http://testserver/2024/05/06/a-title/",
            "http://testserver/2024/05/06/a-title",
            "https://testserver/2024/05/06/a-title/#comment-5",
            "https://former.example/2024/05/06/a-title/",
            "http://testserver/old/url/",
            "https://former.example/old/url/",
            "http://testserver/2024/05/06/a-title/trackback/",
        ],
    )
    def test_may_have_former_urls(
        self, target: str, post: Post, send: Send, work: Work, other_site: StubServer, settings: Settings
    ) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["former.example"]
        Redirect.objects.create(path="/old/url/", entry=post)
        show(other_site, f'<a href="{target}">x</a>'.encode())
        assert send(other_site.url("/a"), target) == 202
        work()
        assert [comment.entry_id for comment in mentions()] == [post.pk]

    def test_may_be_pages_and_have_other_scripts(self, send: Send, work: Work, other_site: StubServer) -> None:
        page = PageFactory(slug="مرحبا")
        show(other_site, '<a href="http://testserver/مرحبا/">x</a>'.encode())
        assert send(other_site.url("/a"), page) == 202
        work()
        assert [comment.entry_id for comment in mentions()] == [page.pk]


@pytest.mark.usefixtures("receiving")
class TestChecking:
    def test_a_page_that_links_here_waits_for_a_moderator(
        self, send: Send, work: Work, other_site: StubServer, settings: Settings
    ) -> None:
        # Whatever the policy is.
        CommentSettings.objects.update(comment_policy=CommentPolicy.OPEN, proof_of_work=False)
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
        post = PostFactory()
        show(other_site, page_with(post))
        assert send(other_site.url("/a"), post) == 202
        assert not other_site.requests
        work()
        (comment,) = mentions()
        assert (comment.kind, comment.status, comment.entry_id) == (
            CommentKind.PINGBACK,
            CommentStatus.PENDING,
            post.pk,
        )
        assert (comment.name, comment.website) == (f"Our blog ({other_site.host})", other_site.url("/a"))
        assert comment.text == "[…] They write here about it. […]"
        assert comment.email == ""
        assert OutboxItem.objects.filter(comment=comment).exists()

    def test_an_approved_one_is_shown_like_a_pingback(self, send: Send, work: Work, other_site: StubServer) -> None:
        post = PostFactory()
        show(other_site, page_with(post, "&lt;script>alert(1)&lt;/script>", "&lt;b>Our&lt;/b> blog"))
        send(other_site.url("/a"), post)
        work()
        approve(mentions(), UserFactory(role="Moderator"))
        shown = Reader().get(post.get_absolute_url()).text
        assert f'<a href="{other_site.url("/a")}" rel="nofollow ugc noopener external">' in shown
        assert f"&lt;b&gt;Our&lt;/b&gt; blog ({other_site.host})" in shown
        assert "<script>alert" not in shown
        post.refresh_from_db()
        assert post.comment_count == 1

    def test_the_rules_decide_about_spam(self, send: Send, work: Work, other_site: StubServer) -> None:
        block = Block(text="pills", verdict="spam")
        block.save()
        post = PostFactory()
        show(other_site, page_with(post, "Cheap pills"))
        send(other_site.url("/a"), post)
        work()
        assert mentions()[0].status == CommentStatus.SPAM

    def test_a_page_without_words_is_quoted_by_its_url(self, send: Send, work: Work, other_site: StubServer) -> None:
        post = PostFactory()
        show(other_site, f'<link rel="in-reply-to" href="{url_of(post)}">'.encode())
        send(other_site.url("/a"), post)
        work()
        (comment,) = mentions()
        assert (comment.name, comment.text) == (other_site.host, other_site.url("/a"))

    @pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
    def test_a_page_that_cannot_be_opened_leaves_nothing(
        self, status: int, send: Send, work: Work, other_site: StubServer
    ) -> None:
        post = PostFactory()
        show(other_site, page_with(post), status)
        send(other_site.url("/a"), post)
        work()
        assert mentions() == []

    def test_a_page_without_the_link_leaves_nothing(self, send: Send, work: Work, other_site: StubServer) -> None:
        post = PostFactory()
        show(other_site, b"<p>No link")
        send(other_site.url("/a"), post)
        work()
        assert mentions() == []

    def test_private_addresses_are_not_opened(self, send: Send, work: Work, web_server: StubServer) -> None:
        post = PostFactory()
        show(web_server, page_with(post))
        assert send(web_server.url("/a"), post) == 202
        work()
        assert not web_server.requests
        assert mentions() == []

    def test_a_server_that_is_down_is_asked_again_later(
        self, send: Send, work: Work, other_site: StubServer, pass_time: PassTime
    ) -> None:
        post = PostFactory()
        show(other_site, b"", 503)
        send(other_site.url("/a"), post)
        for asked, minutes in enumerate((10, 10, 230, 20, 500), start=1):
            work()
            pass_time(minutes=minutes)
            assert other_site.requests["/a"] == {1: 1, 2: 1, 3: 2, 4: 2, 5: 3}[asked]
        work()
        assert other_site.requests["/a"] == 3
        assert waiting() == 0
        assert not DBTaskResult.objects.failed().exists()

    def test_nothing_is_opened_once_the_owner_has_turned_it_off(
        self, send: Send, work: Work, other_site: StubServer
    ) -> None:
        send(other_site.url("/a"), PostFactory())
        CommentSettings.objects.update(receive_webmentions=False)
        work()
        assert not other_site.requests

    def test_an_entry_that_was_hidden_in_the_meantime_gets_nothing(
        self, send: Send, work: Work, other_site: StubServer
    ) -> None:
        post = PostFactory()
        show(other_site, page_with(post))
        send(other_site.url("/a"), post)
        post.password = "x"
        post.save()
        work()
        assert mentions() == []


@pytest.mark.usefixtures("receiving")
class TestAuthors:
    """The authors of pages may claim to be anyone."""

    @pytest.fixture
    def mention(self, send: Send, work: Work, other_site: StubServer) -> Mention:
        """Receive a mention by an author with this name."""

        def mention(author: str, entry: Any) -> Comment:
            card = f'<a class="p-author h-card" href="/">{author}</a>'
            show(other_site, f'<div class="h-entry">{card}{page_with(entry).decode()}</div>'.encode())
            send(other_site.url("/a"), entry)
            work()
            return Comment.objects.latest("pk")

        return mention

    def test_are_named_with_the_host_of_their_page(self, mention: Mention, other_site: StubServer) -> None:
        assert mention("Ann <b>Lee</b>", PostFactory()).name == f"Ann Lee ({other_site.host})"

    @pytest.mark.parametrize("author", ["", " &#x200b; ", '<img src="a.png">'])
    def test_without_a_name_leave_the_title(self, author: str, mention: Mention, other_site: StubServer) -> None:
        assert mention(author, PostFactory()).name == f"Our blog ({other_site.host})"

    def test_who_change_their_name_wait_again(self, mention: Mention, other_site: StubServer) -> None:
        post = PostFactory()
        approve([mention("Ann", post)], UserFactory(role="Moderator"))
        comment = mention("Bob", post)
        assert (comment.name, comment.status) == (f"Bob ({other_site.host})", CommentStatus.PENDING)

    def test_are_not_mistaken_for_commenters(self, mention: Mention, client: Client, other_site: StubServer) -> None:
        post = PostFactory()
        owner = UserFactory(role="Moderator", username="admin")
        CommentFactory(entry=post, name="Rosa", email="", status=CommentStatus.APPROVED)
        CommentFactory(entry=post, name="admin", user=owner, status=CommentStatus.APPROVED)
        for name in ("Rosa", "admin"):
            comment = mention(name, post)
            (row,) = queue_page(CommentStatus.PENDING)[0]
            # It has none of the other author's approved comments.
            assert not row.author_counts
            approve([comment], owner)
            shown = one(read(client.get(post.get_absolute_url())), f"#comment-{comment.pk}")
            assert text(one(shown, ".comment-author")) == f"{name} ({other_site.host}) Says:"
            assert not find(shown, ".comment-role")
            comment.delete()

    def test_with_hostile_names_leave_one_short_line(self, mention: Mention, other_site: StubServer) -> None:
        for name in ("\u202eAnn\u2067 &#8238;\x01\x00\n Lee", "Ann" * 9_999, "<b>" * 9_999 + "Ann", "😀" * 999):
            comment = mention(name, PostFactory())
            assert comment.name == one_line(comment.name)
            assert len(comment.name) <= 245
            assert comment.name.endswith(f" ({other_site.host})")

    def test_with_long_hosts_are_named_with_their_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory()
        source = f"https://{'a.' * 120}other.example/"
        page = f'<title>{"T" * 999}</title><a href="{url_of(post)}">x</a>'
        monkeypatch.setattr(pages, "fetch", lambda url: FetchedPage(url, (), "text/html", page))
        check(source, url_of(post))
        (comment,) = mentions()
        assert len(comment.name) <= 245
        assert comment.name.endswith(".other.example)")

    def test_are_named_in_the_queue_in_emails_and_in_exports(
        self, mention: Mention, client: Client, tmp_path: Path, other_site: StubServer
    ) -> None:
        moderator = UserFactory(role="Moderator", email="m@example.org")
        preference = NotificationPreference(user=moderator, frequency=NotificationPreference.Frequency.IMMEDIATELY)
        preference.save()
        mention("Zoë & &lt;b>", PostFactory())
        name = f"Zoë & <b> ({other_site.host})"
        client.force_login(moderator)
        assert text(one(read(client.get("/admin/comments/queue/")), ".queue-comment .about strong")) == name
        OutboxItem.objects.update(created_at=timezone.now() - outbox.SETTLE)
        delivery.deliver()
        assert name in mail.outbox[-1].body
        call_command("export_wordpress", output=tmp_path / "export.xml", verbosity=0)
        (exported,) = etree.parse(tmp_path / "export.xml").iterfind(".//{*}comment")
        assert exported.findtext("{*}comment_type") == "pingback"
        assert exported.findtext("{*}comment_author") == escape(name)


@pytest.mark.usefixtures("receiving")
class TestSendingAgain:
    @pytest.fixture
    def post(self, send: Send, work: Work, other_site: StubServer) -> Post:
        """A post with an approved mention at `/a`."""
        post: Post = PostFactory()
        show(other_site, page_with(post))
        send(other_site.url("/a"), post)
        work()
        approve(mentions(), UserFactory(role="Moderator"))
        return post

    def test_changes_the_comment_and_hides_it_until_it_is_approved_again(
        self, post: Post, send: Send, work: Work, other_site: StubServer
    ) -> None:
        show(other_site, page_with(post, "Now we write"))
        send(other_site.url("/a"), post)
        work()
        (comment,) = mentions()
        assert (comment.text, comment.status) == ("[…] Now we write here about it. […]", CommentStatus.PENDING)
        assert [revision.text for revision in comment.revisions.all()] == ["[…] They write here about it. […]"]
        post.refresh_from_db()
        assert post.comment_count == 0

    def test_changes_nothing_without_a_difference(
        self, post: Post, send: Send, work: Work, other_site: StubServer
    ) -> None:
        send(other_site.url("/a"), post)
        work()
        assert [comment.status for comment in mentions()] == [CommentStatus.APPROVED]
        assert other_site.requests["/a"] == 2

    @pytest.mark.parametrize(("status", "body"), [(410, b""), (404, b""), (200, b"<p>No link any more")])
    def test_moves_it_to_the_trash_when_the_link_is_gone(
        self, status: int, body: bytes, post: Post, send: Send, work: Work, other_site: StubServer
    ) -> None:
        show(other_site, body, status)
        send(other_site.url("/a"), post)
        work()
        assert [comment.status for comment in mentions()] == [CommentStatus.TRASH]
        post.refresh_from_db()
        assert post.comment_count == 0

    @pytest.mark.parametrize("status", [403, 503])
    def test_removes_nothing_while_the_other_site_has_problems(
        self, status: int, post: Post, send: Send, work: Work, other_site: StubServer, pass_time: PassTime
    ) -> None:
        show(other_site, b"", status)
        send(other_site.url("/a"), post)
        for _again in range(4):
            work()
            pass_time(hours=9)
        assert [comment.status for comment in mentions()] == [CommentStatus.APPROVED]

    def test_does_not_bring_back_what_moderators_removed(
        self, post: Post, send: Send, work: Work, other_site: StubServer
    ) -> None:
        trash(mentions(), UserFactory(role="Moderator"))
        show(other_site, page_with(post, "Now we write"))
        send(other_site.url("/a"), post)
        work()
        assert [comment.status for comment in mentions()] == [CommentStatus.TRASH]

    def test_removes_it_even_if_comments_are_closed(
        self, post: Post, client: Client, send: Send, work: Work, other_site: StubServer
    ) -> None:
        Post.objects.filter(pk=post.pk).update(comments_open=False)
        assert 'rel="webmention"' in client.get(post.get_absolute_url()).text
        show(other_site, b"", 410)
        assert send(OTHER, post) == 400
        assert send(other_site.url("/a"), post) == 202
        work()
        assert [comment.status for comment in mentions()] == [CommentStatus.TRASH]

    def test_of_another_target_is_another_comment(
        self, post: Post, send: Send, work: Work, other_site: StubServer
    ) -> None:
        another = PostFactory()
        show(other_site, page_with(post) + page_with(another))
        send(other_site.url("/a"), another)
        work()
        assert {comment.entry_id for comment in mentions()} == {post.pk, another.pk}

    def test_finds_imported_pingbacks_but_not_comments(self, send: Send, work: Work, other_site: StubServer) -> None:
        post = PostFactory()
        reader, pingback = (
            CommentFactory(entry=post, website=other_site.url("/a"), kind=kind, text="x")
            for kind in (CommentKind.COMMENT, CommentKind.PINGBACK)
        )
        show(other_site, page_with(post))
        send(other_site.url("/a"), post)
        work()
        assert [comment.pk for comment in mentions()] == [reader.pk, pingback.pk]
        assert [comment.text for comment in mentions()] == ["x", "[…] They write here about it. […]"]


@pytest.mark.usefixtures("receiving")
class TestFloods:
    def test_the_same_mention_waits_once(self, send: Send) -> None:
        post, another = PostFactory(), PostFactory()
        for target in (post, post, another, post):
            assert send(OTHER, target) == 202
        assert waiting() == 2

    def test_pages_of_one_site_are_fetched_a_limited_number_of_times(self, send: Send) -> None:
        post = PostFactory()
        limit = rate_limit.MENTIONS_PER_HOST
        statuses = [send(f"https://other.example/{number}", post) for number in range(limit + 5)]
        assert statuses == [202] * limit + [429] * 5

    def test_a_sender_has_a_limit(self, send: Send) -> None:
        post = PostFactory()
        limit = rate_limit.MENTIONS_PER_SENDER
        statuses = [send(f"https://site-{number}.example/", post) for number in range(limit + 5)]
        assert statuses == [202] * limit + [429] * 5

    def test_all_together_have_a_limit(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limit, "MENTIONS_PER_SITE", 5)
        target = url_of(PostFactory())
        statuses = []
        for number in range(7):
            data = {"source": f"https://site-{number}.example/", "target": target}
            statuses.append(client.post(ENDPOINT, data, REMOTE_ADDR=f"203.0.113.{number}").status_code)
        assert statuses == [202] * 5 + [429] * 2

    def test_a_limited_number_wait(self, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "MAX_WAITING", 3)
        post = PostFactory()
        statuses = [send(f"https://other.example/{number}", post) for number in range(5)]
        assert statuses == [202] * 3 + [429] * 2
        assert waiting() == 3

    def test_refused_senders_learn_when_to_try_again(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "MAX_WAITING", 0)
        response = client.post(ENDPOINT, {"source": OTHER, "target": url_of(PostFactory())})
        assert response.headers["Retry-After"] == "600"

    def test_other_tasks_come_first(self, send: Send) -> None:
        send(OTHER, PostFactory())
        assert DBTaskResult.objects.get(task_path=tasks.check_mention.module_path).priority < 0


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_store_one_comment_and_never_deadlock(at_once: AtOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    posts = PostFactory.create_batch(15)
    texts = {url_of(post): page_with(post).decode() for post in posts}
    monkeypatch.setattr(pages, "fetch", lambda url: FetchedPage(url, (), "text/html", "".join(texts.values())))
    at_once(*[lambda: [check(OTHER, target) for target in texts]] * 4)
    assert sorted(Comment.objects.values_list("entry_id", flat=True)) == [post.pk for post in posts]
