"""Looks for slow texts: renders hostile patterns in three lengths, and fails if any of them is slow. See README.md."""

import argparse
import gc
import math
import multiprocessing
import random
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

import scratch_site  # isort: split

from django.db import connection

from blog.rendering import SourceTooLongError, render
from comments.text import comment_html

LENGTHS: Final = (10_000, 30_000, 100_000)
# In seconds, for the longest text. Both are CPU seconds of a machine on which REFERENCE takes REFERENCE_SECONDS when
# nothing else runs. Each process measures REFERENCE too, since machines differ and may be busy.
LIMIT: Final = 1.0
INTERRUPT_AFTER: Final = 4.0
REFERENCE_SECONDS: Final = 0.014
# From the second length to the third, n log n grows with an exponent of 1.1. The rest allows for noise, and times
# below NOISE are nothing but noise.
MAX_EXPONENT: Final = 1.4
NOISE: Final = 0.1
PIECES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ORDINARY: Final = "People read this text, in which <b>nothing</b> is unusual: it's just long.\n\n"
REFERENCE: Final = ORDINARY * 400
# In characters: a multiple of the length of the source, plus a constant.
MAX_HTML: Final = (15, 1_500_000)


def rendered_length(source: str, markup: str) -> int:
    try:
        rendered = render(source, markup)
    except SourceTooLongError:
        return 0
    return max(len(rendered.lead_html), len(rendered.body_html))


RENDERERS: Final[dict[str, tuple[Callable[[str], int], tuple[str, ...]]]] = {
    "html": (lambda source: rendered_length(source, "html"), ("html",)),
    "wordpress": (lambda source: rendered_length(source, "wordpress"), ("wordpress", "html")),
    "markdown": (lambda source: rendered_length(source, "markdown"), ("markdown",)),
    "comment": (lambda text: len(comment_html(text, is_html=False)), ("comment",)),
    "html comment": (lambda text: len(comment_html(text, is_html=True)), ("comment",)),
}


class Pattern(NamedTuple):
    renderer: str
    piece: str
    closing: str = ""
    start: str = ""

    def __str__(self) -> str:
        return f"{self.renderer:<13}" + " … ".join(
            repr(part) for part in (self.start, self.piece, self.closing) if part
        )

    def text(self, length: int) -> str:
        """Return `start`, `piece` repeated, and `closing` repeated as often, about `length` characters in total."""
        start = self.start.replace("…", "x" * (length // 2))
        count = max(length - len(start), 0) // len(self.piece + self.closing)
        repeated = (piece.replace("№", str(number)) for piece in (self.piece, self.closing) for number in range(count))
        return (start + "".join(repeated))[:length]


class Measured(NamedTuple):
    """The seconds for the text of each length, and the length of the longest HTML."""

    pattern: Pattern
    seconds: list[float]
    html: int
    is_finished: bool

    @property
    def exponent(self) -> float:
        """The exponent with which the time grows from the second length to the third."""
        shorter, longer = (max(seconds, 1e-6) for seconds in self.seconds[-2:])
        return math.log(longer / shorter) / math.log(LENGTHS[-1] / LENGTHS[-2])

    def problem(self) -> str:
        if not self.is_finished:
            return f"interrupted after {INTERRUPT_AFTER:.0f} s"
        if self.seconds[-1] > LIMIT:
            return f"takes more than {LIMIT:.0f} s"
        if self.html > MAX_HTML[0] * LENGTHS[-1] + MAX_HTML[1]:
            return "has too much HTML"
        return "grows too fast" if self.seconds[-1] > NOISE and self.exponent > MAX_EXPONENT else ""


def patterns(mixtures: int) -> Iterator[Pattern]:
    rng = random.Random(16)  # noqa: S311  # test data needs no secrecy
    for renderer, (_render, names) in RENDERERS.items():
        pieces = [piece for name in names for piece in PIECES[name]["pieces"]]
        yield from (Pattern(renderer, piece) for piece in pieces)
        for name in names:
            yield from (Pattern(renderer, opening, closing) for opening, closing in PIECES[name]["pairs"])
            yield from (Pattern(renderer, piece, start=start) for start, piece in PIECES[name]["long"])
        for _mixture in range(mixtures):
            yield Pattern(renderer, "".join(rng.choices(pieces, k=rng.randint(2, 5))))


def measure(pattern: Pattern) -> Measured:
    """Measure in another process, which the kernel kills if it takes too long: signals don't interrupt C code."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=send_times, args=(pattern, sender))
    process.start()
    sender.close()
    seconds: list[float] = []
    html = 0
    try:
        while True:
            elapsed, length = receiver.recv()
            seconds.append(elapsed)
            html = max(html, length)
    except EOFError:
        process.join()
    is_finished = len(seconds) == len(LENGTHS)
    return Measured(pattern, seconds if is_finished else [*seconds, INTERRUPT_AFTER], html, is_finished)


def send_times(pattern: Pattern, sender: Connection) -> None:
    signal.setitimer(signal.ITIMER_PROF, 2 * INTERRUPT_AFTER)
    render_text = RENDERERS[pattern.renderer][0]
    # Work that is only done once is not measured.
    render_text("x")
    reference = min(cpu_seconds(lambda: rendered_length(REFERENCE, "wordpress"))[0] for _time in range(2))
    signal.setitimer(signal.ITIMER_PROF, INTERRUPT_AFTER * reference / REFERENCE_SECONDS)
    for length in LENGTHS:
        text = pattern.text(length)
        elapsed, html_length = cpu_seconds(partial(render_text, text))
        if elapsed < NOISE:
            elapsed = min(elapsed, cpu_seconds(partial(render_text, text))[0])
        sender.send((elapsed * REFERENCE_SECONDS / reference, html_length))


def cpu_seconds(action: Callable[[], int]) -> tuple[float, int]:
    """Return the CPU time of `action`, and its result."""
    gc.collect()
    started = time.process_time()
    result = action()
    return time.process_time() - started, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=RENDERERS, action="append", help="measure only this renderer")
    parser.add_argument("--mixtures", type=int, default=30, help="random mixtures per renderer (default: %(default)s)")
    parser.add_argument("--show", type=int, default=20, help="how many of the slowest to show (default: %(default)s)")
    args = parser.parse_args()
    scratch_site.migrate()
    connection.close()
    ordinary = {name: measure(Pattern(name, ORDINARY)).seconds[-1] for name in RENDERERS}
    print(f"{'seconds':>8}{'exponent':>9}{'× ordinary':>11}{'HTML':>8}")

    def show(each: Measured) -> None:
        ratio = each.seconds[-1] / ordinary[each.pattern.renderer]
        html = each.html / LENGTHS[-1]
        figures = f"{each.seconds[-1]:8.2f}{each.exponent:9.2f}{ratio:11.1f}{html:8.1f}"
        print(f"{figures}  {each.pattern}  {each.problem()}", flush=True)

    measured: list[Measured] = []
    for pattern in patterns(args.mixtures):
        if not args.only or pattern.renderer in args.only:
            each = measure(pattern)
            if each.problem():
                # Another process may have caused the delay.
                each = min(each, measure(pattern), key=lambda one: (not one.is_finished, one.seconds[-1]))
            if each.problem():
                show(each)
            measured.append(each)
    failed = sum(1 for each in measured if each.problem())
    print(f"{len(measured)} patterns in {len(LENGTHS)} lengths, {failed} of them slow. The slowest of the others:")
    others = [each for each in measured if not each.problem()]
    for each in sorted(others, key=lambda each: each.seconds[-1], reverse=True)[: args.show]:
        show(each)
    print("The longest HTML:")
    show(max(measured, key=lambda each: each.html))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
