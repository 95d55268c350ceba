"""The page cache: what is stored, who gets it, how it is sent, and that outdated pages are never sent."""

import datetime as dt
import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from blog.caching import application, page_parameters, private_parameters
from blog.caching.memory import PageMemory
from blog.caching.pages import CachedPage, choose_encoding
from blog.caching.release import release_digest
from blog.caching.requests import PageRequest
from blog.caching.turns import Turns
from blog.models import Post
from blog.models.redirect import add_redirects
from tests.factories import CategoryFactory, PageFactory, PostFactory, at
from tests.factories.made_once import CopyDatabase
from tests.factories.processes import Process
from tests.factories.reader import Reader
from tests.factories.types import AtOnce, OwnTemplates

PAGES = ["/", "/tag/t/", "/category/c/", "/2020/", "/2020/05/17/news/", "/about/", "/feed/", "/sitemap.xml"]
NEWS = "/2020/05/17/news/"
LONG = "Some words. " * 200


@pytest.fixture
def post(db: None) -> Post:
    PageFactory(title="About")
    return PostFactory(
        title="News", source=LONG, published_at=at(2020, 5, 17), tags=["t"], categories=[CategoryFactory(name="c")]
    )


@pytest.fixture
def reader(post: Post) -> Reader:
    """A reader of a site with one of each kind of page."""
    return Reader()


class TestHits:
    @pytest.mark.parametrize("path", [*PAGES, "/robots.txt", "/no/such/page/", "/2020/05/17/news"])
    def test_are_the_same_as_rendered_by_django_and_do_not_reach_it(self, reader: Reader, path: str) -> None:
        first = reader.get(path)
        with CaptureQueriesContext(connection) as queries:
            second = reader.get(path)
        # A second later, there is a date.
        del first.headers["Last-Modified"], second.headers["Last-Modified"]
        assert (first.status, first.headers.items(), first.body) == (
            second.status,
            second.headers.items(),
            second.body,
        )
        assert reader.rendered == [path]
        # The content version.
        assert len(queries) == 1

    @pytest.mark.parametrize("path", [*PAGES, "/robots.txt"])
    def test_are_shared_by_all_processes(self, reader: Reader, path: str) -> None:
        other = Reader()
        assert reader.get(path).body == other.get(path).body
        assert other.rendered == []

    def test_vary_on_nothing_but_the_encoding(self, reader: Reader) -> None:
        for path in PAGES:
            response = reader.get(path)
            is_html = response.headers["Content-Type"].startswith("text/html")
            # With the second header, browsers say which dictionary they can use.
            vary = "Accept-Encoding, Available-Dictionary" if is_html else "Accept-Encoding"
            assert response.headers.get_all("Vary") == [vary], path
            assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"

    def test_have_the_security_headers_of_every_page(self, reader: Reader) -> None:
        for _again in range(2):
            headers = reader.get("/").headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"

    def test_of_head_have_the_headers_of_get_and_no_body(self, reader: Reader) -> None:
        head = reader.head("/")
        get = reader.get("/")
        assert reader.rendered == ["/"]
        assert head.body == b""
        # A second later, there is a date.
        del head.headers["Last-Modified"], get.headers["Last-Modified"]
        assert head.headers.items() == get.headers.items()

    def test_of_percent_encoded_paths_are_the_same(self, reader: Reader) -> None:
        reader.get("/2020/05/17/n%65ws/")
        reader.get(NEWS)
        assert len(reader.rendered) == 1


class TestEncodings:
    @pytest.mark.parametrize(
        ("accepted", "chosen"),
        [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("gzip, zstd", "zstd"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("BR ; q=0.001", "br"),
            ("*", "br"),
            ("*;q=0", ""),
            ("br;q=0.000, *;q=0.0", ""),
            ("identity", ""),
            ("", ""),
            ("brotli", ""),
            (";;q=,,=", ""),
        ],
    )
    def test_are_chosen_by_what_the_browser_accepts(self, accepted: str, chosen: str) -> None:
        assert choose_encoding(accepted) == chosen

    @given(st.text(max_size=60))
    def test_survive_any_header(self, accepted: str) -> None:
        assert choose_encoding(accepted) in {"br", "zstd", "gzip", ""}

    def test_all_have_the_same_text_and_are_rendered_once(self, reader: Reader) -> None:
        responses = {accepted: reader.get(NEWS, accept_encoding=accepted) for accepted in ("br", "zstd", "gzip", "")}
        assert {accepted or None for accepted in responses} == {
            response.headers["Content-Encoding"] for response in responses.values()
        }
        assert len({response.text for response in responses.values()}) == 1
        assert len(responses["br"].body) < len(responses["gzip"].body) < len(responses[""].body)
        for response in responses.values():
            assert int(response.headers["Content-Length"]) == len(response.body)
        assert reader.rendered == [NEWS]


class TestRevalidation:
    def test_sends_304_with_the_headers_that_it_needs_and_no_others(self, reader: Reader) -> None:
        page = reader.get("/")
        for method in ("GET", "HEAD"):
            response = reader.request(method, "/", if_none_match=f'"other", {page.headers["ETag"]}')
            assert (response.status, response.body) == (304, b"")
            assert set(response.headers) == {"Cache-Control", "ETag", "No-Vary-Search", "Vary"}
            for name in response.headers:
                assert response.headers[name] == page.headers[name]

    def test_works_for_pages_that_are_not_stored_yet(self, reader: Reader) -> None:
        etag = Reader().get("/").headers["ETag"]
        cache.clear()
        assert reader.get("/", if_none_match=etag).status == 304

    @pytest.mark.parametrize("known", ['"other"', "", "W/", '"'])
    def test_sends_the_page_to_readers_who_have_another(self, reader: Reader, known: str) -> None:
        assert reader.get("/", if_none_match=known).status == 200

    def test_goes_by_the_date_only_without_an_etag(self, reader: Reader) -> None:
        reader.get("/")
        with mock.patch.object(time, "time", return_value=time.time() + 2):
            date = reader.get("/").headers["Last-Modified"]
            assert reader.get("/", if_modified_since=date).status == 304
            assert reader.get("/", if_modified_since=date, if_none_match='"other"').status == 200
            assert reader.get("/", if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
            assert reader.get("/", if_modified_since="yesterday").status == 200

    def test_ignores_a_date_from_before_the_clock_was_set_back(self, reader: Reader) -> None:
        reader.get("/")
        with mock.patch.object(time, "time", return_value=time.time() + 2):
            in_a_year = formatdate(time.time() + 365 * 24 * 60 * 60, usegmt=True)
            assert reader.get("/", if_modified_since=in_a_year).status == 200

    def test_gives_a_page_no_date_in_the_second_in_which_another_may_replace_it(self, reader: Reader) -> None:
        with mock.patch.object(time, "time", return_value=float(int(time.time()))):
            assert reader.get("/").headers["Last-Modified"] is None

    def test_never_applies_to_redirects_and_errors(self, reader: Reader) -> None:
        for path, status in (("/nothing/", 404), ("/2020/05/17/news", 301)):
            for _again in range(2):
                assert reader.get(path, if_none_match="*").status == status


class TestQueries:
    def test_without_a_meaning_share_one_page(self, reader: Reader) -> None:
        pages = {
            reader.get(f"/{query}").body
            for query in ("", "?", "?utm_source=x&utm_medium=y", "?fbclid=1", "?made=up", "?&&=&", "?%ff=%00")
        }
        assert len(pages) == 1
        assert reader.rendered == ["/"]

    def test_are_not_in_the_page_or_the_redirect_that_the_next_reader_gets(self, reader: Reader) -> None:
        for path in (*PAGES, "/nothing/", "/2020/05/17/news", "/tag/T", "/?p=1234"):
            first = reader.get(f"{path}{'&' if '?' in path else '?'}evil=secret-word")
            assert "secret-word" not in first.text + str(first.headers)
        assert not any("evil" in path for path in reader.rendered)

    @pytest.mark.parametrize("charset", ["latin-1", "utf-16", "cp037", "base64", "rot13", "idna", "none"])
    def test_are_in_utf_8_whatever_the_request_says(self, reader: Reader, settings: Settings, charset: str) -> None:
        reader.environ = {"CONTENT_TYPE": f"text/plain; charset={charset}"}
        too_many = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1
        assert reader.get(f"/robots.txt?{'x=y&' * too_many}").status == 400
        assert reader.get("/2020/05/17/news").status == 301
        assert "“мир”" in reader.get("/?s=мир").text
        reader.environ = {}
        assert "“мир”" in reader.get("/?s=мир").text

    def test_that_determine_the_page_keep_pages_apart(self, reader: Reader, post: Post) -> None:
        for _again in range(2):
            assert reader.get(f"/?p={post.pk}&utm_source=x").headers["Location"] == NEWS
            assert reader.get("/?utm_source=x").status == 200
            assert reader.get("/?p=99999").status == 404
            assert reader.get("/?feed=rss2").headers["Location"] == "/feed/"
            assert reader.get("/?year=2020&monthnum=5&x=y").headers["Location"] == "/2020/05/"
        assert len(reader.rendered) == 5

    def test_of_private_pages_always_reach_django_as_they_are(self, reader: Reader) -> None:
        query = "unapproved=1&moderation-hash=x&other=y"
        for _again in range(2):
            assert reader.get(f"{NEWS}?{query}").headers["Cache-Control"] == "private, no-store"
        assert reader.rendered == [f"{NEWS}?{query}"] * 2

    def test_are_named_to_browsers(self, reader: Reader) -> None:
        header = reader.get("/").headers["No-Vary-Search"]
        assert header.startswith("key-order, params, except=(")
        for name in (*private_parameters.values(), *frozenset().union(*page_parameters.values()), "replytocom"):
            assert f'"{name}"' in header

    def test_may_be_in_any_order_and_script(self, reader: Reader) -> None:
        reader.get("/?s=%D0%BC%D0%B8%D1%80&paged=2")
        reader.get("/?paged=2&x=1&s=мир")
        assert len(reader.rendered) == 1

    @given(st.text(max_size=50))
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    def test_of_any_kind_get_a_response(self, reader: Reader, query: str) -> None:
        sent = "".join(character for character in query if character not in "#\r\n\t")
        assert reader.get(f"/robots.txt?{sent}").status in {200, 301, 404}


class TestRequestsForDjango:
    """Requests that pass through as if there were no page cache."""

    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("GET", {"cookie": "a=b; sessionid=x"}),
            ("GET", {"cache_control": "max-age=0, No-Store"}),
            ("POST", {}),
            ("OPTIONS", {}),
            ("GET", {"host": "evil.example"}),
            ("GET", {"host": "old.example.org"}),
            ("GET", {"host": ""}),
        ],
    )
    def test_are_neither_answered_nor_stored(
        self, reader: Reader, settings: Settings, method: str, headers: dict[str, str]
    ) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["old.example.org"]
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "old.example.org"]
        with mock.patch.object(cache, "set") as stored:
            for _again in range(2):
                reader.request(method, "/robots.txt", **headers)
        assert not [call for call in stored.call_args_list if call.args[0].startswith("page:")]
        assert reader.rendered == ["/robots.txt"] * 2

    def test_get_nothing_that_is_stored(self, reader: Reader, post: Post) -> None:
        url = post.get_absolute_url()
        reader.get(url)
        # Without making cached pages expire.
        QuerySet.update(Post.objects.all(), title="Changed")
        assert "Changed" in reader.get(url, cache_control="no-store").text
        assert "Changed" not in reader.get(url).text
        assert reader.get("/", host="evil.example").status == 400

    def test_from_a_former_host_are_redirected(self, reader: Reader, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["old.example.org"]
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "old.example.org"]
        reader.get("/")
        for host in ("old.example.org", "OLD.example.org:80", "old.example.org."):
            assert reader.get("/", host=host).headers["Location"] == "http://testserver/"

    def test_without_https_are_redirected_to_it_if_that_is_required(self, post: Post, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
        reader = Reader()
        assert reader.get("/", x_forwarded_proto="https").status == 200
        for headers in ({}, {"x_forwarded_proto": "http"}, {"x_forwarded_proto": "http, https"}):
            assert reader.get("/", **headers).headers["Location"] == "https://testserver/"

    def test_of_staff_get_pages_that_no_cache_stores(self, reader: Reader) -> None:
        reader.get("/")
        response = reader.get("/", cookie="sessionid=x", accept_encoding="br, gzip")
        assert response.headers["Cache-Control"] == "private, no-store"
        # Brotli has no protection against guessing tokens by length.
        assert response.headers["Content-Encoding"] == "gzip"

    def test_for_the_admin_keep_their_query(self, reader: Reader) -> None:
        assert 'name="next" value="/admin/account/"' in reader.get("/admin/login/?next=/admin/account/").text
        location = reader.get("/admin/blog/post/?q=news").headers["Location"]
        assert location == "/admin/login/?next=/admin/blog/post/%3Fq%3Dnews"

    def test_for_scripts_keep_their_query(self, reader: Reader, post: Post) -> None:
        add_redirects([("/spip.php?article12", post)])
        for _again in range(2):
            missing, found = reader.get("/spip.php?article13"), reader.get("/spip.php?article12")
            assert (missing.status, found.headers["Location"]) == (404, NEWS)
            # Browsers must not take one for the other either.
            assert missing.headers["No-Vary-Search"] is found.headers["No-Vary-Search"] is None

    def test_for_files_do_not_wait(self, reader: Reader) -> None:
        assert reader.get("/media/none.jpg").status == 404
        assert reader.get("/static/css/site.css").status == 200
        assert reader.get("/admin/").status == 302


class TestHosts:
    def test_share_a_page_that_names_only_the_site_url(self, post: Post, settings: Settings) -> None:
        settings.SITE_URL = "https://blog.example.org:8443"
        reader = Reader()
        for path in PAGES:
            bodies = {reader.get(path, host=host).text for host in ("testserver", "testserver:81", "localhost:6666")}
            assert len(bodies) == 1
            assert "testserver" not in bodies.pop()
        assert reader.rendered == PAGES

    def test_of_another_site_with_the_same_cache_get_other_pages(self, reader: Reader, settings: Settings) -> None:
        reader.get("/")
        settings.SITE_URL = "http://localhost"
        other = Reader()
        other.get("/")
        assert other.rendered == ["/"]


class TestExpiry:
    def test_is_when_a_scheduled_post_is_due(self, reader: Reader) -> None:
        PostFactory(title="Soon", published_at=timezone.now() + dt.timedelta(seconds=90))
        now = time.time()
        assert "Soon" not in reader.get("/").text
        with mock.patch.object(time, "time", return_value=now + 85):
            reader.get("/")
            Reader().get("/")
            assert reader.rendered == ["/"]
        due = timezone.now() + dt.timedelta(seconds=91)
        with (
            mock.patch.object(time, "time", return_value=now + 91),
            mock.patch.object(timezone, "now", return_value=due),
        ):
            assert "Soon" in reader.get("/").text
            assert "Soon" in Reader().get("/").text

    def test_is_after_two_days_at_most(self, reader: Reader) -> None:
        reader.get("/")
        with mock.patch.object(time, "time", return_value=time.time() + 2 * 86_400):
            reader.get("/")
        assert reader.rendered == ["/", "/"]

    def test_is_at_once_if_settings_or_files_differ(self, settings: Settings, own_templates: OwnTemplates) -> None:
        before = release_digest()
        assert before == release_digest()
        settings.TIME_ZONE = "Asia/Tokyo"
        assert before != (then := release_digest())
        settings.BROADSIDE_BACKUP_KEEP = (1, 2, 3)
        assert then != (then := release_digest())
        folder = own_templates({"base.html": "One"})
        assert then != (then := release_digest())
        (folder / "base.html").write_text("Two")
        assert release_digest() != then


class TestTurns:
    def test_one_thread_renders_what_many_request(
        self, transactional_db: None, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PostFactory(title="News")
        monkeypatch.setattr(application, "_MAX_WAIT", 30)
        reader = Reader()
        responses = at_once(*[lambda: reader.get("/")] * 4)
        assert len({response.body for response in responses}) == 1
        assert reader.rendered == ["/"]

    def test_no_one_waits_for_long(self, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Turns, "take", lambda turns, number: False)
        assert reader.get("/").status == 200
        assert reader.rendered == ["/"]

    def test_are_given_back_after_an_error(self, reader: Reader) -> None:
        with mock.patch.object(CachedPage, "of", side_effect=RuntimeError), pytest.raises(RuntimeError):
            reader.get("/")
        assert reader.get("/").status == 200

    def test_are_taken_between_processes_and_free_after_a_crash(self, tmp_path: Path) -> None:
        ours = Turns(tmp_path / "locks")
        child = os.fork()
        if not child:
            Turns(tmp_path / "locks").take(2**55)
            (tmp_path / "taken").touch()
            signal.pause()
        while not (tmp_path / "taken").exists():
            time.sleep(0.01)
        assert not ours.take(2**55)
        assert ours.take(1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert ours.take(2**55)
        assert not ours.take(2**55)

    def test_need_no_file(self, tmp_path: Path) -> None:
        turns = Turns(tmp_path / "none" / "locks")
        assert turns.take(1)
        assert not turns.take(1)
        turns.give_back(1)
        assert turns.take(1)


def stored_page(size: int) -> CachedPage:
    return CachedPage("200 OK", (), "", 0, 0, {"": b"x" * size})


class TestMemory:
    def test_stays_within_its_limit(self) -> None:
        memory = PageMemory(1_000_000)
        for n in range(2_000):
            request = PageRequest(f"/{n}/", "", False)
            memory.add(1, request, stored_page(10_000))
            if n % 2:
                memory.get(1, request)
            assert memory.size <= 1_000_000

    def test_keeps_what_is_requested_again_when_a_flood_requests_everything_once(self) -> None:
        memory = PageMemory(1_000_000)
        popular = PageRequest("/", "", False)
        memory.add(1, popular, stored_page(10_000))
        memory.get(1, popular)
        for n in range(1_000):
            memory.add(1, PageRequest(f"/{n}/", "", False), stored_page(10_000))
        assert memory.get(1, popular) is not None
        assert memory.get(1, PageRequest("/0/", "", False)) is None

    def test_holds_pages_of_one_version(self) -> None:
        memory = PageMemory(1_000_000)
        request = PageRequest("/", "", False)
        memory.add(1, request, stored_page(10))
        assert memory.get(2, request) is None
        memory.add(2, request, stored_page(10))
        assert memory.get(1, request) is None
        assert memory.get(2, request) is not None

    def test_has_the_page_that_was_added_most_recently(self) -> None:
        """A page that has expired because a scheduled post is due is rendered again under the same version."""
        memory, request = PageMemory(1_000_000), PageRequest("/", "", False)
        for size in (10, 20, 30):
            memory.add(1, request, stored_page(size))
            for _again in range(2):
                page = memory.get(1, request)
                assert page is not None
                assert len(page.body("")) == size

    def test_does_not_keep_pages_larger_than_the_whole_memory(self) -> None:
        memory = PageMemory(1_000)
        memory.add(1, PageRequest("/", "", False), stored_page(5_000))
        assert memory.size == 0

    def test_is_the_only_place_for_redirects_and_pages_not_found(self, reader: Reader) -> None:
        """They would fill the disk, because anyone can invent any number of them."""
        with mock.patch.object(cache, "set", wraps=cache.set) as stored:
            for n in range(5):
                reader.get(f"/none-{n}/")
                reader.get(f"/2020/05/17/news?{n}")
        assert not [call for call in stored.call_args_list if call.args[0].startswith("page:")]


class TestFailures:
    """Whatever fails in the page cache, readers notice nothing."""

    def test_of_the_database_are_answered_by_django(self, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> int:
            raise OperationalError("broken")

        monkeypatch.setattr(application, "content_version", fail)
        assert reader.get("/").status == 200
        assert reader.get("/").status == 200
        assert reader.rendered == ["/", "/"]

    @pytest.mark.parametrize("state", ["missing", "read-only", "full", "a file"])
    def test_of_the_folder_cost_nothing_but_time(
        self, post: Post, settings: Settings, tmp_path: Path, state: str
    ) -> None:
        folder = tmp_path / "cache"
        settings.CACHES = {
            "default": {"BACKEND": "core.cache.FailSafeCache", "LOCATION": "backend"},
            "backend": {"BACKEND": "core.cache.FileCache", "LOCATION": str(folder), "OPTIONS": {"MAX_BYTES": 10**6}},
        }
        settings.BROADSIDE_PAGE_CACHE_LOCKS = folder / "locks"
        reader, other = Reader(), Reader()
        reader.get("/")
        if state == "missing":
            folder.rename(tmp_path / "elsewhere")
        elif state == "a file":
            folder.rename(tmp_path / "elsewhere")
            folder.touch()
        no_room = mock.patch(
            "tempfile.mkstemp", side_effect=OSError(errno.ENOSPC if state == "full" else errno.EROFS, "no")
        )
        with no_room if state in {"full", "read-only"} else mock.patch("os.getpid"):
            for path in PAGES:
                for each in (reader, other):
                    assert each.get(path).status == 200
                    assert each.get(path).status == 200

    def test_of_stored_pages_are_misses(self, reader: Reader) -> None:
        get = cache.get
        older = lambda key, **options: "older" if key.startswith("page:") else get(key, **options)  # noqa: E731  # once
        with mock.patch.object(cache, "get", older):
            assert reader.get("/").status == 200

    def test_of_django_are_not_stored(self, reader: Reader) -> None:
        with mock.patch("blog.views.listing_response", side_effect=RuntimeError):
            broken = reader.get("/")
        assert broken.status == 500
        assert "no-store" in broken.headers["Cache-Control"]
        assert reader.get("/").status == 200


@pytest.fixture(scope="module")
def start_process(
    tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase
) -> Iterator[Callable[[], Process]]:
    """Start a process of a site in a separate folder."""
    folder = tmp_path_factory.mktemp("site")
    copy_database(folder)
    processes = []

    def start() -> Process:
        processes.append(Process(folder))
        return processes[-1]

    yield start
    for process in processes:
        process.end()


# An action of another process, the page, and what it contains afterwards.
CHANGES = [
    ("p.title = 'Title changed'; p.save()", "/", "Title changed"),
    ("Post.objects.filter(pk=p.pk).update(title='Updated at once')", "/", "Updated at once"),
    ("c.name = 'Category renamed'; c.save()", "/", "Category renamed"),
    ("t = Tag.objects.get(); t.name = 'tag renamed'; t.save()", "/tag/t/", "tag renamed"),
    ("s = SiteSettings.current(); s.tagline = 'A new tagline'; s.save()", "/about/", "A new tagline"),
    ("PageFactory(title='Contact')", "/contact/", "Contact"),
    ("CommentFactory(entry=p, status='approved', text='Approved words')", NEWS, "Approved words"),
    ("decisions.approve([CommentFactory(entry=p, status='pending', text='Late words')], by=u)", NEWS, "Late words"),
    ("u.display_name = 'Renamed author'; u.save()", "/author/ann/", "Renamed author"),
    ("Post.objects.bulk_update([Post(pk=p.pk, title='In bulk')], ['title'])", "/feed/", "In bulk"),
    ("p = Post.objects.get(pk=p.pk); p.slug = 'moved'; p.save()", NEWS, "/2020/05/17/moved/"),
    ("publishing.trash(Post.objects.all(), u)", "/2020/05/17/moved/", "404"),
]


class TestProcesses:
    def test_see_every_change_of_another_process_at_once(self, start_process: Callable[[], Process]) -> None:
        writer, reading = start_process(), start_process()
        writer("u = UserFactory(role='Editor', username='ann', display_name='Ann')")
        writer("c = CategoryFactory(name='c')")
        writer("p = PostFactory(title='News', published_at=at(2020, 5, 17), author=u, tags=['t'], categories=[c])")
        writer("PageFactory(title='About')")
        writer("s = SiteSettings.current(); s.show_author = True; s.save()")
        for change, path, expected in CHANGES:
            for _again in range(2):
                before = reading(f"show({path!r})")
            assert expected not in f"{before}", change
            assert reading("from_memory")
            writer(change)
            after = reading(f"[show({path!r}), reader.get({path!r}).headers['Location']]")
            assert expected in f"{after}", change
            assert after[0] == writer(f"show({path!r})")

    def test_see_a_change_whose_process_was_killed_right_after_it(self, start_process: Callable[[], Process]) -> None:
        writer, reading = start_process(), start_process()
        writer("PageFactory(title='Before', slug='killed')")
        reading("show('/killed/')")
        assert "Before" in reading("show('/killed/')")[1]
        writer(
            "with transaction.atomic():\n"
            "    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
            "    Page.objects.filter(slug='killed').update(title='After')\n"
        )
        assert "After" in reading("show('/killed/')")[1]
