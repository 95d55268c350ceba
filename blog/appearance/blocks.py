"""The blocks of the sidebar: the kinds that apps register, and the blocks that an owner chooses, in order."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.dashboard import find_missing_template
from core.models import SiteSettings
from core.prepared import Prepared
from core.registry import Registry
from core.text import parse_id

# More than any site needs.
MAX_BLOCKS: Final = 30

type Options = Mapping[str, Any]
# The kind of a block, its title and its options, as a document stores them.
type Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SidebarBlock:
    """A kind of block, rendered with `template`, which gets `block` with its `lines`, `key`, `title` and `options`.

    `rows` is the block's part of the query, which takes the time and must not depend on comments. `arrange` turns the
    rows, which come in any order, into lines, and `choose` returns the lines that a block with these options shows. The
    template of a block with lines may show only these and `current`, the URL of the page if a line has it. A block
    without `rows` consists of its template alone, which is rendered for each page, or only once if it
    `is_same_on_every_page`. In that case, `context` may return further context for the template, which must not depend
    on comments.

    The admin calls it `label` and shows a form with its `options`. If all of its `contents`, the names of options,
    are empty, readers don't see the block. Every site starts with the blocks that are `is_default`, those with a lower
    `order` first. Only `is_repeatable` blocks can be used more than once.
    """

    template: str
    rows: Prepared[Any] | None = None
    arrange: Callable[[Sequence[Any]], Sequence[Any]] = tuple
    choose: Callable[[Sequence[Any], Options], Sequence[Any]] = lambda lines, options: lines
    is_same_on_every_page: bool = False
    label: str | Promise = ""
    options: Mapping[str, forms.Field] = field(default_factory=dict)
    contents: tuple[str, ...] = ()
    context: Callable[[SiteSettings, Options], dict[str, Any]] = lambda site, options: {}
    is_default: bool = True
    order: int = 100
    is_repeatable: bool = False

    @property
    def default_options(self) -> dict[str, Any]:
        return {name: option.initial for name, option in self.options.items()}

    def is_empty(self, options: Options) -> bool:
        return bool(self.contents) and not any(str(options.get(name) or "").strip() for name in self.contents)


sidebar_blocks: Final[Registry[SidebarBlock]] = Registry("sidebar block", find_missing_template)


def default_blocks() -> list[Block]:
    return [_block(kind) for kind, block in _in_order() if block.is_default]


def _in_order() -> list[tuple[str, SidebarBlock]]:
    return sorted(sidebar_blocks.items(), key=lambda pair: pair[1].order)


def _block(kind: str) -> Block:
    return {"kind": kind, "title": "", "options": sidebar_blocks[kind].default_options}


class BlockForm(forms.Form):
    """The title and options of a block. The values in `raw` may be invalid."""

    title = forms.CharField(label=_("Title"), required=False, max_length=100)

    def __init__(self, raw: Block, prefix: str = "block") -> None:
        values = {"title": raw["title"], **raw["options"]}
        super().__init__({f"{prefix}-{name}": value for name, value in values.items()}, prefix=prefix, label_suffix="")
        self.fields |= {name: deepcopy(option) for name, option in sidebar_blocks[raw["kind"]].options.items()}

    def block(self, kind: str) -> Block:
        """Return the block, with defaults in place of invalid values."""
        self.full_clean()
        defaults = sidebar_blocks[kind].default_options
        options = {name: self.cleaned_data.get(name, default) for name, default in defaults.items()}
        return {"kind": kind, "title": self.cleaned_data.get("title", ""), "options": options}


def read_blocks(stored: object) -> list[Block]:
    """Return the stored blocks of kinds that exist, with defaults in place of invalid values."""
    listed = stored if isinstance(stored, list) else []
    raw = [_raw(each) for each in listed[:MAX_BLOCKS] if isinstance(each, dict)]
    return [BlockForm(each).block(each["kind"]) for each in raw if each["kind"] in sidebar_blocks]


def _raw(stored: Mapping[str, Any]) -> Block:
    options = stored.get("options")
    return {
        "kind": str(stored.get("kind")),
        "title": stored.get("title"),
        "options": options if isinstance(options, dict) else {},
    }


class BlocksWidget(forms.Widget):
    """A list of blocks. Buttons that submit the form move them, even without JavaScript (see `rearrange`)."""

    template_name = "admin/blog/_blocks.html"
    use_fieldset = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Block]:
        if not isinstance(data, QueryDict):
            # Stored blocks, which `read_blocks` has made valid.
            return list(data.get(name) or [])
        kinds = {number: data.get(f"{name}-{number}-kind", "") for number in data.getlist(name)}
        return [_from_form(data, f"{name}-{number}", kind) for number, kind in kinds.items() if kind in sidebar_blocks]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        blocks = value or default_blocks()
        present = {block["kind"] for block in blocks}
        context["widget"] |= {
            "kinds": present,
            "blocks": [
                {
                    "kind": block["kind"],
                    "label": _label(block["kind"]),
                    "form": BlockForm(block, f"{name}-{number}"),
                    "is_empty": sidebar_blocks[block["kind"]].is_empty(block["options"]),
                }
                for number, block in enumerate(blocks)
            ],
            "addable": [
                (kind, _label(kind)) for kind, each in _in_order() if each.is_repeatable or kind not in present
            ],
        }
        return context


def _label(kind: str) -> str:
    return str(sidebar_blocks[kind].label or kind)


def _from_form(data: QueryDict, prefix: str, kind: str) -> Block:
    options = sidebar_blocks[kind].options
    values = {name: option.widget.value_from_datadict(data, {}, f"{prefix}-{name}") for name, option in options.items()}
    return {"kind": kind, "title": data.get(f"{prefix}-title", ""), "options": values}


class BlocksField(forms.Field):
    """Blocks in order. An empty list stands for the default blocks."""

    widget = BlocksWidget

    def clean(self, value: Any) -> list[Block]:
        if len(value) > MAX_BLOCKS:
            raise ValidationError(gettext("There can be %d blocks at most.") % MAX_BLOCKS)
        seen: set[str] = set()
        blocks = []
        for raw in value:
            kind, form = raw["kind"], BlockForm(raw)
            if not form.is_valid():
                raise ValidationError(gettext("Correct the block “%(name)s”.") % {"name": _label(kind)})
            if kind in seen and not sidebar_blocks[kind].is_repeatable:
                raise ValidationError(gettext("The block “%(name)s” appears twice.") % {"name": _label(kind)})
            seen.add(kind)
            blocks.append(form.block(kind))
        return [] if blocks == default_blocks() else blocks


def rearrange(data: QueryDict, name: str, action: str) -> QueryDict | None:
    """Return the form data with its blocks changed by a button: `up-2`, `down-2`, `remove-2` or `add`.

    The number is that of a block in the form. Return None for any other button.
    """
    verb, _hyphen, number = action.partition("-")
    numbers = data.getlist(name)
    if verb not in {"up", "down", "remove", "add"} or (verb != "add" and number not in numbers):
        return None
    changed = data.copy()
    if verb == "add":
        if (kind := data.get("add", "")) in sidebar_blocks:
            append(changed, name, _block(kind))
        return changed
    place = numbers.index(number)
    numbers.pop(place)
    if verb != "remove":
        numbers.insert(max(0, place + (1 if verb == "down" else -1)), number)
    changed.setlist(name, numbers)
    return changed


def append(data: QueryDict, name: str, block: Block) -> None:
    """Append a block to those in the form data."""
    numbers = data.getlist(name)
    number = str(max(map(parse_id, numbers), default=-1) + 1)
    data.setlist(name, [*numbers, number])
    data[f"{name}-{number}-kind"], data[f"{name}-{number}-title"] = block["kind"], block["title"]
    for option, value in block["options"].items():
        if value:
            data[f"{name}-{number}-{option}"] = str(value)
