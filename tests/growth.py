"""How the work grows with the text that it is done on."""

import time
from collections.abc import Callable


def grows_with_length(work: Callable[[str], object], text: str) -> bool:
    """Whether `text` takes about ten times the work of its first tenth, and not a hundred times.

    No time is asked for: both are measured on the same machine, in seconds of the processor alone.
    """

    def seconds(part: str) -> float:
        start = time.process_time()
        work(part)
        return time.process_time() - start

    # The second makes short times count little.
    return seconds(text) < 40 * seconds(text[: len(text) // 10]) + 1
