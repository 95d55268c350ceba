"""Registries that lower apps define and higher apps fill in `AppConfig.ready()`. A system check verifies them."""

from collections import UserDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.core.checks import CheckMessage, Error

registries: Final[list["Registry[Any]"]] = []


class Registry[Item](UserDict[str, Item]):
    """Items by name, in the order in which they were registered. `label` names one of them in messages.

    The system check calls `find_problems` with each name and item; it yields one sentence for each problem.
    """

    def __init__(self, label: str, find_problems: Callable[[str, Item], Iterable[str]] = lambda name, item: ()) -> None:
        super().__init__()
        self.label = label
        self.find_problems = find_problems
        registries.append(self)

    def register(self, name: str, item: Item) -> None:
        """Add `item` at the end. Raises ValueError if `name` is taken."""
        if name in self:
            raise ValueError(f"There is already a {self.label} called {name!r}.")
        self[name] = item

    def register_all(self, items: Mapping[str, Item]) -> None:
        """Add several items, given by name."""
        for name, item in items.items():
            self.register(name, item)


def check_registries(**kwargs: Any) -> list[CheckMessage]:
    """Report each problem of each registered item (core.E001)."""
    return [
        Error(f"The {registry.label} {name!r}: {problem}", obj=f"core.registry {registry.label}", id="core.E001")
        for registry in registries
        for name, item in registry.items()
        for problem in registry.find_problems(name, item)
    ]
