"""Under which numbers files leave: those that they came with, by which texts name them, as far as these are free."""

from collections.abc import Callable, Iterator, Sequence
from itertools import batched

from django.db.models import Max, QuerySet

from blog.models import Page, Post
from library.models import Document, Picture, Upload
from wordpress.models import Attachment
from wordpress.numbers import entries_of

_CHUNK = 200


class FileNumbers:
    def __init__(self, next_free: Callable[[], int]) -> None:
        self._next_free = next_free
        self._taken: set[int] = set()
        came_with = Attachment.objects.values("wordpress_id")
        for model in (Post, Page):
            self._taken.update(model.objects.filter(pk__in=came_with).values_list("pk", flat=True).iterator())
        self._numbers: dict[tuple[type[Upload], int], int] = {}
        columns = ("wordpress_id", "picture_id", "document_id")
        for number, picture, document in Attachment.objects.with_file().order_by("pk").values_list(*columns).iterator():
            key = (Picture, picture) if picture else (Document, document)
            if key not in self._numbers and number not in self._taken:
                self._numbers[key] = number
                self._taken.add(number)

    def of(self, model: type[Upload], pk: int) -> int:
        """The number of a picture or document, the same each time it is asked for."""
        if (model, pk) not in self._numbers:
            self._numbers[model, pk] = self._next_free()
        return self._numbers[model, pk]

    def of_missing(self, attachment: Attachment) -> int:
        """The number of an attachment whose file is not here."""
        if attachment.wordpress_id in self._taken:
            return self._next_free()
        self._taken.add(attachment.wordpress_id)
        return attachment.wordpress_id


def highest_number() -> int:
    return Attachment.objects.aggregate(highest=Max("wordpress_id"))["highest"] or 0


def uploads_with_origins(
    model: type[Picture | Document],
) -> Iterator[tuple[Picture | Document, Attachment | None, Post | Page | None]]:
    """Each upload, what came with it if it was imported, and the entry that it belongs to."""
    uploads: QuerySet[Picture | Document] = model._default_manager.order_by("pk").prefetch_related("attachments")
    for some in batched(uploads.iterator(_CHUNK), _CHUNK, strict=False):
        origins = [min(upload.attachments.all(), key=lambda each: each.pk, default=None) for upload in some]
        parents = _parents([origin for origin in origins if origin])
        for upload, origin in zip(some, origins, strict=True):
            yield upload, origin, parents.get(origin.pk) if origin else None


def missing_with_parents() -> Iterator[tuple[Attachment, Post | Page | None]]:
    """Each attachment whose file is not here, and the entry that it belongs to."""
    missing = Attachment.objects.without_file().select_related("uploaded_by").order_by("pk")
    for some in batched(missing.iterator(_CHUNK), _CHUNK, strict=False):
        parents = _parents(some)
        for attachment in some:
            yield attachment, parents.get(attachment.pk)


def _parents(attachments: Sequence[Attachment]) -> dict[int, Post | Page]:
    found: dict[int, Post | Page] = {}
    for site in {attachment.site for attachment in attachments}:
        of_site = [each for each in attachments if each.site == site and each.parent]
        entries = entries_of(site, {each.parent for each in of_site})
        found |= {each.pk: entries[each.parent] for each in of_site if each.parent in entries}
    return found
