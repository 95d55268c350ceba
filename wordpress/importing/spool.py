"""The items of an export on disk, so that the XML is parsed only once and a large export takes little memory."""

import os
import pickle
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain
from typing import IO, Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from core.slugs import is_reserved
from wordpress.importing.analysis import reason_to_skip
from wordpress.importing.matching import LAST_GUID_INDEX, KeyedItem, guid_sources
from wordpress.importing.referenced_files import FileReferences, find_references
from wordpress.importing.report import ATTACHMENTS, PAGES
from wordpress.wxr.post_types import GROUPINGS, PAGE_TYPES, SHARED_TAXONOMIES
from wordpress.wxr.records import REUSABLE_BLOCK, SECTION_GUID, TABLE, Item, parents_first
from wordpress.wxr.repair import InvalidExportError
from wordpress.wxr.values import usable_slug

# The size of a chunk of items, in characters, and of a chunk of references, in files.
_CHUNK_CHARACTERS: Final = 500_000
_CHUNK_FILES: Final = 500
# The size of an item without any text, in characters.
_EMPTY_ITEM: Final = 2000
_HASH_BITS: Final = (1 << 60) - 1


class Spooled[Value]:
    """Values that can be read any number of times, in the order in which they were added.

    They are pickled in chunks of about `chunk_size`, because pickling them one by one would take twice as long.
    """

    def __init__(self, spool: "Spool", chunk_size: int) -> None:
        self._spool = spool
        self._chunk_size = chunk_size
        self._positions: list[int] = []
        # The last values, which are not on disk yet.
        self._chunk: list[Value] = []
        self._size = 0

    def add(self, value: Value, size: int) -> None:
        self._chunk.append(value)
        self._size += size
        if self._size >= self._chunk_size:
            self._positions.append(self._spool.put(self._chunk))
            self._chunk, self._size = [], 0

    def chunks(self) -> Iterator[list[Value]]:
        """Yield the values in lists that fit into memory and into one transaction."""
        yield from map(self._spool.get, self._positions)
        if self._chunk:
            yield self._chunk

    def __iter__(self) -> Iterator[Value]:
        return chain.from_iterable(self.chunks())


class SpooledPages:
    """Pages, which can be read in any order by their position in the export, and the tree that they form.

    The tree must be known before any page is stored, as children may come before their parents. So `outlines`, the
    pages without their texts, are in memory.
    """

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool
        self._positions: list[int] = []
        self._by_id: dict[int, int] = {}
        # The top-level pages that are public or that an import has added above items of custom types, by slug.
        self._at_top: dict[str, int] = {}
        # How many items of each custom type are below each path.
        self._paths_above: defaultdict[str, Counter[str]] = defaultdict(Counter)
        # The terms, by taxonomy and slug, that group items of custom types; and by taxonomy, how often which type.
        self.terms: set[tuple[str, str]] = set()
        self._types_grouped: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.outlines: list[KeyedItem] = []

    def add(self, keyed: KeyedItem) -> None:
        self._positions.append(self._spool.put(keyed))
        outline = keyed.item._replace(
            content="", excerpt="", terms=(), meta=(), comments=(), elements=(), extension=None
        )
        self.outlines.append(keyed._replace(item=outline))
        if not keyed.is_repeated:
            # The first of several pages with the same ID counts.
            self._by_id.setdefault(outline.recorded_id, keyed.position)
            slug = usable_slug(outline.slug)
            is_section = outline.status == "publish" or outline.guid.startswith(SECTION_GUID)
            if slug and is_section and not (outline.parent or outline.custom_type):
                self._at_top.setdefault(slug, keyed.position)
            if outline.path_above and not outline.parent:
                self._paths_above[outline.custom_type][outline.path_above] += 1
            for ref in keyed.item.terms if outline.custom_type else ():
                if ref.slug and ref.taxonomy not in SHARED_TAXONOMIES:
                    self.terms.add((ref.taxonomy, ref.slug))
                    self._types_grouped[ref.taxonomy][outline.custom_type] += 1

    def __getitem__(self, index: int) -> KeyedItem:
        keyed: KeyedItem = self._spool.get(self._positions[index])
        return keyed

    def parent_of(self, index: int) -> int | None:
        """Return the position of a page's parent; None if it has none or its parent is not in the export."""
        item = self.outlines[index].item
        return self._by_id.get(item.parent) if item.parent else self._at_top.get(self.section_of(item))

    def section_of(self, item: Item) -> str:
        """Return the slug of the top-level page above an item of a custom type; an empty string if there is none."""
        if item.parent or not item.custom_type:
            return ""
        is_usual = item.path_above in {None, self._usual_path(item.custom_type)}
        return self.section_of_type(item.custom_type) if is_usual else ""

    def section_of_type(self, custom_type: str) -> str:
        """Return the slug of the top-level page usually above items of a type; an empty string if there is none.

        In WordPress, its URL is that of the type's archive.
        """
        slug = usable_slug(self._usual_path(custom_type).rpartition("/")[2]).strip("-")
        return "" if is_reserved(slug) or slug.isdecimal() else slug

    def section_of_taxonomy(self, taxonomy: str) -> str:
        """Return the slug of the page that lists the items grouped by a taxonomy; an empty string if there is none."""
        known_type = GROUPINGS.get(taxonomy, ("", ""))[0]
        # Another plugin may use the same name.
        types = self._types_grouped.get(taxonomy) or Counter([known_type])
        return self.section_of_type(types.most_common(1)[0][0])

    def _usual_path(self, custom_type: str) -> str:
        return self._usual_paths.get(custom_type) or PAGE_TYPES.get(custom_type, "")

    @cached_property
    def _usual_paths(self) -> dict[str, str]:
        """The path above at least half of the items of a custom type, if there is one."""
        usual = {name: paths.most_common(1)[0] for name, paths in self._paths_above.items()}
        return {name: path for name, (path, count) in usual.items() if count * 2 >= self._paths_above[name].total()}

    def without_section(self) -> dict[str, list[int]]:
        """Return the positions of custom-type items whose section has no page in the export, by the section's slug."""
        found: dict[str, list[int]] = {}
        for index, keyed in enumerate(self.outlines):
            section = self.section_of(keyed.item)
            if section and section not in self._at_top:
                found.setdefault(section, []).append(index)
        return found

    def sort(self, indices: Iterable[int]) -> tuple[list[int], set[int]]:
        """Sort pages by their claim to a slug, but parents first. Also return the pages whose parents form a cycle.

        Public pages come before others, then pages with a slug, then those that were pages on the old site.
        """
        items = {index: self.outlines[index].item for index in indices}
        # Drafts may have the slug of another page, or its title and no slug.
        by_claim = sorted(items, key=lambda index: _claim_to_slug(items[index]))
        return parents_first({index: self.parent_of(index) for index in by_claim})


def _claim_to_slug(item: Item) -> tuple[bool, bool, bool]:
    return item.status != "publish", not item.slug, bool(item.custom_type)


class _Seen:
    """The GUIDs and IDs of the items so far. A large export has hundreds of thousands."""

    def __init__(self) -> None:
        # The items by GUID, and the first file with each ID, as hashes.
        self._items_by_guid: dict[int, int] = {}
        self._files_by_id: dict[int, int] = {}
        # The IDs of posts and pages, as bits: 64 in a number. A set would take several times the memory.
        self._ids: defaultdict[int, int] = defaultdict(int)

    def file(self, item: Item) -> Item:
        """Return an attachment, without its ID if another file already has it."""
        file = _hash(item.attachment_url or item.guid)
        if not item.recorded_id or self._files_by_id.setdefault(item.recorded_id, file) == file:
            return item
        elements = dict(item.elements) | {"wp:post_id": "0"}
        return item._replace(id=0, recorded_id=0, elements=tuple(elements.items()))

    def keyed(self, item: Item) -> KeyedItem:
        """Return a post or page with its identity among the items so far."""
        # All items of an export have the same site, so it can be left out.
        guids = [_hash(source) for source in guid_sources(item)]
        identity = guids[-1]
        # Another item may already have the first of these GUIDs.
        found = (index for index, guid in enumerate(guids) if self._items_by_guid.get(guid, identity) == identity)
        index = next(found, LAST_GUID_INDEX)
        if guids[index] in self._items_by_guid:
            return KeyedItem(item, index, is_repeated=True)
        self._items_by_guid[guids[index]] = identity
        block, bit = item.recorded_id >> 6, 1 << (item.recorded_id & 63)
        is_first = not self._ids[block] & bit
        self._ids[block] |= bit
        return KeyedItem(item, index, is_first_with_id=is_first)


def _hash(text: str) -> int:
    """Return 60 bits of a hash. All 64 would take half as much memory again."""
    return hash(text) & _HASH_BITS


class Spool:
    """The items of an export, grouped by how they are imported (`skipped` are not), and other pickled values."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._seen = _Seen()
        self.posts = Spooled[KeyedItem](self, _CHUNK_CHARACTERS)
        self.pages = SpooledPages(self)
        self.attachments = Spooled[Item](self, _CHUNK_CHARACTERS)
        self.reusable_blocks = Spooled[Item](self, _CHUNK_CHARACTERS)
        self.tables = Spooled[Item](self, _CHUNK_CHARACTERS)
        self.skipped = Spooled[Item](self, _CHUNK_CHARACTERS)
        # The files that items refer to.
        self.references = Spooled[FileReferences](self, _CHUNK_FILES)

    def put(self, value: object) -> int:
        """Store `value` and return its position. Raises InvalidExportError if the disk is full."""
        try:
            position = self._file.seek(0, os.SEEK_END)
            pickle.dump(value, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):
                # Otherwise closing the file later would try to write the rest again.
                self._file.close()
            text = _("An import needs as much free disk space as the size of the export, and there is too little: %s.")
            raise InvalidExportError(text % (error.strerror or error)) from error
        return position

    def get(self, position: int) -> Any:
        self._file.seek(position)
        return pickle.load(self._file)  # noqa: S301  # no other process can write to it

    def add(self, item: Item) -> None:
        size = _EMPTY_ITEM + item.characters
        if item.type == ATTACHMENTS:
            self.attachments.add(self._seen.file(item), size)
        elif item.type == REUSABLE_BLOCK:
            self.reusable_blocks.add(item, size)
        elif item.type == TABLE:
            self.tables.add(item, size)
        elif reason_to_skip(item):
            self.skipped.add(item, size)
        elif item.type == PAGES:
            self.pages.add(self._seen.keyed(item)._replace(position=len(self.pages.outlines)))
        else:
            self.posts.add(self._seen.keyed(item), size)
        if references := find_references(item):
            files = len(references.files) + len(references.picture_ids) + len(references.in_comments)
            self.references.add(references, files)

    def end(self) -> None:
        """Call this when all items have been added, to free the memory that is only needed until then."""
        self._seen = _Seen()


@contextmanager
def open_spool() -> Iterator[Spool]:
    """Yield an empty spool, which is deleted afterwards."""
    # The system's temporary folder may be in memory.
    with tempfile.TemporaryFile(dir=settings.BROADSIDE_IMPORTS_DIR) as file:
        yield Spool(file)
