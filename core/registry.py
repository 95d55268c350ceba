"""Registries, which lower apps define and higher apps fill in `AppConfig.ready()`. A system check verifies them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

registries: Final[list["Registry[Any]"]] = []


class Registry[Item](Mapping[str, Item]):
    """Items by name, in the order in which they were registered.

    `label` names one item in messages. When all apps are ready, the system check calls `find_problems` with each name
    and item; it yields one sentence for each problem.
    """

    def __init__(self, label: str, find_problems: Callable[[str, Item], Iterable[str]] = lambda name, item: ()) -> None:
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
