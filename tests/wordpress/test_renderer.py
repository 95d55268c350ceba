"""Rendering beside the import: the same results in the same order, and no process that stays behind."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Timer
from typing import ClassVar

import pytest

from blog.models import Page, Post
from blog.rendering import Rendered, Text, render, render_all
from comments.text import comment_html
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import item, page
from wordpress import entries, renderer
from wordpress.beside import Beside, Comment, together
from wordpress.kept import keeping
from wordpress.moved import known_if_none_is_here
from wordpress.renderer import Renderer

TEXTS = [
    Text("One.\n\nTwo <b>three", "wordpress"),
    Text("*four*", "markdown"),
    Text("", "html"),
    Text("Five<!--more-->six", "wordpress"),
]
PROJECT = Path(__file__).resolve().parents[2]
# Starts a renderer, says the number of its process and waits to be killed.
STARTS_ONE = """
import os, time; os.cpu_count = lambda: 2
import django; django.setup()
from blog.models import Post
from wordpress import renderer
from wordpress.kept import keeping
renderer.WORTH_A_PROCESS = 0
with keeping() as kept, renderer.Renderer(kept, 0, ahead=False) as renderer:
    renderer.begin([Post(source="text", markup="html")])
    renderer.finish()
    print(renderer._process.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def worth_it() -> Iterator[None]:
    """A process is worth its start whatever the size, on every machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 2)
        patch.setattr(renderer, "WORTH_A_PROCESS", 0)
        yield


@contextmanager
def a_renderer(*, ahead: bool = False) -> Iterator[Renderer]:
    with keeping() as kept, Renderer(kept, 0, ahead=ahead) as made:
        yield made


@pytest.fixture(scope="module")
def beside() -> Iterator[Renderer]:
    """A renderer whose process the tests share."""
    with a_renderer() as made:
        yield made


def process_of(running: Renderer) -> BaseProcess:
    assert running._process is not None
    process: BaseProcess = running._process.process
    return process


def kill(running: Renderer) -> None:
    process_of(running).kill()
    process_of(running).join()


def wait_for(running: Renderer) -> None:
    """Until the process has rendered all it was given."""
    while running._begun and not running._begun.has_answered:
        time.sleep(0.01)


def rendered(by: Renderer, texts: list[Text], *, in_time: bool = True) -> list[tuple[str, str, str]]:
    """What becomes of `texts`: if the process is `in_time`, this one renders none for it."""
    posts = entries_of(texts)
    by.begin(posts)
    if in_time:
        wait_for(by)
    by.finish()
    return [(post.lead_html, post.body_html, post.extract) for post in posts]


def expect(by: Renderer, texts: list[Text]) -> None:
    for source, markup, _entry in texts:
        by.expect(source, markup)


def expected(texts: list[Text]) -> list[tuple[str, str, str]]:
    found = (render(*text) for text in texts)
    return [(each.lead_html, each.body_html, each.extract) for each in found]


def rendered_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that are rendered in this process from now on."""
    here: list[str] = []

    def noted(texts: Iterable[Text]) -> Iterator[Rendered]:
        texts = list(texts)
        here.extend(text.source for text in texts)
        return render_all(texts)

    monkeypatch.setattr(renderer, "render_all", noted)
    return here


def entries_of(texts: list[Text]) -> list[Post]:
    return [Post(source=source, markup=markup) for source, markup, _entry in texts]


class TestResults:
    def test_they_are_those_of_rendering_here(self, beside: Renderer) -> None:
        assert rendered(beside, TEXTS) == expected(TEXTS)

    def test_each_batch_gets_its_own(self, beside: Renderer) -> None:
        for _number in range(3):
            for texts in ([], TEXTS[:1], TEXTS[2:3], TEXTS[1:]):
                assert rendered(beside, texts) == expected(texts)

    def test_more_text_than_a_pipe_holds(self, beside: Renderer) -> None:
        texts = [Text(f"{number} words " * 5000, "wordpress") for number in range(20)]
        assert rendered(beside, texts) == expected(texts)

    def test_nothing_is_asked_about_files_if_it_is_known_that_none_is_here(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture = "https://blog.example.org/wp-content/uploads/2014/03/a.png"
        with known_if_none_is_here(answer=True), a_renderer() as renderer:
            html = expected([Text(picture, "wordpress")])
            # What cannot be rendered beside, where there is no database, would be rendered here.
            here = rendered_here(monkeypatch)
            assert rendered(renderer, [Text(picture, "wordpress")]) == html
            assert here == []

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "source", ["[gallery ids='1']", '<sup data-fn="x" class="fn">1</sup>', '<!-- wp:block {"ref":1} /-->']
    )
    def test_what_names_rows_of_the_import_is_rendered_where_they_are_seen(
        self, monkeypatch: pytest.MonkeyPatch, source: str
    ) -> None:
        here = rendered_here(monkeypatch)
        with a_renderer() as fresh:
            rendered(fresh, [*TEXTS[:2], Text(source, "wordpress")])
        assert here == [source]


class TestComments:
    COMMENTS: ClassVar[list[Comment]] = [("One.\n\nTwo <b>three", True), ("One <b>", False), ("", True)]

    def test_they_are_those_of_rendering_here(self, beside: Renderer) -> None:
        for texts in (TEXTS, [], TEXTS[:1]):
            beside.begin(entries_of(texts), self.COMMENTS)
            assert beside.finish() == {comment: comment_html(*comment) for comment in self.COMMENTS}

    def test_a_batch_without_any_has_none_of_those_before(self, beside: Renderer) -> None:
        beside.begin(entries_of(TEXTS), self.COMMENTS)
        beside.finish()
        assert beside.finish() == {}
        beside.begin(entries_of(TEXTS))
        assert beside.finish() == {}

    def test_they_are_rendered_beside(self, beside: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(renderer, "render_comments", lambda comments: pytest.fail("rendered here"))
        beside.begin([], self.COMMENTS)
        assert len(beside.finish()) == len(self.COMMENTS)

    def test_an_import_goes_on_without_a_process_that_was_killed(self) -> None:
        with a_renderer() as alone:
            alone.begin([], self.COMMENTS)
            kill(alone)
            for _batch in range(2):
                assert alone.finish() == {comment: comment_html(*comment) for comment in self.COMMENTS}
                alone.begin([], self.COMMENTS)

    def test_one_that_was_started_ahead_answers_for_texts_only(self) -> None:
        with a_renderer(ahead=True) as early:
            expect(early, TestAhead.MANY * 5)
            assert early.finish() == {}
            early.begin(entries_of(TEXTS), self.COMMENTS)
            assert len(early.finish()) == len(self.COMMENTS)


class TestSharing:
    """What the process beside has not begun when it is wanted is rendered here, from the last on."""

    MANY: ClassVar[list[Text]] = [Text(f"Text *{number}*", "markdown") for number in range(100)]

    def test_nearly_all_if_it_does_not_get_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with a_renderer() as slow:
            rendered(slow, TEXTS)
            here = rendered_here(monkeypatch)
            with stopped(slow, then=signal.SIGCONT):
                assert rendered(slow, self.MANY, in_time=False) == expected(self.MANY)
        assert sorted(here) == sorted(text.source for text in self.MANY)

    def test_all_if_it_dies_of_it(self) -> None:
        with a_renderer() as dying:
            rendered(dying, TEXTS)
            with stopped(dying, then=signal.SIGKILL):
                assert rendered(dying, self.MANY, in_time=False) == expected(self.MANY)
            assert rendered(dying, self.MANY) == expected(self.MANY)

    def test_nothing_that_it_has_done_already(self, beside: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
        html = expected(self.MANY)
        here = rendered_here(monkeypatch)
        assert rendered(beside, self.MANY) == html
        assert here == []

    def test_what_both_have_rendered_is_taken_once(self, beside: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
        # As if it had begun the last half at the moment in which that was taken from it.
        monkeypatch.setattr(Beside, "take", lambda process, until: until - 50)
        assert rendered(beside, self.MANY) == expected(self.MANY)

    def test_what_neither_has_begun_is_rendered_in_the_end(
        self, beside: Renderer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        posts = entries_of(self.MANY)
        beside.begin(posts)
        assert beside._begun is not None
        beside._begun.hurry()
        monkeypatch.setattr(Beside, "take", lambda process, until: 0)
        beside.finish()
        assert [post.body_html for post in posts] == [body for _lead, body, _extract in expected(self.MANY)]

    @pytest.mark.parametrize(
        ("left", "next_"), [(1000, 20), (40, 20), (39, 20), (20, 10), (2, 1), (1, 1), (0, 0), (-5, 0)]
    )
    def test_few_are_begun_at_the_end(self, left: int, next_: int) -> None:
        assert together(left) == next_


@contextmanager
def stopped(running: Renderer, *, then: signal.Signals) -> Iterator[None]:
    """The process stands still for a moment; `then` goes on or ends."""
    number = process_of(running).pid or 0
    os.kill(number, signal.SIGSTOP)
    timer = Timer(0.3, os.kill, (number, then))
    timer.start()
    yield
    timer.join()


class TestAhead:
    MANY: ClassVar[list[Text]] = [Text(f"Text *{number}*", "markdown") for number in range(12)]

    @pytest.fixture(autouse=True)
    def _few_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(renderer, "_LEAST", 4)
        monkeypatch.setattr(renderer, "_MOST", 6)

    def test_what_was_rendered_ahead_is_not_rendered_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with a_renderer(ahead=True) as early:
            expect(early, self.MANY[:4])
            while early._is_busy:
                time.sleep(0.01)
            rendered(early, [])
            kill(early)
            here = rendered_here(monkeypatch)
            assert rendered(early, self.MANY) == expected(self.MANY)
            assert sorted(here) == sorted(text.source for text in self.MANY[4:])

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
    def test_if_there_is_not_time_for_all_it_is_for_some_of_each_part(self, offered: int, taken: list[int]) -> None:
        sample = renderer._Sample()
        for number in range(offered):
            sample.offer(Text(str(number), "html"))
        assert [int(text.source) for text in sample.texts] == taken

    def test_long_texts_are_fewer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(renderer, "_CHARACTERS", 100)
        sample = renderer._Sample()
        for _number in range(100):
            sample.offer(Text("x" * 40, "html"))
        assert 1 <= len(sample.texts) <= 2

    def test_what_comes_while_it_is_busy_waits_until_it_is_wanted(self) -> None:
        with a_renderer(ahead=True) as early:
            expect(early, self.MANY)
            assert rendered(early, self.MANY) == expected(self.MANY)

    def test_one_source_in_two_markups_is_two_texts(self) -> None:
        texts = [Text(text.source, "wordpress") for text in self.MANY[:4]]
        with a_renderer(ahead=True) as early:
            expect(early, self.MANY[:4])
            assert rendered(early, texts) == expected(texts)

    def test_nothing_is_rendered_ahead_that_nobody_may_want(self) -> None:
        with a_renderer() as late:
            expect(late, self.MANY)
            assert late._process is None

    def test_it_is_forgotten_if_files_have_come_since(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with a_renderer(ahead=True) as early:
            with known_if_none_is_here(answer=True):
                expect(early, self.MANY[:4])
            told = process_of(early)
            assert rendered(early, self.MANY[:4]) == expected(self.MANY[:4])
            assert not told.is_alive()
            assert process_of(early) is not told


class TestProcess:
    def test_a_small_import_starts_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(renderer, "WORTH_A_PROCESS", 1)
        with a_renderer(ahead=True) as small:
            expect(small, TEXTS)
            assert rendered(small, TEXTS) == expected(TEXTS)
            assert small._process is None

    def test_where_the_system_lets_none_start_all_is_rendered_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*, none_here: bool) -> Beside:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

        monkeypatch.setattr(renderer, "Beside", refused)
        with a_renderer(ahead=True) as alone:
            expect(alone, TestAhead.MANY * 10)
            alone.begin(posts := entries_of(TEXTS), TestComments.COMMENTS)
            assert len(alone.finish()) == len(TestComments.COMMENTS)
            assert [post.body_html for post in posts] == [body for _lead, body, _extract in expected(TEXTS)]
            assert rendered(alone, TEXTS) == expected(TEXTS)

    def test_nor_does_one_that_renders_nothing(self) -> None:
        with a_renderer() as idle:
            assert rendered(idle, []) == []
            assert idle._process is None

    def test_it_ends_when_all_is_rendered_and_after_an_error(self) -> None:
        with keeping() as kept:
            failing = Renderer(kept, 0, ahead=False)
            with pytest.raises(ZeroDivisionError), failing:  # noqa: PT012  # the error comes after the beginning
                failing.begin(entries_of(TEXTS))
                process = process_of(failing)
                raise ZeroDivisionError
        assert not process.is_alive()

    def test_an_import_goes_on_without_one_that_was_killed(self) -> None:
        with a_renderer() as alone:
            rendered(alone, TEXTS)
            kill(alone)
            for _batch in range(2):
                assert rendered(alone, TEXTS) == expected(TEXTS)

    def test_it_ends_when_the_import_is_killed(self) -> None:
        with subprocess.Popen(  # noqa: S603  # our own words
            [sys.executable, "-c", STARTS_ONE], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        ) as importing:
            assert importing.stdout is not None
            beside = int(importing.stdout.readline())
            assert is_running(beside)
            importing.send_signal(signal.SIGKILL)
        for _attempt in range(200):
            if not is_running(beside):
                break
            time.sleep(0.1)
        assert not is_running(beside)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody takes the dead away they stay listed.
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


class TestImport:
    def test_what_comes_in_is_rendered_in_any_number_of_batches(
        self, bring: Bring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(renderer, "_LEAST", 3)
        monkeypatch.setattr(entries, "_BATCH", 2)
        posts = [item(number, content=f"Text\n\nof {number}.", post_name="same") for number in range(1, 8)]
        bring(page(20, content="A page."), *posts, item(1, content="Text\n\nof 1.", post_name="same"))
        found = Post.objects.order_by("pk")
        assert [post.body_html for post in found] == [f"<p>Text</p>\n<p>of {n}.</p>" for n in range(1, 8)]
        assert [post.slug for post in found] == ["same", *(f"same-{number}" for number in range(2, 8))]
        assert Page.objects.get().body_html == "<p>A page.</p>"
