"""Registries: lower apps define them, and higher apps fill them in `AppConfig.ready()`.

So no app has to name one above it, not even in a string. A system check (core.checks) verifies each registry.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

registries: Final[list["Registry[Any]"]] = []


def _no_problems(name: str, item: object) -> Iterable[str]:
    return ()


class Registry[Item](Mapping[str, Item]):
    """Items by name, in the order in which they were registered.

    `label` names one item in messages. `find_problems` is called by the system check, when all apps are ready,
    with each name and item, and yields one sentence for each problem.
    """

    def __init__(self, label: str, find_problems: Callable[[str, Item], Iterable[str]] = _no_problems) -> None:
        self.label = label
        self.find_problems = find_problems
        self._items: dict[str, Item] = {}
        registries.append(self)

    def register(self, name: str, item: Item) -> None:
        """Add `item`. Raises ValueError if the name is taken."""
        if name in self._items:
            raise ValueError(f"There already is a {self.label} called {name!r}.")
        self._items[name] = item

    def __getitem__(self, name: str) -> Item:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
