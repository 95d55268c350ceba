"""How far a long command is: a bar on a terminal, else a line for each tenth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# Told how many are done, of how many.
type Tell = Callable[[int, int], None]
# Below this nobody waits.
_LONG = 500


@contextmanager
def shown(stderr: OutputWrapper, text: str) -> Iterator[Tell]:
    """Hands out what is to be told of each step."""
    if stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        with Progress(
            *columns, MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
        ) as bars:
            task = bars.add_task(text, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    else:
        yield _lines(stderr, text)


def _lines(stderr: OutputWrapper, text: str) -> Tell:
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenths = done * 10 // total if total else 10
        if total >= _LONG and tenths > told:
            told = tenths
            stderr.write(f"{text}: {tenths * 10} %", style_func=str)

    return tell
