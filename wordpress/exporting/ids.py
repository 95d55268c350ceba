"""The post IDs of an export. Every object keeps the ID by which texts refer to it if that ID is free.

In WordPress, attachments and blocks have IDs from the same sequence as posts and pages. Here, attachments or blocks of
several imported sites may have the same ID, or the ID of a post or page.
"""

from functools import cached_property
from itertools import count
from typing import Any

from django.db.models import Max

from blog.models import Entry
from core.bulk import fetch_rows, max_pk
from media.models import Document, Picture, Upload
from wordpress.importing.preserved import preserved_items
from wordpress.markup.footnotes_and_blocks import Origin, count_blocks, replace_block_ids
from wordpress.models import Attachment, Fragment, FragmentKind
from wordpress.wxr.values import MAX_ID, recorded_id


class ExportIds:
    def __init__(self) -> None:
        self._blocks = list(Fragment.objects.filter(kind=FragmentKind.BLOCK).order_by("pk").values_list("site", "name"))
        numbered = Attachment.objects.filter(wordpress_id__lt=MAX_ID)
        highest_attachment = numbered.aggregate(highest=Max("wordpress_id"))["highest"] or 0
        highest_block = max((int(name) for _site, name in self._blocks), default=0)
        items = preserved_items().exclude(wordpress_id=0).order_by("pk")
        # In order.
        self._items = dict.fromkeys(items.values_list("site", "wordpress_id"))
        highest_item = max((wordpress_id for _site, wordpress_id in self._items), default=0)
        self._new_ids = count(max(max_pk(Entry), highest_attachment, highest_block, highest_item) + 1)
        self._uploads: dict[tuple[type[Upload], int], int] = {}
        imported = Attachment.objects.from_items().values("wordpress_id")
        self._taken = set(Entry.objects.filter(pk__in=imported).values_list("pk", flat=True).iterator())
        columns = ("wordpress_id", "picture_id", "document_id")
        wordpress_id: Any
        self._with_file: set[int] = set()
        rows = Attachment.objects.from_items().with_file().order_by("pk").values_list(*columns)
        for wordpress_id, picture_id, document_id in rows.iterator():
            self._with_file.add(wordpress_id)
            key = (Picture, picture_id) if picture_id else (Document, document_id)
            if key not in self._uploads and wordpress_id not in self._taken and wordpress_id < MAX_ID:
                self._uploads[key] = wordpress_id
                self._taken.add(wordpress_id)

    def for_new(self) -> int:
        """Return the ID of an item that only exports contain."""
        return next(self._new_ids)

    def for_upload(self, model: type[Upload], pk: int) -> int:
        """Return the ID of a picture or document."""
        if (model, pk) not in self._uploads:
            self._uploads[model, pk] = next(self._new_ids)
        return self._uploads[model, pk]

    def for_missing_file(self, attachment: Attachment) -> int:
        """Return the ID of an attachment whose file is not on this site."""
        wordpress_id = attachment.wordpress_id
        if wordpress_id is None or wordpress_id in self._taken:
            return next(self._new_ids)
        self._taken.add(wordpress_id)
        return self._replaced[wordpress_id] if wordpress_id >= MAX_ID else wordpress_id

    def for_missing_image(self, exported: str) -> str:
        """Return the ID of a featured image whose file is not on this site, and whose ID was `exported`."""
        wordpress_id = recorded_id(exported)
        return str(self._replaced.get(wordpress_id, exported)) if wordpress_id >= MAX_ID else exported

    def has_file(self, wordpress_id: int) -> bool:
        """Return whether this site has the file of the attachment that an import found under this ID."""
        return wordpress_id in self._with_file

    def has_preserved_item(self, site: str, wordpress_id: int) -> bool:
        """Return whether an item of `site` with this ID is preserved."""
        return (site, wordpress_id) in self._items

    def for_preserved_item(self, site: str, wordpress_id: int) -> int:
        """Return the ID of a preserved item of `site`."""
        return self._moved_items.get((site, wordpress_id), wordpress_id)

    def for_block(self, name: str, site: str | None) -> str:
        """Return the ID of the block that a text of `site` calls `name` (wordpress.markup.footnotes_and_blocks)."""
        by_site = self._block_ids.get(name, {})
        return name if site is None else by_site.get(site) or by_site.get("", name)

    def with_block_ids(self, source: str, origin: Origin | Fragment) -> str:
        """Return `source`, a text of `origin`, with the IDs that its blocks have in the export."""
        # The site is looked up only if several sites have a block of that name.
        ambiguous = [name for name in count_blocks(source) if len(self._block_ids.get(name, ())) > 1]
        return replace_block_ids(source, {name: self.for_block(name, origin.site) for name in ambiguous})

    @cached_property
    def _replaced(self) -> dict[int, int]:
        """New IDs for missing files whose IDs were not numbers, by the numbers under which these were recorded."""
        recorded = Attachment.objects.without_file().filter(wordpress_id__gte=MAX_ID).order_by("wordpress_id")
        wordpress_ids: Any = recorded.values_list("wordpress_id", flat=True).distinct()
        return dict(zip(wordpress_ids, self._new_ids, strict=False))

    @cached_property
    def _moved_items(self) -> dict[tuple[str, int], int]:
        """The new IDs of preserved items whose own IDs belong to other objects."""
        taken = {int(name) for _site, name in self._blocks}
        for model, field in ((Entry, "pk"), (Attachment, "wordpress_id")):
            wordpress_ids = (wordpress_id for _site, wordpress_id in self._items)
            taken |= {found for (found,) in fetch_rows(model, field, wordpress_ids, field)}
        moved = {}
        for key in self._items:
            if key[1] in taken:
                moved[key] = next(self._new_ids)
            taken.add(key[1])
        return moved

    @cached_property
    def _block_ids(self) -> dict[str, dict[str, str]]:
        """The IDs of blocks by name and site. The first of several blocks with the same name keeps it as its ID."""
        ids: dict[str, dict[str, str]] = {}
        for site, name in self._blocks:
            by_site = ids.setdefault(name, {})
            by_site[site] = str(next(self._new_ids)) if by_site else name
        return ids
