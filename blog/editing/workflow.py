"""The steps from a draft to a published text: which of them a user may take now, and what each of them does."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils import timezone

from blog.models import Entry, Status
from blog.permissions import Anyone, may_edit, may_publish


class Step(StrEnum):
    """An action that a user takes by saving an entry."""

    SAVE = "save"
    SUBMIT = "submit"
    # To its author, as a draft.
    RETURN = "return"
    PUBLISH = "publish"
    SCHEDULE = "schedule"
    PUBLISH_PRIVATELY = "publish_privately"
    UNPUBLISH = "unpublish"
    TRASH = "trash"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps that are offered: `main` beside the text, the last of which is the obvious next one, and `others`."""

    main: tuple[Step, ...] = ()
    others: tuple[Step, ...] = ()

    def __contains__(self, step: object) -> bool:
        return step in self.main or step in self.others


_AUTHOR: Final = {
    Status.DRAFT: Steps((Step.SAVE, Step.SUBMIT), (Step.TRASH,)),
    Status.PENDING: Steps((Step.UNPUBLISH, Step.SAVE), (Step.TRASH,)),
}
_EDITOR: Final = {
    Status.DRAFT: Steps((Step.SAVE, Step.SCHEDULE, Step.PUBLISH), (Step.SUBMIT, Step.PUBLISH_PRIVATELY, Step.TRASH)),
    Status.PENDING: Steps(
        (Step.UNPUBLISH, Step.SAVE, Step.SCHEDULE, Step.PUBLISH), (Step.PUBLISH_PRIVATELY, Step.TRASH)
    ),
    Status.PUBLISHED: Steps((Step.UNPUBLISH, Step.SAVE), (Step.PUBLISH_PRIVATELY, Step.TRASH)),
    Status.PRIVATE: Steps((Step.UNPUBLISH, Step.PUBLISH, Step.SAVE), (Step.TRASH,)),
    Status.TRASH: Steps((Step.SAVE, Step.RESTORE)),
}
# For texts that someone else has submitted.
_REVIEW: Final = Steps((Step.RETURN, Step.SAVE, Step.SCHEDULE, Step.PUBLISH), (Step.PUBLISH_PRIVATELY, Step.TRASH))
_SCHEDULED: Final = Steps(
    (Step.UNPUBLISH, Step.PUBLISH, Step.SCHEDULE, Step.SAVE), (Step.PUBLISH_PRIVATELY, Step.TRASH)
)
_NEW_STATUS: Final = {
    Step.SUBMIT: Status.PENDING,
    Step.RETURN: Status.DRAFT,
    Step.PUBLISH: Status.PUBLISHED,
    Step.SCHEDULE: Status.PUBLISHED,
    Step.PUBLISH_PRIVATELY: Status.PRIVATE,
    Step.UNPUBLISH: Status.DRAFT,
    Step.TRASH: Status.TRASH,
    Step.RESTORE: Status.DRAFT,
}


def state_of(entry: Entry) -> str:
    """Return the status of `entry`, or `scheduled`, which is not a status."""
    return "scheduled" if entry.is_scheduled else entry.status


def steps_for(user: Anyone, entry: Entry) -> Steps:
    """Return what `user` may do with `entry` in its current state. A new entry has no ID and is a draft."""
    if entry.pk and not may_edit(user, entry):
        return Steps()
    if not may_publish(user, type(entry)):
        steps = _AUTHOR.get(Status(entry.status), Steps())
    elif entry.status == Status.PENDING and entry.author_id != user.pk:
        steps = _REVIEW
    else:
        steps = _SCHEDULED if entry.is_scheduled else _EDITOR[Status(entry.status)]
    # A new entry can't be moved to the trash.
    return steps if entry.pk else Steps(steps.main, tuple(step for step in steps.others if step != Step.TRASH))


def may_take(user: Anyone, entry: Entry, step: Step) -> bool:
    """Return whether `user` may take `step`. Taking it a second time is allowed, and changes nothing."""
    steps = steps_for(user, entry)
    return step in steps or (Step.SAVE in steps and _NEW_STATUS.get(step) == entry.status)


def take(step: Step, entry: Entry) -> None:
    """Set the status and the time of `entry` that result from `step`, without saving it.

    Publishing means now: a time in the future is dropped. A time in the past stays, because the URL depends on it.
    """
    entry.status = _NEW_STATUS.get(step, entry.status)
    if step == Step.PUBLISH and entry.published_at and entry.published_at > timezone.now():
        entry.published_at = None
