"""The titles of objects in the audit log. For objects without one, it stores only the kind and the ID.

A title stays readable in the log after its object is deleted, so it must not be an e-mail address, or text that a
person wrote.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.apps import apps

from core.registry import Registry


def _find_problems(kind: str, title: Callable[[Any], str]) -> Iterator[str]:
    try:
        apps.get_model(kind)
    except (LookupError, ValueError):
        yield "There is no such model."


# By the label of the model in lower case, as in "blog.post".
titles: Final[Registry[Callable[[Any], str]]] = Registry("title for the audit log", _find_problems)
