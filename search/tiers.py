"""Parts of documents by which hits are ranked, which an index can do without examining the text of each hit."""

from enum import StrEnum


class Tier(StrEnum):
    """Parts of a document, the best first. Each contains the one before it.

    The value marks the tokens of that part. No word begins with a mark, so a marked word is never another word.
    """

    TITLE = "="
    TAGS = "+"
    # Also the words that are frequent in the text.
    OFTEN = "~"
    ANYWHERE = ""
