"""What the parts of an address look like."""

from django.urls import register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter


class YearConverter(StringConverter):
    """Four digits."""

    regex = "[0-9]{4}"


class TwoDigitsConverter(StringConverter):
    """A month or a day as addresses have them: `03`."""

    regex = "[0-9]{2}"


class SlugConverter(StringConverter):
    """One part of an address in any script: imported slugs hold letters that Django's own converter refuses."""

    # No database but SQLite looks for a zero byte.
    regex = "[^/\\x00]+"


class TreePathConverter(PathConverter):
    """The path of a category or page: slugs with a slash between."""

    regex = "[^/\\x00]+(?:/[^/\\x00]+)*"


class PageNumberConverter(IntConverter):
    """The number of a listing's page; nine digits are far more than any blog has."""

    regex = "[1-9][0-9]{0,8}"


register_converter(YearConverter, "year")
register_converter(TwoDigitsConverter, "two")
register_converter(SlugConverter, "uslug")
register_converter(TreePathConverter, "tree")
register_converter(PageNumberConverter, "number")
