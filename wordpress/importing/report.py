"""What happened to each item of an export. Nothing is skipped without a remark that says why."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from itertools import groupby
from tempfile import SpooledTemporaryFile
from typing import Any, Final, TextIO

from django.conf import settings
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wordpress.models import FileState
from wordpress.wxr.values import MAX_ID

AUTHORS, CATEGORIES, TAGS, OTHER_TERMS = "author", "category", "tag", "other term"
POSTS, PAGES, COMMENTS = "post", "page", "comment"
# The item that describes a file, and the file itself: one may be here without the other.
ATTACHMENTS, FILES = "attachment", "file"
SETTINGS: Final = "site setting"
MENUS: Final = "menu"
# A file that texts show or link to although it is not on a host of the blog.
OTHER_FILES: Final = "file on another host"
# Bloggers' names for these kinds and those of the ledger, then for types of items. Stored reports contain the keys.
_LABELS: Final[dict[str, Promise]] = {
    "author": _("author"),
    "category": _("category"),
    "tag": _("tag"),
    "other term": _("other grouping"),
    "post": _("post"),
    "page": _("page"),
    "comment": _("comment"),
    "attachment": _("media item"),
    "file": _("file"),
    "file on another host": _("file on another host"),
    "site setting": _("site setting"),
    "menu": _("menu"),
    "shortcode": _("shortcode"),
    "block": _("block"),
    "custom field": _("custom field"),
    "reusable block": _("reusable block"),
    "redirect": _("redirect"),
    "tag alias": _("former URL of a tag"),
    "fragment": _("footnote or reusable block"),
    "preserved": _("record kept for exports"),
    "picture": _("picture"),
    "document": _("document"),
    "featured image": _("featured image"),
    "nav_menu_item": _("menu link"),
    "wp_navigation": _("menu"),
    "wp_block": _("reusable block"),
    "tablepress_table": _("table"),
    "redirect_rule": _("redirect"),
    "vip-legacy-redirect": _("redirect"),
    "revision": _("earlier version"),
    "custom_css": _("theme style"),
    "customize_changeset": _("theme change"),
    "wp_font_face": _("font"),
    "wp_font_family": _("font family"),
    "wp_global_styles": _("theme styles"),
    "wp_template": _("theme template"),
    "wp_template_part": _("part of a theme template"),
    "oembed_cache": _("cached embed"),
    "scheduled-action": _("scheduled action"),
    "user_request": _("request for personal data"),
    "feedback": _("form response"),
    "flamingo_inbound": _("form response (Flamingo)"),
    "wpforms_entries": _("form response (WPForms)"),
}
# Bytes of remarks that are kept in memory, which is enough for most imports.
_IN_MEMORY: Final = 1024 * 1024
# How many examples a summary has per reason, how many reasons it shows, and how many it distinguishes.
_EXAMPLES: Final = 20
_SHOWN: Final = 200
_COUNTED: Final = 10_000
# How many kinds are counted by name. Exports have a few dozen.
_MAX_KINDS: Final = 1000


class Outcome(TextChoices):
    IMPORTED = "imported", _("imported")
    UPDATED = "updated", _("updated")
    UNCHANGED = "unchanged", _("unchanged")
    SKIPPED = "skipped", _("skipped")


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on one item. `id` and `title` are those in the export."""

    kind: str
    id: int
    title: str
    text: str
    # The URL of a file on the old site; empty for other items.
    url: str = ""


class Remarks:
    """Remarks on disk, because unusual exports cause millions. Only one iteration is possible at a time."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(settings.BROADSIDE_IMPORTS_DIR))  # noqa: SIM115  # see __del__
        self._count = 0

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Remark]:
        self._file.seek(0)
        try:
            for line in self._file:
                yield Remark(*json.loads(line))
        finally:
            self._file.seek(0, os.SEEK_END)

    def add(self, remark: Remark) -> None:
        self._file.write(json.dumps(astuple(remark)).encode() + b"\n")
        self._count += 1

    @contextmanager
    def discarded_on_error(self) -> Iterator[None]:
        """Remove the remarks added in this context if it raises an error."""
        count, end = self._count, self._file.tell()
        try:
            yield
        except BaseException:
            self._count = count
            self._file.seek(end)
            self._file.truncate()
            raise


@dataclass(frozen=True, slots=True)
class OldBlog:
    """The blog that an export comes from. All values are JSON types, because reports store them.

    Unknown values are empty. `title` and `tagline` fit into the site settings here. `language` is as exported, and
    `text_language` is that of most new posts. `times` are wordpress.importing.time_zones.TimeSamples, and `zone` is the
    only time zone that fits them. `folder` has the form `/blog/`.
    """

    # The name under which the blog is recorded here (wordpress.importing.site_identity).
    site: str = ""
    url: str = ""
    title: str = ""
    tagline: str = ""
    language: str = ""
    text_language: str = ""
    times: list[list[Any]] = field(default_factory=list)
    zone: str = ""
    hosts: list[str] = field(default_factory=list)
    folder: str = ""
    menus: list[str] = field(default_factory=list)
    # The number of files, how many of them are not here, and how many of the missing ones are gone for good.
    files: int = 0
    missing_files: int = 0
    gone_files: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """The blog's known site settings, by their field names here."""
        return {name: value for name, value in (("title", self.title), ("tagline", self.tagline)) if value}


@dataclass(slots=True)
class Report:
    """The report of an import. Kinds are those above or WordPress's types of items (see kind_label)."""

    files: list[str] = field(default_factory=list)
    dry_run: bool = False
    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)
    skipped: Remarks = field(default_factory=Remarks)
    notes: Remarks = field(default_factory=Remarks)
    warnings: list[str] = field(default_factory=list)
    # The number of file references by state, counting each file once per text, and the references themselves.
    file_states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FileState.values, 0))
    file_references: Remarks = field(default_factory=Remarks)
    # The other hosts that texts show missing files from, with the numbers of files.
    other_hosts: dict[str, int] = field(default_factory=dict)
    # The settings of this site that were taken from the export, by field.
    taken_settings: dict[str, str] = field(default_factory=dict)
    # Facts about the blog as a whole, once everything has been imported.
    blog: OldBlog | None = None
    # Whether the import was cancelled. The next import resumes it.
    interrupted: bool = False
    # The ID for `--undo`; None if nothing was added.
    run: int | None = None

    def count(self, kind: str, outcome: Outcome, count: int = 1) -> None:
        if count:
            if kind not in self.counts and len(self.counts) >= _MAX_KINDS:
                kind = "…"
            self.counts.setdefault(kind, Counter(dict.fromkeys(Outcome, 0)))[outcome] += count

    def skip(self, kind: str, id: int, title: str, reason: str, url: str = "") -> None:  # noqa: A002  # WordPress's name for it
        """Count an item that was not imported, and record why."""
        self.count(kind, Outcome.SKIPPED)
        self.skipped.add(remark_on(kind, id, title, reason, url))

    def note(self, kind: str, id: int, title: str, text: str, url: str = "") -> None:  # noqa: A002  # WordPress's name for it
        """Record a difference between an imported item and the export."""
        self.notes.add(remark_on(kind, id, title, text, url))

    def add_file_reference(self, kind: str, id: int, title: str, state: FileState, url: str) -> None:  # noqa: A002  # WordPress's name for it
        """Count and record a file that an item refers to. `url` is the URL of the file."""
        self.file_states[state] += 1
        self.file_references.add(remark_on(kind, id, title, str(state.label), url))

    def missing_files(self) -> Iterator[Remark]:
        """Yield the references to files that are not here."""
        present = str(FileState.PRESENT.label)
        return (each for each in self.file_references if each.text != present)

    def rename_files(self, rename: Callable[[str], str]) -> None:
        """Replace file names in the list of files and in the warnings."""
        self.files = [rename(path) for path in self.files]
        self.warnings = [rename(text) for text in self.warnings]

    @property
    def change_count(self) -> int:
        """The number of objects that were imported or updated."""
        return sum(counts[Outcome.IMPORTED] + counts[Outcome.UPDATED] for counts in self.counts.values())

    @property
    def has_changes(self) -> bool:
        return self.change_count > 0 or bool(self.taken_settings)

    @contextmanager
    def discarded_on_error(self) -> Iterator[None]:
        """Discard what is reported in this context if it raises an error, because the changes are rolled back."""
        counts = {kind: counts.copy() for kind, counts in self.counts.items()}
        try:
            with self.skipped.discarded_on_error(), self.notes.discarded_on_error():
                yield
        except BaseException:
            self.counts = counts
            raise

    def summary(self) -> dict[str, Any]:
        """Return the report as JSON types, with the remarks grouped so that a page can show them."""
        reasons = {
            "skipped": asdict(summarise(self.skipped)),
            "notes": asdict(summarise(self.notes)),
            "missing_files": asdict(summarise(self.missing_files())),
        }
        return self._without_remarks() | reasons

    def write(self, file: TextIO) -> None:
        """Write the whole report as JSON."""
        remarks = {"skipped": self.skipped, "notes": self.notes, "file_references": self.file_references}
        write_json(file, self._without_remarks(), **remarks)

    def _without_remarks(self) -> dict[str, Any]:
        names = ("files", "dry_run", "counts", "file_states", "other_hosts", "warnings", "interrupted", "run")
        blog = {"taken_settings": self.taken_settings, "blog": asdict(self.blog) if self.blog else None}
        return {name: getattr(self, name) for name in names} | blog


def kind_label(kind: str) -> str:
    """Return the label of `kind` for readers of a report. Types of plugins are unknown and returned unchanged."""
    return str(_LABELS.get(kind, kind))


def remark_on(kind: str, id: int, title: str, text: str, url: str) -> Remark:  # noqa: A002  # WordPress's name for it
    """Return a remark on an item. It doesn't show the numbers under which imports record IDs that are not numbers."""
    return Remark(kind, id if id < MAX_ID else 0, title[:100], text, url)


def lines_by_item(references: Iterable[Remark]) -> Iterator[str]:
    """Yield a line for each item with missing files: how many there are, by their state."""
    for (kind, item_id, title), group in groupby(references, key=lambda each: (each.kind, each.id, each.title)):
        counts = Counter(each.text for each in group)
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        # Items of exports without IDs have 0.
        number = f" {item_id}" if item_id else ""
        yield f"{kind_label(kind)}{number} “{title}”: {states}"


def write_json(file: TextIO, values: dict[str, Any], **lists: Remarks) -> None:
    """Write an object with `values` and lists of remarks, one per line, because they may be too large for memory."""
    file.write(json.dumps(values, ensure_ascii=False, indent=1).removesuffix("\n}"))
    for name, remarks in lists.items():
        file.write(f',\n "{name}": [')
        file.writelines(
            f"{',' if index else ''}\n  {json.dumps(asdict(remark), ensure_ascii=False)}"
            for index, remark in enumerate(remarks)
        )
        file.write("]")
    file.write("\n}\n")


@dataclass(slots=True)
class Reason:
    """A reason why items were skipped or differ from the export, with examples."""

    kind: str
    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        return kind_label(self.kind)

    @property
    def more(self) -> int:
        return self.count - len(self.examples)


@dataclass(slots=True)
class Reasons:
    """The most frequent reasons, and the number of remarks with other reasons."""

    shown: list[Reason]
    more: int


def summarise(remarks: Iterable[Remark]) -> Reasons:
    """Group remarks by kind and text, the most frequent first."""
    reasons: dict[tuple[str, str], Reason] = {}
    others = 0
    for remark in remarks:
        key = (remark.kind, remark.text)
        if key not in reasons and len(reasons) == _COUNTED:
            others += 1
            continue
        reason = reasons.setdefault(key, Reason(*key))
        reason.count += 1
        if len(reason.examples) < _EXAMPLES:
            title = remark.title or gettext("(no title)")
            example = f"{title} ({remark.id})" if remark.id else title
            reason.examples.append(f"{example}: {remark.url}" if remark.url else example)
    ordered = sorted(reasons.values(), key=lambda reason: -reason.count)
    return Reasons(ordered[:_SHOWN], others + sum(reason.count for reason in ordered[_SHOWN:]))
