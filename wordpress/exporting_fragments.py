"""Shared blocks in an export. It is one site's, so of blocks of several that had one number each gets its own."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final

from django.db.models import QuerySet

from wordpress.fragments import BLOCK, blocks_named, with_block_numbers
from wordpress.models import Fragment
from wordpress.origins import Origin
from wordpress.posttypes import REUSABLE_BLOCK
from wordpress.wxr import as_html, item

_CHUNK: Final = 50


class Blocks:
    """The shared blocks of an export."""

    def __init__(self, next_number: Callable[[], int]) -> None:
        self._next_number = next_number
        self._here = list(_blocks().values_list("site", "name"))

    @property
    def highest_number(self) -> int:
        return max((int(name) for _site, name in self._here), default=0)

    def renumbered(self, source: str, origin: Origin | Fragment) -> str:
        """`source`, from `origin`, with the numbers that the blocks which it shows have in the export."""
        several = [name for name in blocks_named(source) if len(self._numbers.get(name, ())) > 1]
        return with_block_numbers(source, {name: self._number(name, origin.site) for name in several})

    def items(self) -> Iterator[str]:
        """An item for each."""
        for block in _blocks().iterator(_CHUNK):
            number = self._numbers[block.name][block.site]
            wp: dict[str, object] = {"post_id": number, "status": "publish", "post_type": REUSABLE_BLOCK}
            yield item(as_html(block.title), "", "", "", self.renumbered(block.text, block), "", wp, [])

    @cached_property
    def _numbers(self) -> dict[str, dict[str, str]]:
        """By name, the number that each site's block leaves under. The first keeps its own."""
        numbers: dict[str, dict[str, str]] = {}
        for site, name in self._here:
            of_name = numbers.setdefault(name, {})
            of_name[site] = str(self._next_number()) if of_name else name
        return numbers

    def _number(self, name: str, site: str | None) -> str:
        """As wordpress.fragments.stored finds them."""
        numbers = self._numbers[name]
        return name if site is None else numbers.get(site) or numbers.get("", name)


def _blocks() -> QuerySet[Fragment]:
    return Fragment.objects.filter(kind=BLOCK).order_by("pk")
