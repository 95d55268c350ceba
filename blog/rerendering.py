"""Rendering again what is stored: after the renderer changed, or after pictures came in that a text shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q

from blog.models import Page, Post
from blog.rendering import SourceTooLong, UnknownMarkup

_BATCH = 100
_RENDERED = ("lead_html", "body_html", "extract", "has_more")


@dataclass(slots=True)
class Rerendered:
    """What came of it: `refused` holds each entry that could not be rendered, with the reason."""

    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.changed + self.unchanged + len(self.refused)


def rerender(
    model: type[Post] | type[Page],
    result: Rerendered,
    *,
    markup: str = "",
    among: Q | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Render all posts or pages again, those in `markup` or `among` only if that is given, and count in `result`.

    Sources, and the moment of the last change, stay as they are. Each batch is a transaction of its own, so it can
    be stopped at any time and run again. The caller says content_changed() at the end. A text that somebody
    saves meanwhile keeps what that save made of it.
    """
    entries = model.objects.filter(among or Q())
    if markup:
        entries = entries.filter(markup=markup)
    for keys in _batches(list(entries.order_by("pk").values_list("pk", flat=True))):
        changed = []
        for entry in model.objects.filter(pk__in=keys):
            before = [getattr(entry, name) for name in _RENDERED]
            try:
                entry.render()
            except (SourceTooLong, UnknownMarkup) as reason:
                result.refused.append((f"{entry._meta.verbose_name} {entry.pk} “{entry}”", str(reason)))
                continue
            if before == [getattr(entry, name) for name in _RENDERED]:
                result.unchanged += 1
            else:
                changed.append(entry)
        with transaction.atomic():
            for entry in changed:
                as_read = model.objects.filter(pk=entry.pk, source=entry.source, markup=entry.markup)
                if as_read.update(**{name: getattr(entry, name) for name in _RENDERED}):
                    result.changed += 1
                else:
                    result.unchanged += 1
        progress(result.done)


def _batches(keys: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]
