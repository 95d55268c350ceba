"""Normal forms in which words, names, e-mail addresses and hosts are compared, regardless of case and accents."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from core.text import CharacterTable, remove_accents

# Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Chinese.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# Only from the start of a word. Otherwise a long word without a dot would be scanned again from each of its characters.
_DOTTED = re.compile(r"(?<![\w-])[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"(?:https?:|(?<!:))//[^\s/?#<>\"]+|\bwww\.[\w.-]+")


# Replaces everything but letters, marks and digits with spaces.
_WORDS_ONLY = CharacterTable(lambda char: char if unicodedata.category(char)[0] in "LMN" else " ")
# Cyrillic and Greek letters, and digits, that look like Latin letters, in lower or upper case. Source: Unicode UTS 39.
_LOOKALIKES = str.maketrans("авеікмнорстухһјѕԁӏαβεζηικμνορτυχ01i", "abeikmhopctyxhjsdlabezhlkmnoptyxoll")
_WITHOUT_INVISIBLE = CharacterTable(lambda char: "" if unicodedata.category(char) == "Cf" else char)


def plain_case(text: str) -> str:
    """Remove differences of case, width and the like, but not accents. Source: Unicode, NFKC_Casefold."""
    decomposed = unicodedata.normalize("NFD", text)
    once = unicodedata.normalize("NFKC", decomposed.casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def fold(text: str) -> str:
    """Return the form that is compared: `Café`, `CAFE` and `ｃａｆé` are the same, and so are `Ёж` and `еж`."""
    return plain_case(remove_accents(plain_case(text)))


def words(text: str) -> list[str]:
    """Return the folded words of `text`. Text in a script without spaces is one long word."""
    return fold(text).translate(_WORDS_ONLY).split()


def line(text: str) -> str:
    """Return all words of `text` on one line, with a space between them and at both ends."""
    return f" {' '.join(words(text))} "


def phrase(text: str) -> str:
    """Return what to search a `line` for: whole words, or any part in scripts without spaces. Empty without words."""
    found = " ".join(words(text))
    if not found:
        return ""
    before = "" if _STARTS_UNSPACED.match(found[0]) else " "
    after = "" if _STARTS_UNSPACED.match(found[-1]) else " "
    return f"{before}{found}{after}"


def as_seen(name: str) -> str:
    """Return `name` as a line of words (`line`) in which letters that look the same are the same."""
    return line(fold(name).translate(_LOOKALIKES))


def is_like_name(seen: str, other: str) -> bool:
    """Whether readers could take a name for the other: it has all of its words, or the only one and no more.

    Both are given `as_seen`.
    """
    count = len(other.split())
    return seen == other if count == 1 else count > 1 and other in seen


def tokens(text: str) -> Iterator[str]:
    """Yield the words of `text`, and each pair of adjacent characters in scripts without spaces."""
    for word in words(text):
        for run in _RUN.findall(word):
            if _STARTS_UNSPACED.match(run) and len(run) > 1:
                yield from (run[start : start + 2] for start in range(len(run) - 1))
            else:
                yield run


def start(text: str) -> str:
    """Return the first token of a phrase; empty without words."""
    return next(tokens(text), "")


def starts(text: str) -> set[str]:
    """Return the possible `start` of every phrase that the `line` of `text` may contain."""
    found = set(tokens(text))
    return found | {char for token in found if _STARTS_UNSPACED.match(token) for char in token}


def host(text: str) -> str:
    """Return the host in a URL, an e-mail address or similar, in lower case and without `www.`; empty if there is none.

    An international host has the same form in either spelling (`xn--…`).
    """
    found = _DOTTED.search(_plain_url(text).rpartition("@")[2])
    return _normal_host(found[0]) if found else ""


def hosts(text: str) -> list[str]:
    """Return everything in `text` that may be a host, each once, starting with those in URLs."""
    plain = _plain_url(text)
    return _hosts_in([*_urls_in(plain), plain])


def linked_hosts(text: str) -> list[str]:
    """Return the hosts of the URLs in `text`, each once."""
    return _hosts_in(_urls_in(_plain_url(text)))


def _urls_in(plain: str) -> list[str]:
    return [match[0].removeprefix("http:").removeprefix("https:") for match in _URL.finditer(plain)]


def _hosts_in(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(_normal_host, _DOTTED.findall(" ".join(texts))))))


def with_parents(name: str) -> list[str]:
    """Return the host and its parent domains: `a.b.example.org`, `b.example.org`, `example.org`."""
    labels = name.split(".")
    # Real hosts have at most eight labels. A made-up one must not cause a hundred look-ups.
    return [".".join(labels[start:]) for start in range(max(0, len(labels) - 8), len(labels) - 1)]


def _plain_url(text: str) -> str:
    # Browsers decode percent-encoded hosts.
    return plain_case(unquote(text)).translate(_WITHOUT_INVISIBLE)


def _normal_host(name: str) -> str:
    # DNS limits the length of a host.
    if len(name) > 253:
        return ""
    labels = [_decode_punycode(label) for label in name.split(".")]
    if labels[0] == "www" and len(labels) > 2:
        del labels[0]
    return ".".join(labels)


def _decode_punycode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return plain_case(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label
