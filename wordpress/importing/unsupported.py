"""The parts of posts and pages that readers don't see, such as custom fields and unknown shortcodes, for the report."""

from collections import Counter
from functools import partial
from itertools import batched
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from blog.models import Entry
from core.bulk import fetch_rows
from core.text import remove_controls
from wordpress.importing.enclosures import files_of_plugins
from wordpress.importing.report import POSTS, Report
from wordpress.markup import shortcodes
from wordpress.markup.block_attributes import count_gaps
from wordpress.markup.footnotes_and_blocks import BLOCK, Origin, count_blocks, find_fragments
from wordpress.markup.galleries import find_uploads
from wordpress.markup.page_builders import is_layout
from wordpress.markup.tables import expand_tables, missing_tables
from wordpress.models import ImportedItem
from wordpress.wxr.extensions import EXTENSION_KEY, LEGACY_URL_KEY
from wordpress.wxr.records import (
    BLOGGER_PATH_KEY,
    DESIRED_SLUG_KEY,
    ENCLOSURE,
    FOOTNOTES,
    MOLONGUI_AUTHOR,
    NOINDEX,
    OLD_DATE_KEY,
    OLD_SLUG_KEY,
    THUMBNAIL,
    WPML_LANGUAGE,
    WPML_TRANSLATIONS,
    Item,
)
from wordpress.wxr.values import language_parts, plain_line

# Prefixes of the fields in which WordPress and its plugins keep internal data: locks, queues, caches, announcements.
_INTERNAL: Final = (
    *("_akismet", "akismet_", "blogger_", "_dp_original", "_edit_", "_elasticsearch", "_encloseme", "_jetpack_"),
    *("_last_editor", "_oembed_", "_pingme", "_publicize_", "_rest_api_", "_snap_", "_trackbackme", "_wp_convert_"),
    *("_wp_page_template", "_wp_suggested_", "_wp_trash_meta_", "_wpas_", "_wpcom_", "email_notification"),
    *("hc_", "jabber_published", "jetpack_", "original_post_id", "publicize_", "reader_suggested_tags", "tagazine-"),
)
# Fields that are imported or that repeat other parts of the export. For posts, enclosures are imported too.
_IMPORTED: Final = {
    *(FOOTNOTES, EXTENSION_KEY, LEGACY_URL_KEY, OLD_SLUG_KEY, OLD_DATE_KEY, DESIRED_SLUG_KEY, THUMBNAIL),
    *(BLOGGER_PATH_KEY, MOLONGUI_AUTHOR, WPML_LANGUAGE, WPML_TRANSLATIONS),
    *NOINDEX,
}
# How many texts are checked at a time.
_BATCH: Final = 100
# If there are more names than this, they were generated. The rest are counted together.
_MAX_NAMES: Final = 300
# The length of the example in characters.
_EXAMPLE: Final = 80
# The notes on the names of each kind that have been counted in texts.
_NOTES: Final = {
    "block": ngettext_lazy(
        "%d text has this block, whose content a plugin made. Readers see nothing in its place.",
        "%d texts have this block, whose content a plugin made. Readers see nothing in its place.",
    ),
    "reusable block": ngettext_lazy(
        "%d text shows this reusable block, which is not in the export. There is a gap.",
        "%d texts show this reusable block, which is not in the export. There are gaps.",
    ),
    "custom field": ngettext_lazy(
        "%d item has this custom field, which is not shown, but kept and exported again.",
        "%d items have this custom field, which is not shown, but kept and exported again.",
    ),
}
_META_OF: Final = {
    "comment": ngettext_lazy(
        "It occurs %d time on comments. It is not shown, but kept and exported again, except for IP addresses.",
        "It occurs %d times on comments. It is not shown, but kept and exported again, except for IP addresses.",
    ),
    "term": ngettext_lazy(
        "It occurs %d time on categories, tags and other groupings. It is not shown, but kept and exported again.",
        "It occurs %d times on categories, tags and other groupings. It is not shown, but kept and exported again.",
    ),
}


class Unsupported:
    """Counts the parts of the posts and pages of `site` that readers don't see."""

    def __init__(self, site: str, report: Report) -> None:
        self._site = site
        self._report = report
        # How many items have each name of these kinds, and the names of internal fields.
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("shortcode", *_NOTES)}
        self._internal_fields: Counter[str] = Counter()
        # How often each shortcode is used.
        self._uses: Counter[str] = Counter()
        # How many items have texts in several languages, and the beginning of the first of these texts.
        self._in_languages = 0
        self._example = ""
        # The IDs of items with a shortcode that shows files of the site.
        self._showing_files: list[int] = []

    def add(self, item: Item) -> None:
        """Count the unsupported parts of an item. Reusable blocks and tables must already be here."""
        imported = _IMPORTED
        if item.type == POSTS:
            imported = {*_IMPORTED, ENCLOSURE, *(key for key, _file in files_of_plugins(item.meta))}
        for key in dict.fromkeys(key for key, value in item.meta if value.strip() and key not in imported):
            if prefix := next(filter(key.startswith, _INTERNAL), ""):
                _count(self._internal_fields, key if len(key) < len(prefix) + 20 else f"{prefix}…")
            else:
                _count(self._counts["custom field"], key)
        origin = Origin(self._site)
        if missing := missing_tables(item.content, origin):
            text = _(
                "Readers see nothing in place of the tables with these IDs, which are not in the export or not public: "
                "%s. Export all content of the old blog and import again, or add the tables to the text."
            )
            self._report.note(item.type, item.id, plain_line(item.title), text % ", ".join(missing))
        content = expand_tables(item.content, origin)
        for name in count_gaps(content):
            _count(self._counts["block"], name)
        for name, times in shortcodes.count_unknown(content).items():
            _count(self._counts["shortcode"], name)
            _count(self._uses, name, times)
        if any(f"[{name}" in item.content for name in shortcodes.SHOWING_FILES):
            self._showing_files.append(item.recorded_id)
        texts = (item.title, item.excerpt, item.content)
        if text := next((text for text in texts if language_parts(text) != [("", text)]), ""):
            self._in_languages += 1
            self._example = self._example or text.lstrip()[:_EXAMPLE]
        for block in count_blocks(item.content):
            _count(self._counts["reusable block"], block)

    def add_notes(self, other_meta: Counter[tuple[str, str]]) -> None:
        """Add notes to the report, the most frequent first, then those on the `other_meta` of comments and terms."""
        note = self._report.note
        self._add_shortcodes()
        if self._in_languages:
            text = ngettext(
                "%(count)d text is in several languages, as in “%(example)s”. Readers see all of them.",
                "%(count)d texts are in several languages, as in “%(example)s”. Readers see all of them.",
                self._in_languages,
            )
            example = " ".join(remove_controls(self._example).split())
            note("shortcode", 0, "qTranslate", text % {"count": self._in_languages, "example": example})
        stored = find_fragments(BLOCK, self._counts["reusable block"], self._site)
        for kind, occurrences in _NOTES.items():
            for name, count in self._counts[kind].most_common():
                if kind != "reusable block" or name not in stored:
                    note(kind, 0, name, occurrences % count)
        for (owner, key), count in sorted(other_meta.items()):
            if key not in _IMPORTED and not key.startswith(_INTERNAL):
                note("custom field", 0, key, _META_OF[owner] % count)
        if self._internal_fields:
            names = ", ".join(sorted(self._internal_fields))
            note(
                "custom field",
                0,
                _("internal"),
                _("Readers never saw these fields, which are kept and exported again: %s.") % names,
            )

    def _add_shortcodes(self) -> None:
        for name, times in self._uses.most_common():
            text = ngettext(
                "It is used %(times)d time (texts: %(texts)d) and is not supported, so readers see it as text.",
                "It is used %(times)d times (texts: %(texts)d) and is not supported, so readers see it as text.",
                times,
            )
            if name in shortcodes.FORMS:
                text = ngettext(
                    "It is used %(times)d time (texts: %(texts)d). Forms are not supported, so readers see nothing.",
                    "It is used %(times)d times (texts: %(texts)d). Forms are not supported, so readers see nothing.",
                    times,
                )
            if shortcodes.shows_nothing(name):
                text = ngettext(
                    "It is used %(times)d time (texts: %(texts)d). What it showed is not in the export, so readers see "
                    "nothing.",
                    "It is used %(times)d times (texts: %(texts)d). What it showed is not in the export, so readers "
                    "see nothing.",
                    times,
                )
            if is_layout(name):
                text = ngettext(
                    "It is used %(times)d time (texts: %(texts)d). Readers see its texts, pictures and links, but not "
                    "the layout.",
                    "It is used %(times)d times (texts: %(texts)d). Readers see its texts, pictures and links, but not "
                    "the layout.",
                    times,
                )
            self._report.note(
                "shortcode", 0, f"[{name}]", text % {"times": times, "texts": self._counts["shortcode"][name]}
            )

    def note_empty(self) -> None:
        """Note the texts in which a shortcode for files shows nothing. Call this after the files are imported."""
        columns = ("object_pk", "wordpress_id")
        for batch in batched(self._showing_files, _BATCH):
            rows = fetch_rows(ImportedItem, "wordpress_id", batch, *columns, site=self._site, kind__in=("post", "page"))
            imported = dict(rows)
            for entry in Entry.objects.filter(pk__in=imported).only("kind", "title", "source").order_by("pk"):
                find = partial(find_uploads, Origin(self._site, imported[entry.pk]))
                for name in sorted(shortcodes.find_empty(entry.source, find)):
                    text = _("Readers see nothing in place of its shortcode [%s], because no file for it is here.")
                    self._report.note(entry.kind, imported[entry.pk], entry.title, text % name)


def _count(counts: Counter[str], name: str, times: int = 1) -> None:
    counts[name if name in counts or len(counts) < _MAX_NAMES else "…"] += times
