"""Where in a document its words are. Hits rank by it: an index can say so without looking at the text of each."""

from enum import StrEnum


class Tier(StrEnum):
    """Parts of a document, the best first, of which each contains the one before it.

    The value marks the tokens of that part. No word begins with a mark, so a mark never makes it another word.
    """

    TITLE = "="
    TAGS = "+"
    # And those words of the text that it has often.
    OFTEN = "~"
    ANYWHERE = ""
