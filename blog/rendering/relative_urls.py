"""Relative URLs in rendered texts, such as `../other/`: relative to the entry's own URL, wherever the text is shown.

They are resolved when a text is shown and not when it is rendered, because an entry can move to another URL, and many
have none yet when they are rendered.
"""

import re
from html import escape, unescape
from typing import Final
from urllib.parse import urljoin

# A value that names neither a scheme, nor a path from the root, nor only a part of the page. Its attribute is checked
# only after the value has been found, which is much faster.
_RELATIVE: Final = re.compile(
    r'="(?:(?<=\shref=")|(?<=\ssrc=")|(?<=\scite="))(?!["/#]|[A-Za-z][A-Za-z0-9+.-]*+:)([^"]*+)"'
)
_TAG: Final = re.compile(r"<[a-z][^<>]*+>")


def resolve_relative_urls(html: str, base: str) -> str:
    """Return sanitised `html` with its relative URLs resolved against the path `base`. Links to fragments stay."""
    if not _RELATIVE.search(html):
        return html

    def resolve(value: re.Match[str]) -> str:
        # Nothing is above the root, and two slashes at the start would name a host.
        path = urljoin(base, unescape(value[1])).lstrip("/")
        return f'="/{escape(path)}"'

    return _TAG.sub(lambda tag: _RELATIVE.sub(resolve, tag[0]), html)
