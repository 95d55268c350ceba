"""What the name of a tag determines: how it is identified, found, sorted and put into a URL."""

import unicodedata
from typing import Final

from core.slugs import slugify
from core.text import fold
from tags.letters import letter_of, sort_key_of

# For names such as `🎉`, which no slug can be made from.
_FALLBACK_SLUG: Final = "tag"
MAX_LENGTH: Final = 200
MAX_KEY_LENGTH: Final = 600
MAX_SORT_KEY_LENGTH: Final = 100
# The columns that a name determines.
NAME_FIELDS: Final = ("name", "key", "search_key", "initial", "sort_key")


def tag_key(name: str) -> str:
    """Return the key that identifies the tag of `name`: `COÖPERATION ` and `coöperation` have the same key.

    The database can't do this, as SQLite ignores the case of ASCII letters only.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Normalising can turn one letter into eighteen, so the key is cut to the length of its column.
    return " ".join(folded.split())[:MAX_KEY_LENGTH]


def search_key(name: str) -> str:
    """Return the key that searches compare: the name without case and accents, as in `cooperation`."""
    return fold(name)[:MAX_KEY_LENGTH] or tag_key(name)


def keys_of(name: str) -> dict[str, str]:
    """Return the columns of a tag that follow from its name, with their values."""
    sort_key = sort_key_of(name)[:MAX_SORT_KEY_LENGTH]
    return {
        "key": tag_key(name),
        "search_key": search_key(name),
        "initial": letter_of(sort_key),
        "sort_key": sort_key,
    }


def slug_base(name: str) -> str:
    """Return the slug of a tag with this name, unless that is taken."""
    return (slugify(name) or _FALLBACK_SLUG)[:MAX_LENGTH].strip("-")
