"""How words, names, addresses and hosts are compared: whatever the case, the accents and the script."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

# Marks of a combining class below this make another letter (kana, the scripts of India); those above are accents.
_FIRST_ACCENT = 10
# Of a host as DNS has it.
MAX_HOST_LENGTH = 253

# Writing without blanks: Thai, Lao, Burmese, Khmer, kana, Chinese.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_LINKED = re.compile(r"(?:https?:|(?<!:))//[^\s/?#<>\"]+|\bwww\.[\w.-]+")


class _Memo(dict[int, str | None]):
    """A table for `str.translate` that fills itself."""

    def __init__(self, keeps: str, instead: str | None) -> None:
        super().__init__()
        self._keeps, self._instead = keeps, instead

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        self[code] = sign if unicodedata.category(sign)[0] in self._keeps else self._instead
        return self[code]


class _Accents(dict[int, str | None]):
    """Leaves out accents, and signs that nobody sees, such as a soft hyphen in a blocked word."""

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        drops = unicodedata.combining(sign) >= _FIRST_ACCENT or unicodedata.category(sign) == "Cf"
        self[code] = None if drops else sign
        return self[code]


_ACCENTS = _Accents()
_ONLY_WORDS = _Memo("LMN", " ")


def plain_case(text: str) -> str:
    """`text` without differences of case, width and the like; accents stay. Source: Unicode, NFKC_Casefold."""
    decomposed = unicodedata.normalize("NFD", text)
    once = unicodedata.normalize("NFKC", decomposed.casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def fold(text: str) -> str:
    """`text` as it is compared: `Café`, `CAFE` and `ｃａｆé` are one, and so are `Ёж` and `еж`."""
    bare = unicodedata.normalize("NFKD", plain_case(text)).translate(_ACCENTS)
    return plain_case(bare)


def words(text: str) -> list[str]:
    """The folded words of `text`; writing without blanks is one long word."""
    return fold(text).translate(_ONLY_WORDS).split()


def line(text: str) -> str:
    """All words of `text` in one line, a blank between any two and at both ends."""
    return f" {' '.join(words(text))} "


def phrase(text: str) -> str:
    """What to look for in a `line`: whole words, but any part of writing without blanks. Empty without a word."""
    found = " ".join(words(text))
    if not found:
        return ""
    before = "" if _STARTS_UNSPACED.match(found[0]) else " "
    after = "" if _STARTS_UNSPACED.match(found[-1]) else " "
    return f"{before}{found}{after}"


def tokens(text: str) -> Iterator[str]:
    """The words of `text`; of writing without blanks each two signs that follow each other."""
    for word in words(text):
        for run in _RUN.findall(word):
            if _STARTS_UNSPACED.match(run) and len(run) > 1:
                yield from (run[start : start + 2] for start in range(len(run) - 1))
            else:
                yield run


def start(text: str) -> str:
    """What a phrase begins with: a word, or of writing without blanks its first two signs. Empty without a word."""
    return next(tokens(text), "")


def starts(text: str) -> set[str]:
    """All that a phrase may begin with that is found in the `line` of `text`."""
    found = set(tokens(text))
    return found | {sign for token in found if _STARTS_UNSPACED.match(token) for sign in token}


def host(text: str) -> str:
    """The host in an address, or in what looks like one: in small letters, without `www.`; empty if there is none.

    A host in other scripts is the same in both its spellings (`xn--…`).
    """
    found = _DOTTED.search(_address(text).rpartition("@")[2])
    return _same_host(found[0]) if found else ""


def hosts(text: str) -> list[str]:
    """All that may be a host in `text`, each once; first what stands in a web address."""
    plain = _address(text)
    return _hosts_in(" ".join([*_linked(plain), plain]))


def linked_hosts(text: str) -> list[str]:
    """The hosts of the web addresses in `text`, each once."""
    return _hosts_in(" ".join(_linked(_address(text))))


def _linked(plain: str) -> Iterator[str]:
    return (match[0].removeprefix("http:").removeprefix("https:") for match in _LINKED.finditer(plain))


def _hosts_in(plain: str) -> list[str]:
    return list(dict.fromkeys(filter(None, map(_same_host, _DOTTED.findall(plain)))))


def with_parents(name: str) -> list[str]:
    """The host and those it lies in: `a.b.example.org`, `b.example.org`, `example.org`."""
    labels = name.split(".")
    # Eight labels are enough for anything real, and a made-up host cannot ask for a hundred.
    return [".".join(labels[start:]) for start in range(max(0, len(labels) - 8), len(labels) - 1)]


def _address(text: str) -> str:
    # A browser reads what is written in percent signs.
    return "".join(sign for sign in plain_case(unquote(text)) if unicodedata.category(sign) != "Cf")


def _same_host(name: str) -> str:
    if len(name) > MAX_HOST_LENGTH:
        return ""
    labels = [_unpunycoded(label) for label in name.split(".")]
    if labels[0] == "www" and len(labels) > 2:
        del labels[0]
    return ".".join(labels)


def _unpunycoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return plain_case(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label
