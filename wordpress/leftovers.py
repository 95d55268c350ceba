"""What posts and pages of an export have beside their texts and what has no place here: counted for the report."""

from collections import Counter
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wordpress import shortcodes
from wordpress.former import OLD_DATE_KEY, OLD_SLUG_KEY
from wordpress.fragments import BLOCK, blocks_named, stored
from wordpress.originals import ADDRESS_KEY, META_KEY
from wordpress.records import ENCLOSURE, FOOTNOTES, Item
from wordpress.reports import Report
from wordpress.trashed import DESIRED_SLUG_KEY

# In which WordPress and its plug-ins kept what no reader saw: locks, queues, caches, where a post was announced.
_MACHINERY = (
    *(
        "_akismet",
        "akismet_",
        "_dp_original",
        "_edit_",
        "_elasticsearch",
        "_encloseme",
        "_jetpack_",
        "_last_editor",
        "_oembed_",
        "_pingme",
    ),
    *("_publicize_", "_rest_api_", "_snap_", "_trackbackme", "_wp_convert_"),
    *("_wp_page_template", "_wp_suggested_", "_wp_trash_meta_", "_wpas_", "_wpcom_", "email_notification"),
    *("hc_", "jabber_published", "jetpack_", "original_post_id", "publicize_", "reader_suggested_tags", "tagazine-"),
)
# They have a place here, or say what stands elsewhere in the export too.
_KEPT = {FOOTNOTES, META_KEY, ADDRESS_KEY, OLD_SLUG_KEY, OLD_DATE_KEY, DESIRED_SLUG_KEY, "_thumbnail_id"}
_KEPT_OF_POSTS = _KEPT | {ENCLOSURE}
# More are a plug-in's own way with names, or somebody's game: they are counted together.
_MAX_NAMES = 300
_OTHERS = "…"


class _Tally:
    """How often each of some names was there, and in how many items."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self.items: Counter[str] = Counter()

    def add(self, found: Iterable[tuple[str, int]]) -> None:
        for found_name, times in found:
            name = found_name if found_name in self.times or len(self.times) < _MAX_NAMES else _OTHERS
            self.times[name] += times
            self.items[name] += 1


class Leftovers:
    """Takes the items that are brought in, and notes in the report what of them is not."""

    def __init__(self, site: str, other_meta: Mapping[tuple[str, str], int]) -> None:
        """`other_meta`: how often the export, of `site`, has each meta field of comments and terms."""
        self._site = site
        self._other_meta = other_meta
        self._fields, self._machinery, self._shortcodes, self._blocks = _Tally(), _Tally(), _Tally(), _Tally()

    def add(self, item: Item) -> None:
        kept = _KEPT_OF_POSTS if item.type == "post" else _KEPT
        for key in {key for key, value in item.meta if value.strip()} - kept:
            if key.startswith(_MACHINERY):
                ours = next(start for start in _MACHINERY if key.startswith(start))
                self._machinery.add([(key if len(key) < len(ours) + 20 else f"{ours}…", 1)])
            else:
                self._fields.add([(key, 1)])
        self._shortcodes.add(shortcodes.unknown(item.content).items())
        self._blocks.add(blocks_named(item.content).items())

    def note(self, report: Report) -> None:
        """Say what there was, the most frequent first."""
        self._note_shortcodes(report)
        self._note_blocks(report)
        for key, number in self._fields.items.most_common():
            text = ngettext(
                "%d item has this custom field: it is not brought in.",
                "%d items have this custom field: it is not brought in.",
                number,
            )
            report.note("custom field", 0, key, text % number)
        for (whose, key), number in sorted(self._other_meta.items()):
            if key not in _KEPT and not key.startswith(_MACHINERY):
                text = _("%(number)d × it stands at a comment: it is not brought in.")
                if whose == "term":
                    text = _("%(number)d × it stands at a category, tag or other term: it is not brought in.")
                report.note("custom field", 0, key, text % {"number": number})
        if self._machinery.items:
            names = ", ".join(sorted(self._machinery.items))
            report.note("custom field", 0, _("of WordPress’s own"), _("Readers never saw them: %s.") % names)

    def _note_shortcodes(self, report: Report) -> None:
        for name, times in self._shortcodes.times.most_common():
            text = ngettext(
                "It stands %(times)d time in %(texts)d of the texts as it was written: readers see it as text.",
                "It stands %(times)d times in %(texts)d of the texts as it was written: readers see it as text.",
                times,
            )
            report.note("shortcode", 0, f"[{name}]", text % {"times": times, "texts": self._shortcodes.items[name]})

    def _note_blocks(self, report: Report) -> None:
        here = stored(BLOCK, self._blocks.items, self._site)
        for name, number in self._blocks.items.most_common():
            if name not in here:
                text = ngettext(
                    "%d text shows this shared block, which is not in the export: there is a gap.",
                    "%d texts show this shared block, which is not in the export: there are gaps.",
                    number,
                )
                report.note("shared block", 0, name, text % number)
