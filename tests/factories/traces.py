"""Planted texts that are later looked for on a disk, in any form."""

import hashlib
import ipaddress
import json
import random
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import brotli

from tests.factories.marks import unpacked

# The end of each word. A byte may be between two letters: PostgreSQL's compression puts one before every eight.
_END: Final = "qzvx"
_ENDS: Final = re.compile(b".?".join(letter.encode() for letter in _END), re.DOTALL)
# The beginning has none of these letters, so that it is clear where the end begins.
_LETTERS: Final = sorted(set(string.ascii_lowercase) - set(_END))
_LENGTH: Final = 12
# An index omits the beginning of a word if the previous word begins with the same letters.
_KNOWN_BY: Final = 8
_ADDRESS: Final = re.compile(rb"[0-9a-f:.]{7,45}")
_HASHES: Final = ("md5", "sha1", "sha256", "blake2b")


@dataclass(frozen=True, slots=True)
class Trace:
    """A text, and the day from which on it must be nowhere: 0 if it must never be stored, None if it stays.

    Backups may contain it for some days longer. An IP address is found in any spelling.
    """

    kind: str
    text: str
    days: int | None

    def is_due(self, day: int, *, kept_longer: int = 0) -> bool:
        """Whether the text must be gone on this day."""
        return self.days is not None and (self.days == 0 or day >= self.days + kept_longer)


class Traces:
    def __init__(self, planted: Iterable[Trace] = ()) -> None:
        self.planted = list(planted)

    @classmethod
    def from_json(cls, text: str) -> "Traces":
        return cls(Trace(**values) for values in json.loads(text))

    def to_json(self) -> str:
        return json.dumps([asdict(trace) for trace in self.planted])

    def word(self, kind: str, days: int | None) -> str:
        """Return a new word that search indexes and spam filters accept as a word."""
        letters = random.choices(_LETTERS, k=_LENGTH)  # noqa: S311  # nothing depends on guessing it
        return self.add(kind, days, "".join(letters) + _END)

    def add(self, kind: str, days: int | None, text: str) -> str:
        """Look for a text that we can't choose."""
        self.planted.append(Trace(kind, text, days))
        return text

    def find(self, content: bytes) -> set[Trace]:
        """Return the traces in `content`, even if they are compressed or in another encoding."""
        # All parts at once, because most are small, and hundreds of texts are looked for.
        parts = b"\n\n".join(unpacked(content))
        found = {trace for form in _forms(parts) for trace in self._find(form)}
        return found | {trace for trace, raw in self._raw if raw in parts}

    def find_in_files(self, folder: Path) -> dict[Path, set[Trace]]:
        """Return the traces in the names and contents of the files in a folder."""
        found = {}
        for path in folder.rglob("*"):
            content = str(path.relative_to(folder)).encode()
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                content += b"\n" + (brotli.decompress(data) if path.suffix == ".br" else data)
            if traces := self.find(content):
                found[path.relative_to(folder)] = traces
        return found

    def _find(self, content: bytes) -> Iterator[Trace]:
        for end in _ENDS.finditer(content):
            before = content[max(0, end.start() - 2 * _LENGTH) : end.start()]
            letters = bytes(byte for byte in before if 97 <= byte <= 122)
            if trace := self._words.get(letters[-_KNOWN_BY:]):
                yield trace
        for match in _ADDRESS.finditer(content):
            if trace := self._addresses.get(_address(match[0])):
                yield trace
        for trace, text in self._others:
            if text in content:
                yield trace

    @cached_property
    def _words(self) -> dict[bytes, Trace]:
        words = [trace for trace in self.planted if trace.text.endswith(_END)]
        return {trace.text.removesuffix(_END)[-_KNOWN_BY:].encode(): trace for trace in words}

    @cached_property
    def _addresses(self) -> dict[object, Trace]:
        found = {_address(trace.text.encode()): trace for trace in self.planted}
        return {address: trace for address, trace in found.items() if address is not None}

    @cached_property
    def _others(self) -> list[tuple[Trace, bytes]]:
        """Return the traces that are looked for literally, in lower case: other texts, and hashes of addresses."""
        found = []
        for trace in self.planted:
            address = _address(trace.text.encode())
            if address is not None:
                found += [(trace, each.hexdigest().encode()) for each in _hashes(address)]
            elif not trace.text.endswith(_END):
                found.append((trace, trace.text.lower().encode()))
        return found

    @cached_property
    def _raw(self) -> list[tuple[Trace, bytes]]:
        """Return addresses whose bytes are looked for: those of their hashes, and of an IPv6 address itself."""
        found = []
        for trace in self.planted:
            address = _address(trace.text.encode())
            if address is not None:
                found += [(trace, each.digest()) for each in _hashes(address)]
            if isinstance(address, ipaddress.IPv6Address):
                found.append((trace, address.packed))
        return found


def _forms(content: bytes) -> Iterator[bytes]:
    """Yield `content` in lower case, like all that is looked for, and decoded."""
    lower = content.lower()
    yield lower
    if b"\0" in content:
        yield lower.translate(None, b"\0")
    if b"%" in content:
        yield unquote_to_bytes(content).lower()


def _hashes(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> "Iterator[hashlib._Hash]":
    return (hashlib.new(name, str(address).encode()) for name in _HASHES)


def _address(text: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.decode().rstrip(".:"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
