"""Show the progress of a long command: a bar on a terminal, otherwise a line for each tenth."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

from django.core.management.base import CommandError, OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# The exit code of a command that was interrupted, as in shells.
INTERRUPTED = 130
# Takes the name of a step, how much of it is done, and the total. A command may have several steps.
type ProgressCallback = Callable[[str, int, int], None]
# Smaller totals are done before anyone waits for them.
_MIN_TOTAL = 500


@contextmanager
def show_progress(stderr: OutputWrapper, interrupted: str = "") -> Iterator[ProgressCallback]:
    """Return the function that shows progress. `interrupted` is the error message if the command is interrupted."""
    try:
        if stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn())
            with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
                # A bar is not shown before its total is known.
                bar = cache(partial(bars.add_task, visible=False))
                yield lambda step, done, total: bars.update(bar(step), completed=done, total=total, visible=True)
        else:
            yield partial(_write_tenths, stderr, Counter())
    except KeyboardInterrupt as interrupt:
        if not interrupted:
            raise
        raise CommandError(interrupted, returncode=INTERRUPTED) from interrupt


def _write_tenths(stderr: OutputWrapper, shown: Counter[str], step: str, done: int, total: int) -> None:
    tenths = done * 10 // total if total else 10
    if total >= _MIN_TOTAL and tenths > shown[step]:
        shown[step] = tenths
        stderr.write(f"{step}: {tenths * 10}%", style_func=str)
