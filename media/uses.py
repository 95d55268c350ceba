"""Where files of the library are used. Apps register how to find their uses."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import User
from core.registry import Registry
from media.models import Picture, Upload

# Who looks at the uses: not everyone may see every text.
type Viewer = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a file is used: its name, and the URL in the admin where it can be changed.

    If the viewer may not see that place, the label doesn't name it, and the URL is empty.
    """

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class UseFinder:
    """How an app finds its own uses of files.

    `condition` returns the condition for the used files of a model. `find` returns all uses of the files with these
    IDs, by ID, as the viewer may see them. `alternative_texts` returns the descriptions of an image in texts that the
    viewer may see. `move` replaces the first picture with the second, except in texts, and returns the IDs of the
    objects it changed; `move_back` does the same, but only for objects with these IDs that still have the first
    picture.
    """

    condition: Callable[[type[Upload]], Q]
    find: Callable[[type[Upload], Collection[int], Viewer], Mapping[int, list[Use]]]
    alternative_texts: Callable[[Picture, Viewer], list[str]] = lambda picture, viewer: []
    move: Callable[[Picture, Picture], list[int]] = lambda source, target: []
    move_back: Callable[[Picture, Picture, Collection[int]], None] = lambda source, target, ids: None


use_finders: Final[Registry[UseFinder]] = Registry("finder of uses")


def is_used(model: type[Upload]) -> Q:
    """Return the condition for files that are used somewhere."""
    condition = Q(pk__in=[])
    for finder in use_finders.values():
        condition |= finder.condition(model)
    return condition


def uses_of(model: type[Upload], pks: Collection[int], viewer: Viewer) -> dict[int, list[Use]]:
    """Return the uses of the files with these IDs, as the viewer may see them. Takes a fixed number of queries."""
    uses: defaultdict[int, list[Use]] = defaultdict(list)
    for finder in use_finders.values():
        for pk, found in finder.find(model, pks, viewer).items():
            uses[pk] += found
    return dict(uses)


def alternative_texts_of(picture: Picture, viewer: Viewer) -> list[str]:
    """Return the descriptions of `picture` where the viewer may see it, each once, other than its own."""
    found = [text for finder in use_finders.values() for text in finder.alternative_texts(picture, viewer)]
    return [text for text in dict.fromkeys(found) if text != picture.alt]
