"""Reusable blocks in an export."""

from collections.abc import Iterator
from typing import Final

from wordpress.exporting.ids import ExportIds
from wordpress.markup.footnotes_and_blocks import count_blocks, replace_block_ids
from wordpress.markup.source_site import Origin
from wordpress.models import Fragment, FragmentKind
from wordpress.wxr.elements import item_element, text_to_html
from wordpress.wxr.post_types import REUSABLE_BLOCK

_CHUNK_SIZE: Final = 50


def block_items(ids: ExportIds) -> Iterator[str]:
    """Return an item for each reusable block."""
    for block in Fragment.objects.filter(kind=FragmentKind.BLOCK).order_by("pk").iterator(_CHUNK_SIZE):
        wp: dict[str, object] = {
            "post_id": ids.for_block(block.name, block.site),
            "status": "publish",
            "post_type": REUSABLE_BLOCK,
        }
        yield item_element(text_to_html(block.title), "", "", "", with_export_ids(block.text, block, ids), "", wp, [])


def with_export_ids(source: str, origin: Origin | Fragment, ids: ExportIds) -> str:
    """Return `source`, which comes from `origin`, with the IDs that its blocks have in the export."""
    # The site is looked up only where it makes a difference.
    ambiguous = [name for name in count_blocks(source) if ids.is_ambiguous_block(name)]
    return replace_block_ids(source, {name: ids.for_block(name, origin.site) for name in ambiguous})
