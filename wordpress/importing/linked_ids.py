"""The post IDs in links of an export. An ID that occurs in a link must not be given to anything else."""

import re
from functools import cache
from typing import Final

from wordpress.wxr.records import Item
from wordpress.wxr.values import ENTRY_FORMS, id_in_url, parse_id

_NAMES: Final = "|".join(ENTRY_FORMS)


def highest_linked_id(item: Item, host: str) -> int:
    """Return the highest ID in the URLs of `item`, and in its links to a blog at `host`; 0 if there is none."""
    # Few texts have such links, and this check is faster than the pattern.
    may_have_links = any(f"{name}=" in item.content for name in ENTRY_FORMS)
    in_text = map(parse_id, _links(host).findall(item.content) if may_have_links else ())
    return max(id_in_url(item.link), id_in_url(item.guid), *in_text)


@cache
def _links(host: str) -> re.Pattern[str]:
    """Return the pattern of links with an ID, either on `host` or without a host."""
    start = rf"(?://(?:www\.)?{re.escape(host.removeprefix('www.'))}|[\"'])" if host else "[\"']"
    return re.compile(
        rf"""{start}(?:/[^\s"'<>?]{{0,200}})?\?(?:[^\s"'<>]{{0,200}}[&;])?(?:{_NAMES})=([0-9]{{1,19}})(?![0-9])""",
        re.IGNORECASE,
    )
