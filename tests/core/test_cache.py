"""Any failure of the cache counts as a miss: readers and commenters never notice, and it is logged now and then."""

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import BaseCache, cache
from django.core.cache.backends.filebased import FileBasedCache
from django.test import Client
from pytest_django import Settings

from comments.models import Comment
from config.cache import caches
from config.logs import LineFormatter
from core.cache import LOG_INTERVAL, PAUSE, FailSafeCache, FileCache, count
from tests.factories import CategoryFactory, PostFactory
from tests.factories.cache_server import CacheServer, cache_server
from tests.factories.reader import Reader

FILES = "django.core.cache.backends.filebased.FileBasedCache"


class BrokenCache(BaseCache):
    """A cache whose every method raises something other than OSError."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("broken")

    add = get = set = touch = incr = delete = clear = _fail


class Clock:
    """A clock that only the tests move."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _no_earlier_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FailSafeCache, "_silent_until", 0)
    monkeypatch.setattr(FailSafeCache, "_paused_until", 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("core.cache.time", clock)
    return clock


def use(settings: Settings, backend: str, location: str = "", **options: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "core.cache.FailSafeCache", "LOCATION": "backend"},
        "backend": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options},
    }


@pytest.fixture
def broken(settings: Settings) -> None:
    use(settings, f"{__name__}.BrokenCache")


def break_with_a_file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("This is not a folder.")
    use(settings, FILES, str(tmp_path / "cache"))


def break_with_permissions(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    use(settings, FILES, str(tmp_path / "cache"))
    monkeypatch.setattr("django.core.cache.backends.filebased.open", refuse, raising=False)
    monkeypatch.setattr(FileBasedCache, "_createdir", refuse)


def break_with_damaged_files(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, FILES, str(tmp_path / "cache"))
    write = FileBasedCache._write_content  # type: ignore[attr-defined]  # private

    def write_half(self: Any, file: Any, *args: Any) -> None:
        write(self, file, *args)
        file.truncate(file.tell() // 2)

    monkeypatch.setattr(FileBasedCache, "_write_content", write_half)


def break_with_a_full_disk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    use(settings, FILES, str(tmp_path / "cache"))
    monkeypatch.setattr(FileBasedCache, "_write_content", fail)


def break_with_an_absent_server(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    use(settings, "django.core.cache.backends.redis.RedisCache", f"redis://127.0.0.1:{port}/0")


def break_everything(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, f"{__name__}.BrokenCache")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "break_cache",
    [
        break_with_a_file,
        break_with_permissions,
        break_with_damaged_files,
        break_with_a_full_disk,
        break_with_an_absent_server,
        break_everything,
    ],
)
def test_readers_and_commenters_do_not_notice(
    break_cache: Callable[..., None],
    client: Client,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post = PostFactory(title="News", tags=["t"], categories=[CategoryFactory(name="c")])
    break_cache(settings, tmp_path, monkeypatch)
    for path in ("/", post.get_absolute_url(), "/tag/t/", "/category/c/", "/feed/", "/sitemap.xml", "/robots.txt"):
        # The second request would be answered from the cache.
        assert [client.get(path).status_code for _ in range(2)] == [200, 200], path
    data = {"name": "Ann", "email": "a@example.org", "text": "Hello."}
    assert client.post(f"/comments/on/post/{post.pk}/", data).status_code == 302
    assert Comment.objects.get().status == "pending"


class TestWorkingCache:
    @pytest.fixture(autouse=True)
    def _use(self, settings: Settings, tmp_path: Path) -> None:
        use(settings, FILES, str(tmp_path / "cache"))

    def test_it_stores_and_returns_values(self) -> None:
        cache.set("one", 1)
        cache.set("brief", 2, timeout=-1)
        assert [cache.get("one"), cache.get("brief", 0), cache.get("none", "default")] == [1, 0, "default"]
        assert [cache.add("one", 3), cache.add("new", 3)] == [False, True]
        assert cache.get_many(["one", "new"]) == {"one": 1, "new": 3}
        assert [cache.incr("new", 2), cache.get("new")] == [5, 5]
        assert [cache.delete("one"), cache.delete("one")] == [True, False]
        cache.clear()
        assert not cache.touch("new")

    def test_nothing_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        cache.get("none")
        with pytest.raises(ValueError, match="not in the cache"):
            cache.incr("none")
        assert caplog.records == []


class TestCounting:
    def test_simultaneous_counts_are_all_different(self, settings: Settings, tmp_path: Path) -> None:
        use(settings, "core.cache.FileCache", str(tmp_path / "cache"), MAX_BYTES=2**20)
        with ThreadPoolExecutor(16) as pool:
            counts = pool.map(lambda _number: count("guesses", 1, 600), range(320))
        assert sorted(counts) == list(range(1, 321))


class TestSweeping:
    @pytest.fixture(autouse=True)
    def _use(self, settings: Settings, tmp_path: Path) -> None:
        use(settings, "core.cache.FileCache", str(tmp_path / "cache"), MAX_BYTES=2**20)

    def files(self, tmp_path: Path) -> list[str]:
        return sorted(str(path.relative_to(tmp_path / "cache")) for path in (tmp_path / "cache").rglob("*"))

    def test_values_are_found_only_with_the_version_they_were_stored_with(self) -> None:
        cache.set("page", "old", version=7)
        cache.set("page", "new", version=8)
        assert [cache.get("page", version=number) for number in (7, 8, 9)] == ["old", "new", None]
        assert cache.get("page") is None

    def test_earlier_versions_are_deleted(self, tmp_path: Path) -> None:
        cache.set("counter", 1)
        cache.set("page", "old", version=7)
        cache.set("page", "new", version=8)
        cache.sweep(8)  # type: ignore[attr-defined]  # FailSafeCache has it
        assert [cache.get("counter"), cache.get("page", version=7), cache.get("page", version=8)] == [1, None, "new"]
        assert [name.partition("/")[0] for name in self.files(tmp_path) if not name.endswith(".djcache")] == ["8"]

    def test_expired_values_are_deleted(self, tmp_path: Path) -> None:
        cache.set("brief", 1, timeout=-1)
        cache.set("page", "old", timeout=-1, version=8)
        cache.sweep(8)  # type: ignore[attr-defined]  # FailSafeCache has it
        assert [name for name in self.files(tmp_path) if name.endswith(".djcache")] == []

    def test_leftover_files_of_killed_processes_are_deleted(self, tmp_path: Path) -> None:
        cache.set("counter", 1)
        for name, written in (("old", 1_000), ("now", None)):
            path = tmp_path / "cache" / name
            path.write_bytes(b"half of a page")
            if written:
                os.utime(path, (written, written))
        cache.sweep(1)  # type: ignore[attr-defined]  # FailSafeCache has it
        assert "old" not in self.files(tmp_path)
        assert "now" in self.files(tmp_path)

    def test_the_limit_counts_all_versions(self, settings: Settings, tmp_path: Path) -> None:
        files = FileCache(str(tmp_path / "cache"), {"OPTIONS": {"MAX_BYTES": 1_000}})
        for number in range(10):
            files.set("page", os.urandom(400), version=number)
        files.tidy()
        assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.djcache")) <= 1_000


@pytest.mark.usefixtures("broken")
class TestBrokenCache:
    def test_every_operation_has_the_result_of_an_empty_cache(self) -> None:
        cache.set("one", 1)
        cache.clear()
        assert [cache.get("one"), cache.get("one", 0), cache.get_many(["one"])] == [None, 0, {}]
        assert [cache.add("one", 1), cache.touch("one"), cache.delete("one"), "one" in cache] == [False] * 4
        assert cache.get_or_set("one", 5) == 5
        with pytest.raises(ValueError, match="not in the cache"):
            cache.incr("one")

    def test_failures_are_logged_once_a_minute(self, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            for _ in range(100):
                cache.get("one")
            assert [LineFormatter().message(record) for record in caplog.records] == [
                "The cache failed, so pages are slower. RuntimeError: broken"
            ]
            clock.now += LOG_INTERVAL
            cache.get("one")
        assert len(caplog.records) == 2

    def test_a_slow_failure_is_not_repeated_for_a_while(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        calls = []

        def fail(*args: Any) -> None:
            calls.append(args)
            clock.now += 0.5
            raise TimeoutError

        monkeypatch.setattr(BrokenCache, "get", fail)
        for _ in range(10):
            cache.get("one")
        assert len(calls) == 1
        clock.now += PAUSE
        cache.get("one")
        assert len(calls) == 2

    def test_a_quick_failure_does_not_stop_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One damaged entry must not prevent the others from being used, or itself from being replaced."""
        cache.get("damaged")
        monkeypatch.setattr(BrokenCache, "get", lambda *args: "from the cache")
        assert cache.get("other") == "from the cache"


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[CacheServer]:
    """A real cache server, which the site uses."""
    with cache_server() as server:
        settings.CACHES = caches(server.url, tmp_path)
        yield server


@pytest.mark.django_db
class TestServer:
    def is_stored(self) -> bool:
        """Request a page in a process with nothing in its memory, and return whether it came from the cache."""
        reader = Reader()
        assert reader.get("/").status == 200
        return not reader.rendered

    def test_pages_are_stored_there(self, server: CacheServer) -> None:
        PostFactory()
        assert [self.is_stored() for _ in range(3)] == [False, True, True]

    def test_pages_are_stored_again_after_it_was_flushed(self, server: CacheServer) -> None:
        PostFactory()
        assert [self.is_stored() for _ in range(2)] == [False, True]
        with redis.Redis(unix_socket_path=str(server.socket)) as other:
            other.flushall()
        assert [self.is_stored() for _ in range(2)] == [False, True]

    def test_it_is_used_again_after_it_was_killed_and_restarted(self, server: CacheServer) -> None:
        PostFactory()
        assert [self.is_stored() for _ in range(2)] == [False, True]
        server.kill()
        assert [self.is_stored() for _ in range(2)] == [False, False]
        server.start()
        assert [self.is_stored() for _ in range(2)] == [False, True]

    def test_it_is_used_again_some_time_after_it_was_stopped_and_continued(
        self, server: CacheServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        PostFactory()
        assert [self.is_stored() for _ in range(2)] == [False, True]
        server.process.send_signal(signal.SIGSTOP)
        assert [self.is_stored() for _ in range(3)] == [False] * 3
        server.process.send_signal(signal.SIGCONT)
        # As if the pause had ended.
        monkeypatch.setattr(FailSafeCache, "_paused_until", 0)
        assert self.is_stored()


class TestFiles:
    def test_stay_within_their_limit_and_lose_the_oldest_first(self, tmp_path: Path) -> None:
        files = FileCache(str(tmp_path), {"OPTIONS": {"MAX_BYTES": 100_000}})
        for n in range(30):
            files.set(str(n), os.urandom(10_000))
            os.utime(max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime), (n, n))
        files.tidy()
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000
        assert [n for n in range(30) if files.get(str(n))] == list(range(23, 30))

    def test_are_tidied_only_once_in_a_while(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[FileCache] = []
        monkeypatch.setattr(FileCache, "tidy", lambda files: calls.append(files))
        files = FileCache(str(tmp_path), {"OPTIONS": {"MAX_BYTES": 1}})
        for _ in range(5_000):
            files._cull()
        assert 1 <= len(calls) < 50

    def test_can_be_tidied_without_a_folder(self, tmp_path: Path) -> None:
        FileCache(str(tmp_path / "none"), {"OPTIONS": {"MAX_BYTES": 1}}).tidy()
