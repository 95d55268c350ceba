"""What other apps add to the form of a person, which owners use, and to “Your account”, which everyone has."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db import models

from accounts.models import User
from core.dashboard import Panel, find_missing_template
from core.registry import Registry
from core.versioned_rows import VersionedInline


def _find_problems(name: str, inline: Any) -> Iterator[str]:
    if not (isinstance(inline, type) and issubclass(inline, PersonInline)):
        yield "It is not a PersonInline."


class PersonInline[Model: models.Model](VersionedInline[Model, User]):
    """The one row of `model` that belongs to a person, as another part of their form."""

    template = "admin/accounts/person_inline.html"
    can_delete = False
    # Its form shows all there is to see.
    view_on_site = False


# The `has_…_permission` methods of each, which get the person, decide whether it is shown.
person_inlines: Final[Registry[type[PersonInline[Any]]]] = Registry("part of the form of a person", _find_problems)

# Each tells whether readers see the page of a person.
page_checks: Final[Registry[Callable[[User], bool]]] = Registry("check for the page of a person")

# Each is a section of “Your account”.
own_panels: Final[Registry[Panel]] = Registry("section of “Your account”", find_missing_template)
