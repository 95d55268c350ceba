"""Guessing the language of a text, because WordPress's exports do not give it. No text leaves the machine.

The model is fastText's small one (`lid176/README.md`). It takes 6 MB of memory and 0.1 ms per text.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import fasttext
from django.conf import settings

from core.text import remove_unstorable

_MODEL: Final = Path(__file__).parent / "lid176" / "lid.176.ftz"
_NOT_PROSE: Final = re.compile(r"<pre\b.*?</pre>|<[^>]*>|https?://\S+|&\w+;", re.DOTALL)
# Codes of the model that Django doesn't use. Norwegian is nearly always Bokmål, and Egyptian Arabic is written like
# Standard Arabic.
_CODES: Final = {"no": "nb", "arz": "ar"}
# Names and single words could be in any language.
_MIN_LETTERS: Final = 20
# The probability that the language must have in at least one part of the text, and the probability from which another
# language in any part rules it out.
_CERTAIN: Final = 0.8
_LIKELY: Final = 0.5
# The length of the sampled parts of a text, in characters.
_PART: Final = 80


@cache
def _model() -> Any:
    return fasttext.load_model(str(_MODEL))


def guess_language(title: str, html: str) -> str:
    """Return the code of a text's language; an empty string if it is uncertain or Django doesn't know it.

    Tags, URLs and code are ignored. The beginning, middle and end are checked, so a text in two languages has none.
    """
    text = " ".join(remove_unstorable(f"{title} {_NOT_PROSE.sub(' ', html)}").split()).lower()
    middle = (len(text) - _PART) // 2
    parts = [text[:_PART], text[middle : middle + _PART], text[-_PART:]] if len(text) > 1.5 * _PART else [text]
    likely = [_predict(part) for part in parts if sum(map(str.isalpha, part)) >= _MIN_LETTERS]
    likely = [(code, probability) for code, probability in likely if probability >= _LIKELY]
    codes = {code for code, _probability in likely}
    is_certain = len(codes) == 1 and max(probability for _code, probability in likely) >= _CERTAIN
    code = codes.pop() if is_certain and codes <= _known_codes() else ""
    return _chinese(text) if code == "zh" else code


def _chinese(text: str) -> str:
    """Return which of the two Chinese scripts a text is in: each has a charset that lacks characters of the other."""
    # The charsets also differ in punctuation, which both scripts share.
    letters = "".join(filter(str.isalpha, text))
    simplified, traditional = (len(letters.encode(charset, "ignore")) for charset in ("gb2312", "big5"))
    return "zh-hans" if simplified >= traditional else "zh-hant"


def _predict(text: str) -> tuple[str, float]:
    (label,), (probability,) = _model().predict(text)
    code = label.removeprefix("__label__")
    return _CODES.get(code, code), probability


@cache
def _known_codes() -> frozenset[str]:
    return frozenset(code.partition("-")[0] for code, _name in settings.LANGUAGES)
