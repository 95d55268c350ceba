"""Which files of the media library each entry shows or links to: an index that follows every change of an entry."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import batched
from typing import Any, Final

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from blog.models import Entry
from blog.permissions import may_view
from blog.rendering.images import alternative_texts, library_files
from core.changes import entries_changed
from core.languages import in_quotes
from core.prepared import Prepared, together
from media.models import Document, Picture, Upload
from media.uses import Use, UseFinder, Viewer

_BATCH: Final = 500
# The newest texts are enough to find descriptions of an image.
_MAX_TEXTS: Final = 20


_bodies = Prepared[tuple[int, str]](
    lambda pks: Entry.objects.filter(pk__in=pks).order_by().values_list("pk", "body_html")
)


class _Index:
    """The rows of the index for one kind of file: entries with the files in their texts, in this `column`."""

    def __init__(self, through: Any, model: type[Model], column: str) -> None:
        self._through, self._model, self._column = through, model, column
        self.rows_of = Prepared[tuple[int, int, int]](self._rows_of)

    def _rows_of(self, pks: Any) -> QuerySet[Any, tuple[int, int, int]]:
        rows: QuerySet[Any, Any] = self._through._default_manager.filter(entry__pk__in=pks).order_by()
        return rows.values_list("pk", "entry_id", self._column)

    def update(self, names: dict[int, set[str]], rows: Iterable[tuple[int, int, int]]) -> None:
        """Make these `rows` of some entries match the names of the files in their texts, by entry."""
        old = {(entry, file): pk for pk, entry, file in rows}
        wanted = set().union(*names.values())
        files = dict(self._model._default_manager.filter(file__in=wanted).values_list("file", "pk"))
        new = {(pk, files[name]) for pk, entry_names in names.items() for name in entry_names if name in files}
        if gone := [pk for pair, pk in old.items() if pair not in new]:
            self._through._default_manager.filter(pk__in=gone).delete()
        # Another process may have recorded the same files at the same time.
        added = [self._through(**{"entry_id": entry, self._column: file}) for entry, file in sorted(new - old.keys())]
        self._through._default_manager.bulk_create(added, ignore_conflicts=True)


_INDEXES: Final = (
    _Index(Entry.pictures.through, Picture, "picture_id"),
    _Index(Entry.documents.through, Document, "document_id"),
)


def update_media_index(ids: Collection[int]) -> None:
    """Record the files in the texts of the entries with these IDs."""
    for pks in batched(ids, _BATCH):
        of_indexes = ((index.rows_of, [list(pks)]) for index in _INDEXES)
        bodies, *recorded = together((_bodies, [list(pks)]), *of_indexes)
        names = {pk: library_files(html) for pk, html in bodies}
        for index, rows in zip(_INDEXES, recorded, strict=True):
            index.update(names, rows)


def _is_used(model: type[Upload]) -> Q:
    if model is Picture:
        in_texts = Entry.pictures.through._default_manager
        return (
            Q(Exists(in_texts.filter(picture=OuterRef("pk"))))
            | Q(Exists(in_texts.filter(picture__merged_into=OuterRef("pk"))))
            | Q(Exists(Entry.objects.filter(featured_picture=OuterRef("pk"))))
        )
    return Q(Exists(Entry.documents.through._default_manager.filter(document=OuterRef("pk"))))


def _find_uses(model: type[Upload], pks: Collection[int], viewer: Viewer) -> Mapping[int, list[Use]]:
    featured = set()
    if model is not Picture:
        pairs = [*Entry.objects.filter(documents__in=pks).order_by("pk").values_list("documents", "pk")]
    else:
        # A text that names a merged picture shows the one that it was merged into.
        rows: Any = Entry.pictures.through._default_manager.annotate(shown=Coalesce("picture__merged_into", "picture"))
        named = Q(picture__in=pks) | Q(picture__merged_into__in=pks)
        pairs = [*rows.filter(named, shown__in=pks).order_by("entry").values_list("shown", "entry")]
        featured = {*Entry.objects.filter(featured_picture__in=pks).values_list("featured_picture", "pk")}
    entries = Entry.objects.without_texts().in_bulk({pk for _file, pk in {*pairs, *featured}})
    uses: defaultdict[int, list[Use]] = defaultdict(list)
    for file, pk in dict.fromkeys([*sorted(featured), *pairs]):
        entry = entries[pk]
        is_seen = may_view(viewer, entry)
        title = f" {in_quotes(entry)}" if is_seen or entry.is_public else ""
        label = f"{entry._meta.verbose_name}{title} ({entry.get_status_display()})"
        if (file, pk) in featured:
            label = _("%(entry)s, as the featured image") % {"entry": label}
        url = reverse(f"admin:blog_{entry.kind}_change", args=[pk]) if is_seen else ""
        uses[file].append(Use(label, url))
    return uses


def _alternative_texts(picture: Picture, viewer: Viewer) -> list[str]:
    entries = Entry.objects.filter(pictures=picture).order_by("-pk")[:_MAX_TEXTS]
    seen = [each for each in entries if may_view(viewer, each) or (each.is_public and not each.is_locked)]
    return [text for each in seen for text in alternative_texts(each.body_html, str(picture.file.name))]


def _move(source: Picture, target: Picture) -> list[int]:
    """Make `target` the featured image of the entries that have `source`, and return their IDs."""
    ids = list(Entry.objects.filter(featured_picture=source).order_by("pk").values_list("pk", flat=True))
    _feature(target, ids)
    return ids


def _move_back(source: Picture, target: Picture, ids: Collection[int]) -> None:
    for some in batched(ids, _BATCH):
        _feature(target, list(Entry.objects.filter(pk__in=some, featured_picture=source).values_list("pk", flat=True)))


def _feature(picture: Picture, ids: Collection[int]) -> None:
    for some in batched(ids, _BATCH):
        Entry.objects.filter(pk__in=some).update(featured_picture=picture)
        entries_changed(some, have_same_texts=True)


USE_FINDER: Final = UseFinder(_is_used, _find_uses, _alternative_texts, _move, _move_back)
