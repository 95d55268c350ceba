"""Show the progress of a long command: a bar on a terminal, otherwise a line for each tenth."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

# Takes the name of a step, how much of it is done, and the total. A command may have several steps.
type ProgressCallback = Callable[[str, int, int], None]
# Smaller totals are done before anyone waits for them.
_MIN_TOTAL = 500


@contextmanager
def show_progress(stderr: OutputWrapper) -> Iterator[ProgressCallback]:
    """Return the function that the command calls as it makes progress."""
    if stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        more = (MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, *more, console=Console(stderr=True), transient=True) as bars:
            yield _update_bars(bars)
    else:
        yield _write_lines(stderr)


def _update_bars(bars: Progress) -> ProgressCallback:
    tasks: dict[str, TaskID] = {}

    def update(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)

    return update


def _write_lines(stderr: OutputWrapper) -> ProgressCallback:
    written: Counter[str] = Counter()

    def update(step: str, done: int, total: int) -> None:
        tenths = done * 10 // total if total else 10
        if total >= _MIN_TOTAL and tenths > written[step]:
            written[step] = tenths
            stderr.write(f"{step}: {tenths * 10}%", style_func=str)

    return update
