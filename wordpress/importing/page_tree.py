"""The tree of an export's pages, settled before any of them is stored: children may come before their parents."""

from collections.abc import Iterable, Sequence

from wordpress.importing.matching import KeyedItem
from wordpress.wxr.topology import parents_first


class PageTree:
    """The pages of an export by their position in it."""

    def __init__(self, outlines: Sequence[KeyedItem]) -> None:
        self._outlines = outlines
        # Of several pages with one ID the first counts.
        self._by_id: dict[int, int] = {}
        for item, key, index in outlines:
            if not key.is_repeated:
                self._by_id.setdefault(item.id, index)

    def parent_of(self, index: int) -> int | None:
        """Return the parent of a page; None if it has none or it is not in the export."""
        parent = self._outlines[index].item.parent
        return self._by_id.get(parent) if parent else None

    def sort(self, indices: Iterable[int]) -> tuple[list[int], set[int]]:
        """Sort pages so that parents come first, and public pages before others that want the same slug.

        Return also those whose parent must be ignored, because they would be their own ancestors.
        """
        indices = sorted(indices, key=lambda index: not self._is_public(index))
        return parents_first({index: self.parent_of(index) for index in indices})

    def _is_public(self, index: int) -> bool:
        item = self._outlines[index].item
        return item.status == "publish" and not item.password
