"""Translations as stored by Polylang: a term whose description is a serialised PHP array of IDs by language code."""

import re
from typing import Final

# No site has more languages, and no ID has more digits.
_MAX_LANGUAGES: Final = 200
_PAIR: Final = re.compile(r's:\d{1,3}:"([\w-]{1,20})";i:(\d{1,18});')


def parse_translations(description: str) -> dict[str, int]:
    """Return the IDs of texts by language code. Anything else in the array is ignored."""
    pairs = list(_PAIR.finditer(description[: _MAX_LANGUAGES * 60]))[:_MAX_LANGUAGES]
    return {pair[1]: int(pair[2]) for pair in pairs if int(pair[2])}
