"""System checks of what apps register (core.registry)."""

import re
from collections.abc import Iterator
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from core.registry import registries
from core.slugs import is_reserved

# The first segment of a regular expression, if it is the same for all that match.
_LITERAL_START: Final = re.compile(r"\^?((?:[\w-]|\\[.-])+)(?:/|\(\?:/|\$|\Z)")


def check_registries(**kwargs: Any) -> list[CheckMessage]:
    """Report each problem of each registered item (core.E001)."""
    return [
        Error(f"The {registry.label} {name!r}: {problem}", obj=f"core.registry {registry.label}", id="core.E001")
        for registry in registries
        for name, item in registry.items()
        for problem in registry.find_problems(name, item)
    ]


def check_reserved_slugs(**kwargs: Any) -> list[CheckMessage]:
    """Report each literal first segment of the URLconf that a page could have as its slug (core.E002)."""
    return [
        Error(
            f"A page with the slug {segment!r} would be hidden by other URLs.",
            hint="Register it in core.slugs.reserved_slugs.",
            id="core.E002",
        )
        for segment in sorted(set(_first_segments(get_resolver())))
        if not is_reserved(segment)
    ]


def _first_segments(resolver: URLResolver) -> Iterator[str]:
    """Yield the first segment of each pattern's URLs, unless it differs between them."""
    for pattern in resolver.url_patterns:
        route = str(pattern.pattern)
        segment = route.partition("/")[0]
        if isinstance(pattern, URLResolver) and not route.strip("^"):
            yield from _first_segments(pattern)
        elif isinstance(pattern.pattern, RegexPattern):
            if start := _LITERAL_START.match(route):
                yield start[1].replace("\\", "")
        elif segment and "<" not in segment:
            yield segment
