"""The toolbar of the editor: its buttons, their shortcuts and icons. editor/formatting.js implements them."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Tool:
    """A button with a `label` and an `icon`, the stroked path of an SVG of 20 by 20 units.

    `keys` is pressed together with Ctrl or Cmd: a letter or a digit, optionally after `Shift+`. A tool that `inserts`
    something is also offered when someone types `/`.
    """

    name: str
    label: Any
    icon: str
    keys: str = ""
    inserts: bool = False
    is_markdown_only: bool = False


_TOOLS: Final = (
    Tool("bold", _("Bold"), "M6 4h5a3 3 0 0 1 0 6H6zM6 10h6a3 3 0 0 1 0 6H6z", "B"),
    Tool("italic", _("Italic"), "M9 4h5M6 16h5M12 4 8 16", "I"),
    Tool("heading", _("Heading"), "M5 4v12M15 4v12M5 10h10", "Shift+H", inserts=True),
    Tool(
        "link",
        _("Link"),
        "M8.5 11.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1-1",
        "K",
        inserts=True,
    ),
    # On a phone, where the row scrolls, the first eight are in view.
    Tool("image", _("Image"), "M3 4h14v12H3zM3 14l4-4 4 4 2.5-2.5L17 15M13 7.5h.01", inserts=True),
    Tool("quote", _("Quotation"), "M4 4v12M8 6h9M8 10h9M8 14h6", "Shift+9", inserts=True),
    Tool("list", _("List"), "M8 5h9M8 10h9M8 15h9M4 5h.01M4 10h.01M4 15h.01", "Shift+8", inserts=True),
    Tool(
        "numbered",
        _("Numbered list"),
        "M9 5h8M9 10h8M9 15h8M3.5 4 5 3.5V8M3.5 12.4c.3-1.2 2.5-1.2 2.5.2 0 1-2.5 2.4-2.5 3.4H6",
        "Shift+7",
        inserts=True,
    ),
    Tool("code", pgettext_lazy("of a program", "Code"), "M7 6 3 10l4 4M13 6l4 4-4 4", "E"),
    Tool("document", _("Document"), "M5 3h6l4 4v10H5zM11 3v4h4M8 11h4M8 14h4", inserts=True),
    Tool("table", _("Table"), "M3 4h14v12H3zM3 8h14M3 12h14M10 4v12", inserts=True),
    Tool("embed", _("Video or post from another site"), "M3 4h14v12H3zM8.5 7.5v5l4-2.5z", inserts=True),
    Tool("footnote", _("Footnote"), "M3 7h7M3 11h10M3 15h7M14.5 5 16 4v5", inserts=True, is_markdown_only=True),
    Tool("more", _("“Read more” break"), "M3 4h14M3 16h14M3 10h2M7.5 10h1M11.5 10h1M15 10h2", inserts=True),
    Tool("focus", _("Distraction-free writing"), "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4"),
    Tool("shortcuts", _("Keyboard shortcuts"), "M7 7.5a3 3 0 1 1 4.2 2.7c-.8.4-1.2.9-1.2 1.8M10 15.5h.01"),
)


def tools_for(markup: str) -> list[Tool]:
    """Return the buttons for a source in this markup. Everything but Markdown is written as HTML."""
    return [tool for tool in _TOOLS if markup == "markdown" or not tool.is_markdown_only]
