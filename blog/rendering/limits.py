"""How long a source may be."""

from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext

# In characters. A long report has 200,000, and no one would read ten reports on one page.
MAX_SOURCE_LENGTH: Final = 500_000


class SourceTooLongError(ValueError):
    """A source is longer than MAX_SOURCE_LENGTH. The message is meant for its author."""

    def __init__(self, length: int) -> None:
        message = gettext(
            "This text is too long: it has %(length)s characters, and the limit is %(limit)s."
            " Shorten it or split it into several posts."
        )
        counts = {"length": length, "limit": MAX_SOURCE_LENGTH}
        super().__init__(message % {name: number_format(n, force_grouping=True) for name, n in counts.items()})


class TooManyLinesError(SourceTooLongError):
    """A source has more lines than its markup allows. The message is meant for its author."""

    def __init__(self, lines: int, limit: int) -> None:
        message = gettext(
            "This text has too many lines: it has %(lines)s, and the limit is %(limit)s."
            " Shorten it or split it into several posts."
        )
        counts = {"lines": lines, "limit": limit}
        ValueError.__init__(self, message % {name: number_format(n, force_grouping=True) for name, n in counts.items()})
