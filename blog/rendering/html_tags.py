"""The tags of HTML of any quality, found in one pass, in linear time whatever it contains."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

# A tag or a comment. It ends where the HTML standard says, or at the end of the text. No character is scanned twice.
TAG: Final = re.compile(
    r"""<!--(?:-?>|.*?(?:--!?>|\Z))
    |(?:<[!?][^>]*+
        |<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)
        (?P<attributes>
            (?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s>]*+))?+)*+
        )
    )(?P<close>>?)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# Elements without content.
VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)


def raw_text_ends(names: Collection[str]) -> dict[str, re.Pattern[str]]:
    """Return what ends each of these elements, which contain no tags."""
    return {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in names}


def find_tags(source: str, ends: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[re.Match[str], str, str]]:
    """Yield all tags and comments with their lower-case names, and the text that is the content of a raw text element.

    The name of a comment is empty. `ends` has the elements that contain no tags (`raw_text_ends`).
    """
    position = 0
    while tag := TAG.search(source, position):
        position = tag.end()
        name, raw_text = (tag["name"] or "").lower(), ""
        if not tag["end"] and (end_pattern := ends.get(name)):
            end = end_pattern.search(source, position)
            raw_text = source[position : end.start() if end else len(source)]
            position += len(raw_text)
        yield tag, name, raw_text
