"""The terms of an export, stored compactly because there may be hundreds of thousands of tags."""

import pickle
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from core.slugs import slugify
from tags.names import tag_key
from wordpress.importing.ledger import StoredTerm, fingerprint_of
from wordpress.wxr.records import Term, TermRef
from wordpress.wxr.values import MAX_SLUG_LENGTH, slug_key

# More than any real site has. Each takes about 200 bytes until the end of an import.
MAX_TERMS: Final = 200_000
# How many terms are compressed together.
_CHUNK: Final = 1000


class ExportedTerms:
    """The terms of an export, each once: as defined, or as named by an item if there is no definition.

    They are compressed and distinguished only by hashes. Terms beyond MAX_TERMS are left out.
    """

    def __init__(self) -> None:
        self.highest_ids: Counter[str] = Counter()
        self.is_truncated = False
        # Pairs of a term and, unless it is a definition, its hash. Pickled and compressed in chunks, except the last.
        self._chunks: list[bytes] = []
        self._last: list[tuple[Term, int | None]] = []
        # The hashes of terms by taxonomy and `slug_key`. Some were named before they were defined.
        self._defined: set[int] = set()
        self._named: set[int] = set()
        # Terms without a slug, by taxonomy and name.
        self._without_slug: dict[tuple[str, str], Term] = {}
        # The terms that earlier imports have stored, by taxonomy and slug.
        self._stored: dict[tuple[str, str], StoredTerm] = {}

    def define(self, term: Term) -> None:
        """Add a term that has an element of its own. The first of several definitions counts."""
        if self._add(term, is_definition=True):
            self.highest_ids[term.taxonomy] = max(self.highest_ids[term.taxonomy], term.id)

    def name(self, ref: TermRef) -> None:
        """Add a term named by an item, unless it is known."""
        self._add(Term(ref.taxonomy, ref.slug, ref.name, "", ""), is_definition=False)

    def __iter__(self) -> Iterator[Term]:
        """Yield each term. A term without a slug gets one made from its name, unless another term has that name."""
        without_slug = dict(self._without_slug)
        for term in self._with_slugs():
            without_slug.pop((term.taxonomy, term.name), None)
            yield term
        slugs = self._slugs_here(without_slug)
        given = {hash((taxonomy, slug)) for (taxonomy, _name), slug in slugs.items()}
        # How many suffixes were tried for each slug, because many names may result in the same one.
        tried: Counter[tuple[str, str]] = Counter()
        for (taxonomy, name), term in without_slug.items():
            slug = slugs.get((taxonomy, name), "")
            if not slug:
                slug = base = slugify(name)[:MAX_SLUG_LENGTH] or "untitled"
                while (key := hash((taxonomy, slug))) in given or self._is_of_another(term, slug):
                    tried[taxonomy, base] += 1
                    suffix = f"-{tried[taxonomy, base] + 1}"
                    slug = base[: MAX_SLUG_LENGTH - len(suffix)] + suffix
                given.add(key)
            yield term._replace(slug=slug)

    @property
    def has_missing_slugs(self) -> bool:
        return bool(self._without_slug)

    def is_defined(self, taxonomy: str, slug: str) -> bool:
        """Return whether a term has an element of its own."""
        return hash((taxonomy, slug_key(slug))) in self._defined

    def recognise(self, stored: Iterable[StoredTerm]) -> None:
        """Give terms without a slug the one of the same term among those that earlier imports have `stored`.

        An export may contain them in another order than the one before, or only some of them.
        """
        self._stored = {(term.taxonomy, term.slug): term for term in stored}

    def slugs_of_names(self) -> dict[tuple[str, str], str]:
        """Return the slugs of the terms that items name without a slug, by taxonomy and name."""
        slugs: dict[tuple[str, str], str] = {}
        for term in self if self._without_slug else ():
            if (term.taxonomy, term.name) in self._without_slug:
                slugs.setdefault((term.taxonomy, term.name), term.slug)
        return slugs

    def _slugs_here(self, without_slug: Mapping[tuple[str, str], Term]) -> dict[tuple[str, str], str]:
        """Return the slugs of the stored terms with the names of these, by taxonomy and name."""
        slugs: dict[tuple[str, str], str] = {}
        for (taxonomy, slug), stored in self._stored.items():
            if (taxonomy, stored.name) in without_slug and not self._is_exported(taxonomy, slug_key(slug)):
                slugs.setdefault((taxonomy, stored.name), slug)
        return slugs

    def _is_of_another(self, term: Term, slug: str) -> bool:
        """Return whether another term has this slug, in the export or, as far as it was imported, here."""
        stored = self._stored.get((term.taxonomy, slug))
        # Someone may have changed its name here, or the spelling of its name on the old blog.
        is_same = stored is None or (
            stored.fingerprint == fingerprint_of(term._replace(slug=slug)) or tag_key(stored.name) == tag_key(term.name)
        )
        return self._is_exported(term.taxonomy, slug) or not is_same

    def _is_exported(self, taxonomy: str, key: str) -> bool:
        """Return whether a term of the export has a slug with this `slug_key`."""
        return hash((taxonomy, key)) in self._defined or hash((taxonomy, key)) in self._named

    def _add(self, term: Term, *, is_definition: bool) -> bool:
        """Add a term and return True, unless it is known or there are too many."""
        if not term.slug:
            is_known = (term.taxonomy, term.name) in self._without_slug
        else:
            key = hash((term.taxonomy, slug_key(term.slug)))
            is_known = key in self._defined or (key in self._named and not is_definition)
        if is_known:
            return False
        if len(self._defined) + len(self._named) + len(self._without_slug) >= MAX_TERMS:
            self.is_truncated = True
            return False
        if not term.slug:
            self._without_slug[term.taxonomy, term.name] = term
            return True
        (self._defined if is_definition else self._named).add(key)
        self._last.append((term, None if is_definition else key))
        if len(self._last) == _CHUNK:
            self._chunks.append(zlib.compress(pickle.dumps(self._last), level=1))
            self._last = []
        return True

    def _with_slugs(self) -> Iterator[Term]:
        """Yield the terms that have a slug. Those named before they were defined are yielded as defined."""
        unpacked = (pickle.loads(zlib.decompress(chunk)) for chunk in self._chunks)  # noqa: S301  # pickled above
        for chunk in chain(unpacked, [self._last]):
            for term, named in chunk:
                if named not in self._defined:
                    yield term


def hash_of_ref(ref: TermRef) -> int:
    """Return the hash by which a term is found as an item refers to it: by its slug, or else by its name."""
    return _hash_of_slug(ref.taxonomy, ref.slug) if ref.slug else _hash_of_name(ref.taxonomy, ref.name)


def hashes_of(term: Term) -> tuple[int, int]:
    """Return the hashes of everything by which items may refer to a term."""
    return _hash_of_slug(term.taxonomy, term.slug), _hash_of_name(term.taxonomy, term.name)


def _hash_of_slug(taxonomy: str, slug: str) -> int:
    return hash((taxonomy, "slug", slug_key(slug)))


def _hash_of_name(taxonomy: str, name: str) -> int:
    return hash((taxonomy, "name", name))


class TermIds:
    """The IDs here of the export's categories and tags, and the slugs of those that items name without one."""

    def __init__(self) -> None:
        # By taxonomy, then by the hash of the `slug_key`.
        self._pks: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self.slugs: dict[tuple[str, str], str] = {}

    def add(self, taxonomy: str, key: str, pk: int) -> None:
        """Add the term with this `slug_key`."""
        self._pks[taxonomy][hash(key)] = pk

    def pk(self, taxonomy: str, key: str) -> int:
        """Return the ID of the term with this `slug_key`; 0 if it was left out."""
        return self._pks[taxonomy].get(hash(key), 0)

    def of(self, refs: tuple[TermRef, ...], taxonomy: str) -> list[int]:
        """Return the IDs of the categories or tags among `refs`, each once, without those that were left out."""
        slugs = (ref.slug or self.slugs.get((taxonomy, ref.name), "") for ref in refs if ref.taxonomy == taxonomy)
        return [pk for pk in dict.fromkeys(self.pk(taxonomy, slug_key(slug)) for slug in slugs) if pk]
