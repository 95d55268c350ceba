"""The markups that sources may be written in, as settings.BROADSIDE_MARKUPS names them.

Each is a function from a source, and the post or page that it is of (None if it is of none yet), to HTML that nobody
trusts. Any app may offer one; none is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


class UnknownMarkup(LookupError):  # noqa: N818  # says what is wrong
    """No such markup in settings.BROADSIDE_MARKUPS."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no markup {name!r} in settings.BROADSIDE_MARKUPS.")


@dataclass(frozen=True, slots=True)
class Markup:
    """A way to write a source. `path` is the dotted path of its renderer."""

    name: str
    path: str

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").title()

    def to_html(self, source: str, entry: object = None) -> str:
        """The HTML of `source`, not sanitised. The renderer is imported when first needed."""
        html: str = import_string(self.path)(source, entry)
        return html


def get_markups() -> Mapping[str, Markup]:
    """All markups by name, in the order of the setting."""
    return {name: Markup(name, path) for name, path in settings.BROADSIDE_MARKUPS.items()}
