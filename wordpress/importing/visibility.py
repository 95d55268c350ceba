"""Posts and pages that were public on the old site but will be hidden here. If there are many, something is wrong."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from blog.models import Status
from wordpress.importing.entry_builder import status_of
from wordpress.wxr.records import Item

# WordPress never shows these to readers. Any other status may have been public, even a missing one.
_HIDDEN_STATUSES: Final = {"auto-draft", "draft", "future", "inherit", "pending", "private", "trash"}
# The warning names the most frequent reasons only.
_MAX_REASONS: Final = 5


@dataclass(slots=True)
class Visibility:
    """Counts the posts and pages that were public, and the reasons why some of them will be hidden."""

    public: int = 0
    hidden: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item, reason_to_skip: str, now: dt.datetime) -> None:
        """Count a post or page. `reason_to_skip` is why it cannot be imported, or empty."""
        if _was_public(item):
            self.public += 1
            if reason := reason_to_skip or _reason_to_hide(item, now):
                self.hidden[reason] += 1

    def add_restricted(self, item: Item, restricted: Item, now: dt.datetime) -> None:
        """Count a post or page as hidden that was added as `item` before it was known that a rule restricts it."""
        if restricted is not item and _was_public(item) and not _reason_to_hide(item, now):
            self.hidden[_reason_to_hide(restricted, now)] += 1

    def warning(self) -> str:
        """Return a warning if more than a tenth will be hidden; otherwise an empty string."""
        count = self.hidden.total()
        if count * 10 <= self.public:
            return ""
        text = _("Readers will not see %(hidden)d of the %(public)d posts and pages that were public on the old site.")
        reasons = [f"{reason} ({times})" for reason, times in self.hidden.most_common(_MAX_REASONS)]
        return " ".join([text % {"hidden": count, "public": self.public}, *reasons])


def _was_public(item: Item) -> bool:
    return item.type in {"post", "page"} and item.status not in _HIDDEN_STATUSES


def _reason_to_hide(item: Item, now: dt.datetime) -> str:
    status, remark = status_of(item, now)
    if status != Status.PUBLISHED:
        return remark
    if item.published_at is not None and item.published_at > now:
        return _("Its date is in the future, so it is scheduled.")
    if item.password:
        return _("It has a password, so readers see a form in place of its content.")
    return ""
