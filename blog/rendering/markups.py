"""The markups that sources can be written in. Any app can register one in its `AppConfig.ready()`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Markup:
    """A format for sources, with the `label` that staff see.

    `renderer` turns a source, and the entry that it belongs to (None if there is none yet), into HTML. The HTML is not
    trusted: blog.rendering sanitises it. `check` raises SourceTooLongError for a source that would take too long.
    """

    label: str
    renderer: Callable[[str, object], str]
    check: Callable[[str], None] = lambda source: None


def find_problems(name: str, markup: Markup) -> Iterator[str]:
    """Try the renderer on an empty and a short source. Neither needs the database."""
    for source in ("", "a"):
        try:
            html: object = markup.renderer(source, None)
        except Exception as error:  # noqa: BLE001  # any error of a renderer is a problem to report
            yield f"Its renderer fails on the source {source!r}: {error!r}."
        else:
            if not isinstance(html, str):
                yield f"Its renderer returns {html!r} for the source {source!r}, which is not a string."


markups: Final[Registry[Markup]] = Registry("markup", find_problems)
