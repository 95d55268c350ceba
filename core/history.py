"""The history of objects: what users do to them in the admin. The app that has the users stores it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext

from core.registry import Registry

# What a form has changed, as Django describes it (ModelAdmin.construct_change_message), or any sentence.
type ChangeMessage = str | list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class History:
    """How a record is kept of who did what to which objects.

    `record` takes the user who has added, changed or deleted objects (a flag of django.contrib.admin.models), these,
    and details. `of` returns the records of an object, newest first. `read` makes records ready to be shown: each has
    `at`, `who` and `text`.
    """

    record: Callable[[Any, int, Iterable[Model], str], None]
    of: Callable[[Model], QuerySet[Any]]
    read: Callable[[Iterable[Any]], list[Any]]


# Exactly one is registered.
histories: Final[Registry[History]] = Registry("history")


def history() -> History:
    (only,) = histories.values()
    return only


def describe_changes(message: ChangeMessage) -> str:
    """Describe what was changed: the names of the fields, separated by commas, or the sentence itself.

    The names are in English, as `translate_changes` expects.
    """
    if isinstance(message, str):
        return message
    names: list[str] = []
    for part in message:
        # For inline rows, use the name of their model. The name of the row may be anything, so it is left out.
        for about in part.values():
            names += about.get("fields") or filter(None, [about.get("name")])
    return ", ".join(dict.fromkeys(names))


def translate_changes(details: str) -> str:
    """Return a stored sentence, or the names of fields, in the active language. Anything else stays as it is."""
    sentence = _translate(details)
    return sentence if sentence != details else ", ".join(map(_translate, details.split(", ")))


def _translate(text: str) -> str:
    """Translate a stored text. Labels begin with a capital, but the names of fields that they come from don't."""
    name = text[:1].lower() + text[1:]
    for message in (text, name):
        # There is no message for an empty text.
        if message and (translation := gettext(message)) != message:
            return capfirst(translation) if message != text else translation
    return text
