"""Rendering stored texts again, for example after a renderer has changed or an image in a text has been imported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import batched
from operator import attrgetter
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from blog.models import Entry
from blog.rendering import MAY_HAVE_WORDS, SourceTooLongError, UnknownMarkupError
from core.changes import entries_changed

_BATCH_SIZE: Final = 100
# The columns that readers see, and those that determine when to render again.
_HTML: Final = ("lead_html", "body_html", "auto_excerpt", "has_more", "word_count")
_VERSION: Final = ("source_digest", "render_version")
_html, _version = attrgetter(*_HTML), attrgetter(*_VERSION)


@dataclass(slots=True)
class RerenderResult:
    """The numbers of texts that were rendered again. `failed` has each text that can't be rendered, with the reason."""

    changed: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def processed(self) -> int:
        return self.changed + self.unchanged + len(self.failed)


def may_have_words() -> Q:
    """Return the condition for entries to whose HTML rendering may have added words, which depend on the language."""
    condition = Q(pk__in=[])
    for mark in MAY_HAVE_WORDS:
        condition |= Q(body_html__contains=mark)
    return condition


def rerender(
    entries: QuerySet[Any], result: RerenderResult, *, progress: Callable[[int], None] = lambda processed: None
) -> None:
    """Render `entries` again and count them in `result`.

    Sources and modification times stay as they are. Each batch is a transaction of its own, so this can be stopped at
    any time and run again. If someone saves an entry at the same time, what they saved is kept.
    """
    for pks in batched(entries.order_by("pk").values_list("pk", flat=True), _BATCH_SIZE):
        stale: list[tuple[Entry, tuple[str, ...]]] = []
        for entry in Entry.objects.filter(pk__in=pks):
            html, version = _html(entry), _version(entry)
            try:
                entry.render()
            except (SourceTooLongError, UnknownMarkupError) as error:
                result.failed.append((f"{entry._meta.verbose_name} {entry.pk} “{entry}”", str(error)))
                continue
            if _html(entry) != html:
                stale.append((entry, _HTML + _VERSION))
            elif _version(entry) != version:
                # Without the HTML, because writing that makes cached pages expire.
                stale.append((entry, _VERSION))
            else:
                result.unchanged += 1
        with transaction.atomic():
            changed = [entry.pk for entry, names in stale if _store(entry, names) and names != _VERSION]
            entries_changed(changed)
        result.changed += len(changed)
        result.unchanged += len(stale) - len(changed)
        progress(result.processed)


def _store(entry: Entry, names: tuple[str, ...]) -> bool:
    """Store the columns with these names, unless someone has changed the source or its language since it was read."""
    as_read = Entry.objects.filter(pk=entry.pk, source=entry.source, markup=entry.markup, language=entry.language)
    return bool(as_read.update(**{name: getattr(entry, name) for name in names}))
