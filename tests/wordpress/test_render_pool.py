"""Rendering in two processes gives the same results in the same order, and leaves no process behind."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from blog.models import Entry, Page, Post
from blog.rendering import RenderInput
from blog.rendering.moved_files import FileResolver, resolve_files, resolve_no_files
from comments.text import comment_html
from core.models import SiteSettings
from search.finding import find_entries
from search.queries import parse
from search.words import EntryText
from tests.factories.types import ImportParts
from tests.factories.wxr import category, filed, item, page, tag
from wordpress.importing import batches, render_pool
from wordpress.importing.render_pool import RenderPool
from wordpress.importing.render_worker import CommentText, RenderWorker, next_portion
from wordpress.importing.spool import open_spool
from wordpress.importing.texts import Derived, Text, derive
from wordpress.markup.footnotes_and_blocks import Origin


def a_text(source: str, markup: str = "markdown", entry: object = None, language: str = "") -> Text:
    return Text(RenderInput(source, markup, entry, language))


TEXTS = [
    a_text("One.\n\nTwo <b>three", "wordpress"),
    a_text("*four*", "markdown"),
    a_text("", "html"),
    a_text("Five<!--more-->six", "wordpress"),
    a_text("<details>Seven</details>", "html", language="fr"),
    a_text("<details>Seven</details>", "html", language="ar"),
]
PROJECT = Path(__file__).resolve().parents[2]
# Starts a worker, prints the ID of its process and waits to be killed.
STARTS_WORKER = """
import os, time; os.cpu_count = lambda: 2
import django; django.setup()
from blog.rendering import RenderInput
from blog.rendering.moved_files import resolve_files
from wordpress.importing import render_pool
from wordpress.importing.spool import open_spool
from wordpress.importing.texts import Text
render_pool.MIN_SIZE_FOR_WORKER = 0
with open_spool() as spool, render_pool.RenderPool(spool, 0, resolve_files, ahead=False) as pool:
    pool.begin([Text(RenderInput("text", "html"))])
    pool.finish()
    print(pool._worker.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def always_with_worker() -> Iterator[None]:
    """Start a worker on every machine, even for a small import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 2)
        patch.setattr(render_pool, "MIN_SIZE_FOR_WORKER", 0)
        yield


@contextmanager
def new_pool(*, ahead: bool = False, resolve: FileResolver = resolve_files) -> Iterator[RenderPool]:
    with open_spool() as spool, RenderPool(spool, 0, resolve, ahead=ahead) as pool:
        yield pool


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[RenderPool]:
    """A pool with a worker that is shared by the tests."""
    with new_pool() as pool:
        yield pool


@pytest.fixture
def shared_worker(shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have new pools use the worker of the shared pool, because starting one takes a second."""
    worker = shared_pool._worker
    monkeypatch.setattr(render_pool, "RenderWorker", lambda resolve_files, *, is_available: worker)
    monkeypatch.setattr(worker, "stop", lambda: None)


def process_of(pool: RenderPool) -> BaseProcess:
    assert pool._worker.process is not None
    return pool._worker.process


def kill(pool: RenderPool) -> None:
    process_of(pool).kill()
    process_of(pool).join()


def wait_for(pool: RenderPool) -> None:
    """Wait until the worker has rendered the batch."""
    has_work = pool._batch.shared or pool._batch.comments
    while has_work and pool._worker.is_available and not pool._worker.has_answered:
        time.sleep(0.01)


def render_with(pool: RenderPool, texts: list[Text], *, wait: bool = True) -> list[Derived]:
    """Render a batch. With `wait`, the worker renders everything that it can."""
    pool.begin(texts)
    if wait:
        wait_for(pool)
    derived, _comments = pool.finish()
    return derived


def expect(pool: RenderPool, texts: list[Text]) -> None:
    for text in texts:
        pool.expect(text)


def expected(texts: list[Text]) -> list[Derived]:
    return [one for text in texts for one in derive([text], resolve_files)]


def rendered_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the sources rendered in this process from now on."""
    here: list[str] = []

    def record(texts: Sequence[Text], resolve: FileResolver) -> Iterator[Derived]:
        here.extend(text.input.source for text in texts)
        return derive(texts, resolve)

    monkeypatch.setattr(render_pool, "derive", record)
    return here


class TestResults:
    def test_results_equal_those_of_rendering_in_this_process(self, shared_pool: RenderPool) -> None:
        assert render_with(shared_pool, TEXTS) == expected(TEXTS)

    def test_each_batch_gets_its_own_results(self, shared_pool: RenderPool) -> None:
        for _attempt in range(3):
            for texts in ([], TEXTS[:1], TEXTS[2:3], TEXTS[1:]):
                assert render_with(shared_pool, texts) == expected(texts)

    def test_texts_can_be_larger_than_the_buffer_of_a_pipe(self, shared_pool: RenderPool) -> None:
        texts = [a_text(f"{n} words " * 5000, "wordpress") for n in range(20)]
        assert render_with(shared_pool, texts) == expected(texts)

    @pytest.mark.django_db
    def test_no_files_are_looked_up_if_there_are_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = a_text("https://blog.example.org/wp-content/uploads/2014/03/a.png", "wordpress")
        html = expected([text])
        with new_pool(resolve=resolve_no_files) as pool:
            # The worker can't look up files, so this text would be rendered here.
            here = rendered_here(monkeypatch)
            assert render_with(pool, [text]) == html
            assert here == []

    def test_files_are_resolved_with_the_given_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def resolve(old_urls: Iterable[str]) -> Mapping[str, str]:
            return dict.fromkeys(old_urls, "/media/new.png")

        monkeypatch.setattr(os, "cpu_count", lambda: 1)
        with new_pool(resolve=resolve) as pool:
            (derived,) = render_with(pool, [a_text('<img src="/wp-content/uploads/old.png">', "html")])
        assert 'src="/media/new.png"' in derived.rendered.body_html

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "source", ["[gallery ids='1']", '<sup data-fn="x" class="fn">1</sup>', '<!-- wp:block {"ref":1} /-->']
    )
    def test_texts_that_need_the_database_are_rendered_here(
        self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch, source: str
    ) -> None:
        here = rendered_here(monkeypatch)
        render_with(shared_pool, [*TEXTS[:2], a_text(source, "wordpress", Origin("https://old.example", 7))])
        assert here == [source]


class TestComments:
    COMMENTS: ClassVar[list[CommentText]] = [("One.\n\nTwo <b>three", True), ("One <b>", False), ("", True)]

    def test_comments_equal_those_rendered_in_this_process(self, shared_pool: RenderPool) -> None:
        for texts in (TEXTS, [], TEXTS[:1]):
            shared_pool.begin(texts, self.COMMENTS)
            html = {comment: str(comment_html(*comment)) for comment in self.COMMENTS}
            assert shared_pool.finish() == (expected(texts), html)

    def test_a_batch_without_comments_does_not_repeat_those_of_the_last_one(self, shared_pool: RenderPool) -> None:
        shared_pool.begin(TEXTS, self.COMMENTS)
        shared_pool.finish()
        assert shared_pool.finish() == ([], {})
        shared_pool.begin(TEXTS)
        assert shared_pool.finish() == (expected(TEXTS), {})

    def test_the_worker_renders_comments(self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(render_pool, "render_comments", lambda comments: pytest.fail("rendered here"))
        shared_pool.begin([], self.COMMENTS)
        _texts, comments = shared_pool.finish()
        assert len(comments) == len(self.COMMENTS)

    def test_comments_are_rendered_here_if_the_worker_was_killed(self) -> None:
        with new_pool() as pool:
            pool.begin([], self.COMMENTS)
            kill(pool)
            for _batch in range(2):
                assert pool.finish() == ([], {comment: comment_html(*comment) for comment in self.COMMENTS})
                pool.begin([], self.COMMENTS)

    @pytest.mark.usefixtures("shared_worker")
    def test_texts_are_rendered_ahead_without_comments(self) -> None:
        with new_pool(ahead=True) as pool:
            expect(pool, TestRenderingAhead.MANY * 5)
            pool.stop_expecting()
            assert pool.finish() == ([], {})
            pool.begin(TEXTS, self.COMMENTS)
            _texts, comments = pool.finish()
            assert len(comments) == len(self.COMMENTS)


class TestSharing:
    """Texts that the worker hasn't started when they are needed are rendered here, the last ones first."""

    MANY: ClassVar[list[Text]] = [a_text(f"Text *{number}*", "markdown") for number in range(100)]

    def test_all_texts_are_rendered_here_while_the_worker_stalls(
        self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        render_with(shared_pool, TEXTS)
        here = rendered_here(monkeypatch)
        with stopped(shared_pool, then=signal.SIGCONT, until=lambda: len(here) == len(self.MANY)):
            assert render_with(shared_pool, self.MANY, wait=False) == expected(self.MANY)
        assert sorted(here) == sorted(text.input.source for text in self.MANY)

    def test_all_texts_are_rendered_here_if_the_worker_dies(self) -> None:
        with new_pool() as pool:
            render_with(pool, TEXTS)
            with stopped(pool, then=signal.SIGKILL):
                assert render_with(pool, self.MANY, wait=False) == expected(self.MANY)
            assert render_with(pool, self.MANY) == expected(self.MANY)

    def test_texts_rendered_by_the_worker_are_not_rendered_here(
        self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        html = expected(self.MANY)
        here = rendered_here(monkeypatch)
        assert render_with(shared_pool, self.MANY) == html
        assert here == []

    def test_texts_rendered_by_both_processes_appear_once(
        self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As if the worker had started the last half just when it was taken back.
        portions = iter([range(50, 100), range(0)])
        monkeypatch.setattr(RenderWorker, "take_back", lambda worker: next(portions))
        assert render_with(shared_pool, self.MANY) == expected(self.MANY)

    def test_texts_that_neither_process_has_started_are_rendered_at_the_end(
        self, shared_pool: RenderPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared_pool.begin(self.MANY)
        while shared_pool._worker.take_back():
            pass
        monkeypatch.setattr(RenderWorker, "take_back", lambda worker: range(0))
        assert shared_pool.finish() == (expected(self.MANY), {})

    @pytest.mark.parametrize(
        ("left", "next_"), [(1000, 20), (40, 20), (39, 20), (20, 10), (2, 1), (1, 1), (0, 0), (-5, 0)]
    )
    def test_portions_become_smaller_towards_the_end(self, left: int, next_: int) -> None:
        assert next_portion(left) == next_


@contextmanager
def stopped(pool: RenderPool, *, then: signal.Signals, until: Callable[[], bool] | None = None) -> Iterator[None]:
    """Stop the worker for 0.3 s or longer, until `until` is true; then send it the signal `then`."""
    pid = process_of(pool).pid or 0
    os.kill(pid, signal.SIGSTOP)

    def resume() -> None:
        time.sleep(0.3)
        deadline = time.monotonic() + 20
        while until and not until() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(pid, then)

    thread = Thread(target=resume)
    thread.start()
    yield
    thread.join()


class TestRenderingAhead:
    MANY: ClassVar[list[Text]] = [a_text(f"Text *{number}*", "markdown") for number in range(12)]

    @pytest.fixture(autouse=True)
    def _small_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(render_pool, "_MIN_AHEAD", 4)
        monkeypatch.setattr(render_pool, "_MAX_AHEAD", 6)

    def test_texts_rendered_ahead_are_not_rendered_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with new_pool(ahead=True) as pool:
            expect(pool, self.MANY[:4])
            while not pool._worker.has_answered:
                time.sleep(0.01)
            pool.stop_expecting()
            kill(pool)
            here = rendered_here(monkeypatch)
            assert render_with(pool, self.MANY) == expected(self.MANY)
            assert sorted(here) == sorted(text.input.source for text in self.MANY[4:])

    @pytest.mark.parametrize(
        ("offered", "taken"),
        [
            (6, [0, 1, 2, 3, 4, 5]),
            (7, [1, 3, 5]),
            (12, [1, 3, 5, 7, 9, 11]),
            (14, [3, 7, 11]),
            (100, [15, 31, 47, 63, 79, 95]),
        ],
    )
    def test_without_time_for_all_texts_some_from_each_part_are_chosen(self, offered: int, taken: list[int]) -> None:
        sample = render_pool._Sample()
        for number in range(offered):
            sample.offer(a_text(str(number), "html"))
        assert [int(text.input.source) for text in sample.texts] == taken

    def test_fewer_long_texts_are_chosen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(render_pool, "_CHARACTERS_AHEAD", 100)
        sample = render_pool._Sample()
        for _number in range(100):
            sample.offer(a_text("x" * 40, "html"))
        assert 1 <= len(sample.texts) <= 2

    def test_texts_offered_while_the_worker_is_busy_are_rendered_later(self) -> None:
        with new_pool(ahead=True) as pool:
            expect(pool, self.MANY)
            pool.stop_expecting()
            assert render_with(pool, self.MANY) == expected(self.MANY)

    @pytest.mark.usefixtures("shared_worker")
    def test_one_source_in_two_markups_counts_as_two_texts(self) -> None:
        texts = [a_text(text.input.source, "wordpress") for text in self.MANY[:4]]
        with new_pool(ahead=True) as pool:
            expect(pool, self.MANY[:4])
            pool.stop_expecting()
            assert render_with(pool, texts) == expected(texts)

    def test_nothing_is_rendered_ahead_if_this_is_turned_off(self) -> None:
        with new_pool() as pool:
            expect(pool, self.MANY)
            assert pool._worker.process is None


class TestWorker:
    def test_a_small_import_starts_no_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(render_pool, "MIN_SIZE_FOR_WORKER", 1)
        with new_pool(ahead=True) as pool:
            expect(pool, TEXTS)
            assert render_with(pool, TEXTS) == expected(TEXTS)
            assert pool._worker.process is None

    def test_everything_is_rendered_here_if_the_worker_cannot_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(worker: RenderWorker) -> None:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

        monkeypatch.setattr(RenderWorker, "_start", refuse)
        with new_pool(ahead=True) as pool:
            expect(pool, TestRenderingAhead.MANY * 10)
            pool.stop_expecting()
            pool.begin(TEXTS, TestComments.COMMENTS)
            texts, comments = pool.finish()
            assert len(comments) == len(TestComments.COMMENTS)
            assert texts == expected(TEXTS)
            assert render_with(pool, TEXTS) == expected(TEXTS)

    def test_a_pool_that_renders_nothing_starts_no_worker(self) -> None:
        with new_pool() as pool:
            assert render_with(pool, []) == []
            assert pool._worker.process is None

    def test_the_worker_stops_with_the_pool_even_after_an_error(self) -> None:
        with open_spool() as spool:
            failing = RenderPool(spool, 0, resolve_files, ahead=False)
            with pytest.raises(ZeroDivisionError), failing:  # noqa: PT012  # the error comes after the beginning
                failing.begin(TEXTS)
                process = process_of(failing)
                raise ZeroDivisionError
        assert not process.is_alive()

    def test_a_worker_that_is_stopped_while_it_answers_prints_nothing(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        # An import that stops because of an error, such as a full disk, doesn't wait for an answer.
        with new_pool() as pool:
            # Larger than the buffer of the pipe, so the worker is still sending it.
            pool.begin([a_text("word " * 50_000, "html")])
            wait_for(pool)
            process = process_of(pool)

            def terminate(now: Callable[[], None] = process.terminate) -> None:
                time.sleep(0.2)
                now()

            monkeypatch.setattr(process, "terminate", terminate)
        assert capfd.readouterr().err == ""

    def test_a_pool_continues_if_the_worker_was_killed(self) -> None:
        with new_pool() as pool:
            render_with(pool, TEXTS)
            kill(pool)
            for _batch in range(2):
                assert render_with(pool, TEXTS) == expected(TEXTS)

    def test_the_worker_stops_when_the_import_is_killed(self) -> None:
        with subprocess.Popen(  # noqa: S603  # our own code
            [sys.executable, "-c", STARTS_WORKER], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        ) as importing:
            assert importing.stdout is not None
            worker = int(importing.stdout.readline())
            assert is_running(worker)
            importing.send_signal(signal.SIGKILL)
        for _attempt in range(200):
            if not is_running(worker):
                break
            time.sleep(0.1)
        assert not is_running(worker)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Dead processes stay listed until their parent reaps them.
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


class TestImport:
    @pytest.mark.usefixtures("shared_worker")
    @pytest.mark.parametrize("size", [1, 2, 100])
    def test_entries_are_rendered_whatever_the_size_of_a_batch(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(render_pool, "_MIN_AHEAD", 3)
        monkeypatch.setattr(batches, "MAX_ENTRIES", size)
        posts = [item(number, content=f"Text\n\nof {number}.", post_name="same") for number in range(1, 8)]
        import_parts(page(20, content="A page."), *posts, item(1, content="Text\n\nof 1.", post_name="same"))
        found = Post.objects.order_by("pk")
        assert [post.body_html for post in found] == [f"<p>Text</p>\n<p>of {n}.</p>" for n in range(1, 8)]
        assert [post.slug for post in found] == ["same", *(f"same-{number}" for number in range(2, 8))]
        assert Page.objects.get().body_html == "<p>A page.</p>"

    @pytest.mark.parametrize("processors", [1, 2])
    def test_the_tokens_of_a_text_are_computed_once_and_indexed(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch, processors: int
    ) -> None:
        made: list[str] = []

        def record(text: EntryText, tokens: Callable[[EntryText], str] = EntryText.tokens) -> str:
            made.append(text.title)
            return tokens(text)

        monkeypatch.setattr(os, "cpu_count", lambda: processors)
        monkeypatch.setattr(EntryText, "tokens", record)
        arabic = "يتعرض المدافعون عن حقوق الإنسان للهجوم في العديد من البلدان، ولا تفعل الدول ما يكفي لحمايتهم."
        import_parts(
            *(tag("z", "Prizes"), tag("a", "Women &amp; men"), category("top", "Top")),
            item(1, title="Plain", excerpt="A <b>short</b> &amp; good one", inside=[filed("category", "top", "Top")]),
            item(2, title="<em>Marked</em> &amp; tagged", inside=[filed("post_tag", "z", "Prizes")]),
            item(
                3,
                title="Two tags",
                inside=[filed("post_tag", n, t) for n, t in (("z", "Prizes"), ("a", "Women &amp; men"))],
            ),
            item(4, title="Guessed", content=f"<details><summary></summary>{arabic}</details>"),
            page(5, title="A page", content="[gallery]"),
        )
        # Each is computed by only one process: this one, if the worker hasn't started the text or can't render it.
        expected = ["A page", "Guessed", "Marked & tagged", "Plain", "Two tags"]
        assert sorted(made) == expected if processors == 1 else set(made) <= {*expected} and len(made) == len(set(made))
        found = {typed: find_entries(parse(typed), SiteSettings.current()).pks for typed in ("women", "حقوق", "short")}
        titles = {typed: [Entry.objects.get(pk=pk).title for pk in pks] for typed, pks in found.items()}
        assert titles == {"women": ["Two tags"], "حقوق": ["Guessed"], "short": ["Plain"]}
