"""Which objects the audit log names, and how. Of all others, it knows the kind and the ID only.

Whatever is registered here stays readable in the log after its object is deleted, so no text of a person belongs here,
and no e-mail address.
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
