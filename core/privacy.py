"""The content of the privacy page: which personal data are kept, for how long and why, under the current settings.

Each app registers what it keeps, so the page matches the code and changes with the settings.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from core.models import SiteSettings
from core.registry import Registry


class Concerned(TextChoices):
    """Who the data are about, in the order of the page."""

    READERS = "readers", _("If you read this site")
    COMMENTERS = "commenters", _("If you write a comment")
    FOLLOWERS = "followers", _("If you follow a discussion by e-mail")
    SUBSCRIBERS = "subscribers", _("If you follow the blog by e-mail")
    STAFF = "staff", _("If you have an account")
    EVERYONE = "everyone", _("For everyone")


@dataclass(frozen=True, slots=True)
class KeptData:
    """Data about people: what they are, how long they are kept, and why, each in plain sentences."""

    concerned: Concerned
    what: str
    how_long: str
    why: str


# Each returns what its app keeps under these settings, which include those of higher apps
# (core.models.OneRow). The result must depend on nothing but these and the environment, so that the page can
# be cached.
kept_data: Final[Registry[Callable[[SiteSettings], Iterable[KeptData]]]] = Registry("kept data")

# Each returns whether the site counts its readers. If any does, the page doesn't state that there are no statistics.
reading_counters: Final[Registry[Callable[[SiteSettings], bool]]] = Registry("counter of readers")


def describe_kept_data(site: SiteSettings) -> list[tuple[str, list[KeptData]]]:
    """Return what is kept about each group of people, with the heading of the group."""
    found = [each for describe in kept_data.values() for each in describe(site)]
    groups = ((group.label, [each for each in found if each.concerned == group]) for group in Concerned)
    return [(str(label), kept) for label, kept in groups if kept]
