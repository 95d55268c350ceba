"""Show the progress of a long command: a bar on a terminal, otherwise lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from time import monotonic

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from core.progress_callback import ProgressCallback

# The exit code of a command that was interrupted, as in shells.
INTERRUPTED = 130
# Steps with smaller totals finish before anyone notices.
_MIN_TOTAL = 500
# In seconds: the longest interval between lines, and how long a step must run before its speed is meaningful. By then,
# one percent must be done as well.
_INTERVAL = 30.0
_MIN_TIME = 10.0


@contextmanager
def show_progress(stderr: OutputWrapper, interrupted: str = "", *, rate_of: str = "") -> Iterator[ProgressCallback]:
    """Return the function that shows progress. `interrupted` is the error message if the command is interrupted.

    The speed of the step `rate_of` is also shown.
    """
    try:
        if stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
            console = Console(stderr=True)
            with Progress(
                *columns, _RateColumn(rate_of), TimeRemainingColumn(), console=console, transient=True
            ) as bars:
                # A bar is hidden until its total is known.
                bar = cache(partial(bars.add_task, visible=False))
                yield lambda step, done, total: bars.update(bar(step), completed=done, total=total, visible=True)
        else:
            yield _Lines(stderr, rate_of).update
    except KeyboardInterrupt as interrupt:
        if not interrupted:
            raise
        raise CommandError(interrupted, returncode=INTERRUPTED) from interrupt


class _RateColumn(ProgressColumn):
    def __init__(self, step: str) -> None:
        super().__init__()
        self._step = step

    def render(self, task: Task) -> Text:
        return Text(_rate(task.speed) if task.speed and task.description == self._step else "")


@dataclass(slots=True)
class _Step:
    """When a step began, how much of it was already done then, and what was last written."""

    began: float
    done_before: int
    written: float
    tenths: int = 0


class _Lines:
    """Writes a line for each tenth of a step, and more often if the step is slow."""

    def __init__(self, stderr: OutputWrapper, rate_of: str) -> None:
        self._stderr = stderr
        self._rate_of = rate_of
        self._steps: dict[str, _Step] = {}

    def update(self, step: str, done: int, total: int) -> None:
        now = monotonic()
        state = self._steps.setdefault(step, _Step(now, done, now))
        tenths = done * 10 // total if total else 10
        is_next = total >= _MIN_TOTAL and tenths > state.tenths
        if not is_next and now - state.written < _INTERVAL:
            return
        state.tenths, state.written = tenths, now
        parts = [f"{step}: {done * 100 // total if total else 100}%"]
        took, gained = now - state.began, done - state.done_before
        if took >= _MIN_TIME and gained * 100 >= total > 0:
            if step == self._rate_of:
                parts += [f"{done:,}/{total:,}", _rate(gained / took)]
            parts.append(_("%s left") % timedelta(seconds=round((total - done) * took / gained)))
        self._stderr.write(", ".join(parts), style_func=str)


def _rate(per_second: float) -> str:
    return _("%s per second") % f"{per_second:,.1f}"
