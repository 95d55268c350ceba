"""Keeping data derived from comments up to date."""

from collections.abc import Callable, Collection
from typing import Final

from core.registry import Registry

# Each updates the data it derives from the comments with these IDs, in the transaction that changed them.
comment_change_handlers: Final[Registry[Callable[[Collection[int]], object]]] = Registry("handler of changed comments")


def comments_changed(pks: Collection[int]) -> None:
    """Update all data derived from the comments with these IDs, in the current transaction."""
    if pks:
        for handle in comment_change_handlers.values():
            handle(pks)
