"""The languages of names that have none of their own, such as those of tags, as far as their script tells.

A screen reader with an English voice is silent at letters of another script, unless it learns their language.
"""

import re
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.utils.translation import get_language

from core.languages import language_name

# Languages with letters of their own, and after them the one that stands for all others in the same script.
_LETTERS: Final = {
    "fa": ("Arabic", re.compile("[پچژگکی]")),
    "ar": ("Arabic", re.compile("[\u0620-\u06ff]")),
    "uk": ("Cyrillic", re.compile("[іїєґ]")),
    "ru": ("Cyrillic", re.compile("[\u0400-\u04ff]")),
    "el": ("Greek", re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    "he": ("Hebrew", re.compile("[\u05d0-\u05ea]")),
    "hi": ("Devanagari", re.compile("[\u0900-\u097f]")),
    "th": ("Thai", re.compile("[\u0e00-\u0e7f]")),
    "ko": ("Hangul", re.compile("[\uac00-\ud7af]")),
    "ja": ("Han", re.compile("[\u3040-\u30ff]")),
    "zh": ("Han", re.compile("[\u3400-\u9fff]")),
}


def language_of(name: str) -> str:
    """Return the likely language of a name in another script than that of the active language; else an empty string.

    Latin letters are likely to be in the language of the site.
    """
    return _language_of(name, get_language() or settings.LANGUAGE_CODE, settings.LANGUAGE_CODE)


def language_attribute(name: str) -> str:
    """Return ` lang="…"` for an element with this name, or an empty string."""
    language = language_of(name)
    return f' lang="{language}"' if language else ""


@lru_cache(maxsize=4_096)
def _language_of(name: str, around: str, site: str) -> str:
    language, script = _guess(name)
    if script == _guess(language_name(around))[1]:
        return ""
    # The site may be in another script as well.
    return language or ("" if _guess(language_name(site))[1] else site)


def _guess(name: str) -> tuple[str, str]:
    """Return a language and its script. Both are empty if the name has Latin letters or none of these scripts."""
    lower = name.lower()
    if re.search("[a-z\u00df-\u024f]", lower):
        return "", ""
    return next(((code, script) for code, (script, letters) in _LETTERS.items() if letters.search(lower)), ("", ""))
