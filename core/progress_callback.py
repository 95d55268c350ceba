"""What long work reports its progress to. Only commands load `core.progress`, which shows it."""

from collections.abc import Callable

# Takes the name of a step, how much of it is done, and the total. A command may have several steps.
type ProgressCallback = Callable[[str, int, int], None]
