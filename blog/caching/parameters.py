"""Query parameters of higher apps that change how a page may be cached and indexed."""

from collections.abc import Iterable
from typing import Final

from core.registry import Registry


def _find_problems(name: str, parameter: str) -> Iterable[str]:
    if not parameter:
        yield "The name of the parameter is empty."


# Pages with one of these are for one reader alone: no cache keeps them, and their URL is never sent as a referrer.
private_parameters: Final[Registry[str]] = Registry("private parameter", _find_problems)
# Pages with one of these are other views of a page that search engines know already. Private ones are left out too.
noindex_parameters: Final[Registry[str]] = Registry("noindex parameter", _find_problems)
