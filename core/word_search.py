"""Searching columns for words, as lists of the admin do."""

from django.db.models import Q
from django.utils.text import smart_split, unescape_string_literal


def split_words(typed: str) -> list[str]:
    """Return the words of a search. A phrase in quotation marks counts as one word."""
    words = []
    for bit in smart_split(typed):
        is_quoted = len(bit) > 1 and bit[0] == bit[-1] and bit[0] in "\"'"
        words.append(unescape_string_literal(bit) if is_quoted else bit)
    return [word for word in words if word.strip()]


def has_word(word: str, *columns: str) -> Q:
    """Return the condition for rows with this word in one of these columns, in upper or lower case.

    SQLite ignores the case of ASCII letters only, so the others are searched for in several spellings.
    """
    spellings = [word] if word.isascii() else dict.fromkeys([word, word.lower(), word.upper(), word.capitalize()])
    return Q.create([(f"{column}__icontains", spelling) for spelling in spellings for column in columns], Q.OR)
