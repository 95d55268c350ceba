"""How far a long command is: a bar on a terminal, else a line for each tenth."""

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

# Told what is going on, how much of it is done, of how much. A command may have several things to do.
type Tell = Callable[[str, int, int], None]
# Below this nobody waits.
_LONG = 500


@contextmanager
def shown(stderr: OutputWrapper) -> Iterator[Tell]:
    """Hands out what is to be told of each step."""
    if stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        more = (MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, *more, console=Console(stderr=True), transient=True) as bars:
            yield _bars(bars)
    else:
        yield _lines(stderr)


def _bars(bars: Progress) -> Tell:
    tasks: dict[str, TaskID] = {}

    def tell(text: str, done: int, total: int) -> None:
        if text not in tasks:
            tasks[text] = bars.add_task(text, total=total)
        bars.update(tasks[text], completed=done, total=total)

    return tell


def _lines(stderr: OutputWrapper) -> Tell:
    told: Counter[str] = Counter()

    def tell(text: str, done: int, total: int) -> None:
        tenths = done * 10 // total if total else 10
        if total >= _LONG and tenths > told[text]:
            told[text] = tenths
            stderr.write(f"{text}: {tenths * 10} %", style_func=str)

    return tell
