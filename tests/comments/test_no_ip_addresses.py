"""No IP address is stored: not in the database, the logs, e-mails or the cache."""

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from blog.models import Post
from comments import forms
from comments.models import Comment, CommentPolicy, CommentSettings, RateCount
from tests.factories import PostFactory, UserFactory
from tests.factories.database import everything_stored
from tests.factories.reader import Reader

pytestmark = pytest.mark.django_db

# Reserved for documentation (RFC 5737, RFC 3849), so no other test uses them by chance.
CONNECTION, FORWARDED, IPV6 = "203.0.113.77", "198.51.100.23", "2001:db8:77:88:99::7"
HEADERS = {
    "REMOTE_ADDR": CONNECTION,
    "HTTP_X_FORWARDED_FOR": f"{IPV6}, {FORWARDED}",
    "HTTP_X_REAL_IP": FORWARDED,
    "HTTP_FORWARDED": f"for={FORWARDED}",
}
# The addresses themselves, their hashes without a key, and the network of the IPv6 address.
TRACES = {
    trace
    for address in (CONNECTION, FORWARDED, IPV6)
    for trace in (address, *(hashlib.new(kind, address.encode()).hexdigest() for kind in ("md5", "sha1", "sha256")))
} | {"2001:db8:77:88"}


class LogCollector(logging.Handler):
    """Collects everything that is logged, as any handler could write it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = logging.Formatter("%(name)s %(message)s").format(record)
        self.lines.append(f"{line} {vars(record)!r}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Collect everything from DEBUG on, even from loggers that don't propagate."""
    handler = LogCollector()
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
        logger.addHandler(handler)
    yield handler.lines
    for logger, level, disabled in before:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.disabled = disabled


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.BROADSIDE_TRUSTED_PROXIES = 1
    CommentSettings.objects.update(comment_policy=CommentPolicy.OPEN, proof_of_work=False)


def send(post: Post, client: Client | None = None, **more: Any) -> Any:
    client = client or Client(raise_request_exception=False)
    data = {"name": "Rosa", "email": "rosa@example.org", "text": "Hello", **more}
    response = client.post(f"/comments/on/post/{post.pk}/", data, **HEADERS)  # type: ignore[arg-type]  # the environment
    # Then the pages, which are cached.
    for url in (post.get_absolute_url(), "/comments/feed/", "/no-such-page/"):
        Reader(environ=HEADERS).get(url)
    return response


def assert_no_traces(logged: list[str]) -> None:
    mails = [f"{one.message()}" for one in mail.outbox]
    cached = repr(vars(cache)) + repr(getattr(cache, "_cache", {}))
    assert "page:" in cached
    for place, text in {
        "database": everything_stored(),
        "logs": "\n".join(logged),
        "mails": "\n".join(mails),
        "cache": cached,
    }.items():
        for trace in TRACES:
            assert trace not in text, (place, trace)


class TestSubmitting:
    def test_an_approved_comment(self, logged: list[str]) -> None:
        post = PostFactory.create()
        assert send(post).status_code == 302
        assert Comment.objects.get().status == "approved"
        assert RateCount.objects.exclude(sender="").count() == 1
        assert_no_traces(logged)

    def test_spam(self, logged: list[str]) -> None:
        assert send(PostFactory.create(), subject="x").status_code == 302
        assert Comment.objects.get().status == "spam"
        assert_no_traces(logged)

    def test_a_flood(self, logged: list[str]) -> None:
        CommentSettings.objects.update(comments_per_sender=1)
        post = PostFactory.create()
        for index in range(5):
            send(post, text=f"Hello {index}")
        assert set(Comment.objects.values_list("status", flat=True)) == {"approved", "pending"}
        assert_no_traces(logged)

    @pytest.mark.parametrize("invalid", [{"text": ""}, {"email": "nonsense"}, {"text": "x" * 30_000}])
    def test_an_invalid_form(self, invalid: dict[str, Any], logged: list[str]) -> None:
        assert send(PostFactory.create(), **invalid).status_code == 400
        assert_no_traces(logged)

    def test_a_comment_from_another_site(self, logged: list[str]) -> None:
        client = Client(headers={"origin": "https://elsewhere.example"})
        assert send(PostFactory.create(), client).status_code == 403
        assert any("403" in line or "Forbidden" in line for line in logged)
        assert_no_traces(logged)

    def test_a_comment_without_a_token(self, logged: list[str]) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory.create())
        assert send(PostFactory.create(), client).status_code == 403
        assert any("CSRF" in line for line in logged)
        client.logout()
        send(PostFactory.create())
        assert_no_traces(logged)

    def test_a_server_error(self, logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """The log says what went wrong, but nothing about the sender."""

        def broken(*args: object, **kwargs: object) -> None:
            raise RuntimeError("Something broke")

        monkeypatch.setattr(forms, "submit", broken)
        assert send(PostFactory.create()).status_code == 500
        assert any("Something broke" in line for line in logged)
        assert not mail.outbox
        assert_no_traces(logged)

    def test_a_request_with_another_host(self, logged: list[str]) -> None:
        send(PostFactory.create())
        Client().post("/comments/on/post/1/", HTTP_HOST="evil.example", **HEADERS)  # type: ignore[arg-type]  # likewise
        assert any("evil.example" in line for line in logged)
        assert_no_traces(logged)

    def test_akismet_gets_a_placeholder(
        self, logged: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.BROADSIDE_AKISMET_KEY = "key"
        sent: list[str] = []

        def handle(request: httpx.Request) -> httpx.Response:
            sent.append(f"{request.headers} {request.content.decode()}")
            return httpx.Response(200, text="false")

        real_client = httpx.Client
        monkeypatch.setattr(
            httpx, "Client", lambda **options: real_client(transport=httpx.MockTransport(handle), **options)
        )
        send(PostFactory.create())
        assert "rosa%40example.org" in sent[0]
        assert not [trace for trace in TRACES if trace in sent[0]]
        assert_no_traces(logged)


def test_a_failed_login(logged: list[str]) -> None:
    send(PostFactory.create())
    Client().post("/admin/login/", {"username": "x", "password": "y"}, **HEADERS)  # type: ignore[arg-type]  # likewise
    assert_no_traces(logged)


def test_a_guess_at_the_password_of_a_post(logged: list[str]) -> None:
    post = PostFactory.create(password="open sesame")
    Reader(environ=HEADERS).get(post.get_absolute_url())
    for guess in ("wrong", "open sesame"):
        Client().post(post.get_absolute_url(), {"post_password": guess}, **HEADERS)  # type: ignore[arg-type]  # likewise
    assert_no_traces(logged)
