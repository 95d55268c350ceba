"""Public pages are read from a replica of the database, unless it lacks something that was already stored."""

import http.client
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from django.db import OperationalError, router
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from blog.caching import public_page
from blog.models import Post
from blog.replica_reads import ReplicaReadsMiddleware, ReplicaRouter, reading_from
from core.models import SiteSettings
from tests.factories.postgresql import PostgresServer, find_programs
from tests.factories.programs import run, serve

BUILD = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from comments.models import CommentSettings
from tests.factories import CategoryFactory, PageFactory, PostFactory
settings = CommentSettings.current()
settings.comment_policy, settings.proof_of_work = "open", False
settings.comments_per_sender = settings.comments_per_site = 0
settings.save()
post = PostFactory(title="News", tags=["t"], categories=[CategoryFactory(name="c", slug="c")])
PageFactory(title="About", slug="about")
print(post.pk, post.get_absolute_url())
"""


class Site:
    """A running site with a primary database and a replica."""

    def __init__(self, port: int, post: str, primary: PostgresServer, replica: PostgresServer) -> None:
        self.port, self.primary, self.replica = port, primary, replica
        post_id, self.post_path = post.split()
        self.comment_path = f"/comments/on/post/{post_id}/"

    def request(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Return the status, body and `Location` header of the response."""
        server = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        server.request("POST" if form else "GET", path, urlencode(form or {}), sent)
        response = server.getresponse()
        text = response.read().decode()
        server.close()
        return response.status, text, response.headers.get("Location", "")

    def comment(self, text: str) -> str:
        """Submit a comment and return the page that the commenter sees next."""
        status, page, location = self.request(
            self.comment_path, {"name": "Ann", "email": "ann@example.org", "text": text}
        )
        assert status == 302, page
        parts = urlsplit(location)
        status, page, _location = self.request(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        assert status == 200
        return page

    def servers_read_for(self, path: str, **headers: str) -> set[str]:
        """Request a page, bypassing the page cache, and return the servers from which entries were read."""
        servers = {"primary": self.primary, "replica": self.replica}
        before = {name: len(server.statements('"blog_entry"')) for name, server in servers.items()}
        assert self.request(path, headers={"Cache-Control": "no-store", **headers})[0] == 200
        return {name for name, server in servers.items() if len(server.statements('"blog_entry"')) > before[name]}

    def wait_for_replica(self) -> None:
        position = self.primary.execute("SELECT pg_current_wal_lsn()::text")
        while self.replica.execute(f"SELECT pg_last_wal_replay_lsn() < '{position}'"):
            pass


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL's server is not installed.")
        pytest.skip("PostgreSQL's server is not installed, so nothing was tested with a replica.")
    # Not in pytest's folders, which PostgreSQL's user can't enter.
    folder = Path(tempfile.mkdtemp(prefix="broadside-replica-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    primary, replica = (PostgresServer(programs, folder / name) for name in ("primary", "replica"))
    primary.create()
    primary.start()
    settings = {"SECRET_KEY": "only-for-tests", "SITE_URL": "http://localhost", "DATABASE_URL": primary.url}
    built = run(data, BUILD, **settings)
    assert built.returncode == 0, built.stderr
    replica.copy(primary)
    replica.start()
    try:
        with serve(data, **settings, DATABASE_REPLICA_URLS=replica.url, DATABASE_TIMEOUT="2") as port:
            yield Site(port, built.stdout.strip(), primary, replica)
    finally:
        for server in (replica, primary):
            if (server.data / "postmaster.pid").exists():
                server.kill()
        shutil.rmtree(folder)


# The first test waits for two servers. All that use them are together, or the servers would be started again.
@pytest.mark.long
class TestRealReplica:
    def test_every_kind_of_public_page_is_read_from_it(self, site: Site) -> None:
        paths = ["/", site.post_path, "/tag/t/", "/category/c/", site.post_path[:5] + "/", "/about/", "/feed/"]
        paths += [f"{site.post_path}feed/", "/tag/t/feed/", "/sitemap-posts.xml"]
        assert {path: site.servers_read_for(path) for path in paths} == {path: {"replica"} for path in paths}

    def test_requests_with_a_session_read_the_primary_database(self, site: Site) -> None:
        assert site.servers_read_for("/", Cookie="sessionid=x") == {"primary"}

    def test_commenters_see_their_comments(self, site: Site) -> None:
        for number in range(10):
            text = f"Comment {number} in a row."
            assert text in site.comment(text)

    def test_commenters_see_their_comments_while_it_lags_behind(self, site: Site) -> None:
        site.replica.execute("SELECT pg_wal_replay_pause()")
        assert "Lag is no excuse." in site.comment("Lag is no excuse.")
        assert site.servers_read_for("/") == {"primary"}
        site.replica.execute("SELECT pg_wal_replay_resume()")
        site.wait_for_replica()
        assert site.servers_read_for("/") == {"replica"}

    def test_readers_and_commenters_do_not_notice_when_it_is_killed(self, site: Site) -> None:
        site.replica.kill()
        assert [site.servers_read_for(path) for path in ("/", site.post_path, "/feed/")] == [{"primary"}] * 3
        assert "Still here." in site.comment("Still here.")
        site.replica.start()
        site.wait_for_replica()
        # It is used again after a pause.
        while site.servers_read_for("/") != {"replica"}:
            time.sleep(0.2)


@pytest.mark.long
class TestTimeouts:
    def test_a_comment_that_waits_too_long_for_a_lock_is_not_lost(self, site: Site) -> None:
        with psycopg.connect(site.primary.url) as other:
            other.execute("SELECT FROM blog_entry FOR UPDATE")
            form = {"name": "Ann", "email": "ann@example.org", "text": "Locked out."}
            status, page, _location = site.request(site.comment_path, form)
        assert status == 503
        assert "Locked out." in page
        assert "Locked out." in site.comment("Locked out.")


class TestRouter:
    def test_the_primary_database_is_read_outside_a_block(self) -> None:
        routes = ReplicaRouter()
        before = routes.db_for_read(Post)
        with reading_from("replica_1"):
            within = routes.db_for_read(Post)
        assert [before, within, routes.db_for_read(Post)] == ["default", "replica_1", "default"]

    def test_everything_after_a_write_is_read_from_the_primary_database(self) -> None:
        routes = ReplicaRouter()
        with reading_from("replica_1"):
            assert routes.db_for_write(Post) == "default"
            assert routes.db_for_read(Post) == "default"

    @pytest.mark.django_db
    def test_a_transaction_reads_the_primary_database(self) -> None:
        # Each test runs in a transaction.
        with reading_from("replica_1"):
            assert ReplicaRouter().db_for_read(Post) == "default"

    def test_only_the_primary_database_is_migrated(self) -> None:
        assert [ReplicaRouter().allow_migrate(db, "blog") for db in ("default", "replica_1")] == [True, False]


class TestRequests:
    """Which requests read from a replica, and what happens if it fails in the middle of one."""

    @pytest.fixture
    def sources(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The database from which each call of the view has read."""
        monkeypatch.setattr("blog.replica_reads.replicas", lambda: ["replica_1"])
        monkeypatch.setattr("blog.replica_reads.find_replica", lambda version: "replica_1")
        monkeypatch.setattr("blog.replica_reads._paused_until", {})
        monkeypatch.setattr(router, "routers", [ReplicaRouter()])
        return []

    def request_page(
        self, sources: list[str], request: HttpRequest, *, public: bool = True, fails: bool = False
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            sources.append(router.db_for_read(Post))
            if fails and sources[-1] != "default":
                raise OperationalError("The server has gone away.")
            return HttpResponse("read")

        request.site = SiteSettings()  # type: ignore[assignment]  # a middleware adds it
        chosen: Any = public_page(view) if public else view
        response = ReplicaReadsMiddleware(view).process_view(request, chosen, (), {})
        # As Django does.
        assert (response or chosen(request)).content == b"read"

    def test_public_pages_are_read_from_a_replica(self, sources: list[str], rf: RequestFactory) -> None:
        self.request_page(sources, rf.get("/"))
        self.request_page(sources, rf.head("/"))
        assert sources == ["replica_1"] * 2

    @pytest.mark.parametrize("query", ["unapproved=1", "preview_link=x"])
    def test_pages_for_one_reader_are_read_from_the_primary_database(
        self, sources: list[str], rf: RequestFactory, query: str
    ) -> None:
        self.request_page(sources, rf.get(f"/?{query}"))
        assert sources == ["default"]

    def test_other_requests_read_the_primary_database(self, sources: list[str], rf: RequestFactory) -> None:
        with_session = rf.get("/")
        with_session.COOKIES["sessionid"] = "x"
        self.request_page(sources, with_session)
        self.request_page(sources, rf.post("/"))
        self.request_page(sources, rf.get("/"), public=False)
        assert sources == ["default"] * 3

    def test_the_primary_database_answers_if_the_replica_fails(self, sources: list[str], rf: RequestFactory) -> None:
        self.request_page(sources, rf.get("/"), fails=True)
        assert sources == ["replica_1", "default"]
