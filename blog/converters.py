"""Path converters: what the segments of URLs look like."""

from django.urls import register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter


class YearConverter(StringConverter):
    """Four digits."""

    regex = "[0-9]{4}"


class TwoDigitsConverter(StringConverter):
    """A month or day, such as `03`."""

    regex = "[0-9]{2}"


class SlugConverter(StringConverter):
    """One segment in any script. Imported slugs contain characters that Django's own converter does not match."""

    # PostgreSQL refuses text with a NUL character.
    regex = "[^/\\x00]+"


class TreePathConverter(PathConverter):
    """The path of a category or page: slugs separated by slashes."""

    regex = "[^/\\x00]+(?:/[^/\\x00]+)*"


class PageNumberConverter(IntConverter):
    """The number of a page, with at most nine digits."""

    regex = "[1-9][0-9]{0,8}"


register_converter(YearConverter, "year")
register_converter(TwoDigitsConverter, "two_digits")
register_converter(SlugConverter, "any_slug")
register_converter(TreePathConverter, "tree_path")
register_converter(PageNumberConverter, "page_number")
