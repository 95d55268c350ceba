"""The tags of an export. Each of its addresses leads somewhere here, even where two of them name one tag."""

from collections.abc import Iterable
from itertools import count

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias, tag_key
from wordpress.lookups import add, highest_key, rows
from wordpress.memory import Left, Memory, of_row, of_term
from wordpress.plain import numbered, plain, plain_lines, slug_key, usable_slug
from wordpress.records import Term
from wordpress.reports import TAGS, Outcome, Report

_MAX_NAME_LENGTH = 200
_MAX_KEY_LENGTH = 600


def bring_in_tags(terms: Iterable[Term], memory: Memory, report: Report) -> dict[str, int]:
    """Make the tags that are not here yet, and update those that changed; returns the key of each by its slug.

    Slugs are those of `slug_key`.

    The slug says which tag is meant, then the name (as tags.models compares names): another slug of a tag that
    was here before becomes an old address of it. Two slugs of one name in an export are two tags, as they were
    there: the second gets a number behind its name.
    """
    return _Tags(list(terms), memory, report).bring_in()


class _Tags:
    def __init__(self, terms: list[Term], memory: Memory, report: Report) -> None:
        self.memory = memory
        self.report = report
        self.terms = [(term, _name(term), usable_slug(term.slug)) for term in terms]
        slugs = [slug for _term, _name_, slug in self.terms]
        keys = [tag_key(name) for _term, name, _slug in self.terms]
        # By slug and by key, those here and those about to be made.
        self.by_slug: dict[str, Tag] = {}
        self.by_key: dict[str, Tag] = {}
        former = [alias for term in terms for alias in _aliases(term)]
        columns = ("pk", "name", "key", "slug", "description")
        for field, values in (("slug", [*slugs, *former]), ("key", keys)):
            for values_here in rows(Tag, field, values, *columns):
                tag = Tag(**dict(zip(columns, values_here, strict=True)))
                tag = self.by_key.setdefault(tag.key, tag)
                self.by_slug[tag.slug] = tag
        # What tells a tag of the site's own from one of the export's.
        self.slugs = set(slugs)
        self.names_wanted = set(keys)
        self.aliases: dict[str, int] = dict(rows(TagAlias, "slug", [*slugs, *former], "slug", "tag_id"))
        ids = [term.id for term in terms if term.id]
        self.numbers = {pk for (pk,) in rows(Tag, "pk", ids, "pk")}
        self.free = count(max([highest_key(Tag), *ids]) + 1)
        self.left = memory.recall(TAGS, (tag.pk for tag in self.by_slug.values()))
        self.made: list[tuple[Term, Tag]] = []
        # Counted in the report already.
        self.settled: set[int] = set()
        self.more_slugs: list[tuple[str, Tag]] = []

    def bring_in(self) -> dict[str, int]:
        self._renew()
        found = {slug_key(term.slug): self._tag(term, name, slug) for term, name, slug in self.terms}
        add([tag for _term, tag in self.made])
        for term, tag in self.made:
            self._remember(term, tag)
        self._bring_in_aliases(found)
        TagAlias.objects.bulk_create(
            [TagAlias(slug=slug, tag_id=tag.pk) for slug, tag in self.more_slugs], batch_size=500
        )
        return {slug: tag if isinstance(tag, int) else tag.pk for slug, tag in found.items()}

    def _bring_in_aliases(self, found: dict[str, Tag | int]) -> None:
        """The addresses that tags had before, as an export of ours says them, as far as they are free."""
        for term, _rest, _slug in self.terms:
            tag = found[slug_key(term.slug)]
            for alias in _aliases(term):
                if alias not in self.by_slug and alias not in self.aliases and isinstance(tag, Tag):
                    self.aliases[alias] = tag.pk
                    self.more_slugs.append((alias, tag))

    # Changed ones

    def _renew(self) -> None:
        """Give stored tags what the export says of them now, unless they were changed here too."""
        changed: dict[int, tuple[Term, str]] = {}
        for term, name, slug in self.terms:
            tag = self.by_slug.get(slug)
            if tag and tag.pk in self.left and self.left[tag.pk].exported != of_term(term):
                changed.setdefault(tag.pk, (term, name))
        tags = {tag.pk: tag for tag in self.by_slug.values() if tag.pk in changed}
        for pk, tag in list(tags.items()):
            if _left(tag) != self.left[pk].here:
                term = changed[pk][0]
                reason = _("It was changed in the export and here since the last import: here it stays as it is.")
                self.report.skip(TAGS, term.id, plain(term.name), reason)
                self.settled.add(pk)
                del tags[pk]
        # Two may have taken each other's name, so all names are free before one is given.
        before = {self.by_key.pop(tag.key).key: tag.pk for tag in tags.values()}
        for pk, tag in tags.items():
            term, name = changed[pk]
            tag.name = self._free_name(term, name) if tag_key(name) in self.by_key else name
            tag.key, tag.description = tag_key(tag.name), plain_lines(term.description)
            self.by_key[tag.key] = tag
            self.report.count(TAGS, Outcome.UPDATED)
            self._remember(term, tag)
        self.settled.update(tags)
        in_the_way = [before[tag.key] for tag in tags.values() if before.get(tag.key, tag.pk) != tag.pk]
        # No name has this key: keys hold single blanks.
        Tag.objects.bulk_update([Tag(pk=pk, key=f"  {pk}") for pk in in_the_way], ["key"], batch_size=500)
        Tag.objects.bulk_create(
            tags.values(),
            batch_size=500,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["name", "key", "description"],
        )

    def _remember(self, term: Term, tag: Tag) -> None:
        self.memory.remember(TAGS, term.id, tag.pk, Left(of_term(term), _left(tag)))

    # New ones

    def _tag(self, term: Term, name: str, slug: str) -> Tag | int:
        key = tag_key(name)
        if slug in self.by_slug and self.by_slug[slug].pk in self.settled:
            self.settled.discard(self.by_slug[slug].pk)
            return self.by_slug[slug]
        if slug in self.by_slug:
            tag = self.by_slug[slug]
            if tag.key != key and tag.pk not in self.left:
                self._note(term, _("Its address is that of the tag “%s”: its posts are filed there.") % tag.name)
            self.report.count(TAGS, Outcome.UNCHANGED)
            return tag
        if key in self.by_key and slug and slug not in self.aliases and self.by_key[key].slug in self.slugs:
            return self._make(term, self._free_name(term, name), slug)
        if key in self.by_key:
            return self._another_slug(term, slug, self.by_key[key])
        if slug in self.aliases:
            # Merged here since.
            self.report.count(TAGS, Outcome.UNCHANGED)
            return self.aliases[slug]
        return self._make(term, name, slug)

    def _another_slug(self, term: Term, slug: str, tag: Tag) -> Tag:
        if not slug or (slug in self.aliases and self.aliases[slug] == tag.pk):
            self.report.count(TAGS, Outcome.UNCHANGED)
        elif slug in self.aliases:
            self.report.count(TAGS, Outcome.UNCHANGED)
            self._note(term, _("Its address leads to another tag here."))
        else:
            self.report.count(TAGS, Outcome.IMPORTED)
            self._note(term, _("It is the same tag as “%s”: its address leads there.") % tag.name)
            self.more_slugs.append((slug, tag))
            self.by_slug[slug] = tag
        return tag

    def _make(self, term: Term, name: str, slug: str) -> Tag:
        if term.name and _name(term) != plain(term.name):
            self._note(term, _("The name is too long and was cut."))
        free = slug or numbered(slugify(name) or "tag", self._is_taken)
        if free != slug_from_export(term.slug):
            self._note(term, _("Its address cannot be kept: here it is “%s”.") % free)
        # WordPress's own number if it is free.
        pk = term.id if term.id and term.id not in self.numbers else next(self.free)
        self.numbers.add(pk)
        tag = Tag(pk=pk, name=name, key=tag_key(name), slug=free, description=plain_lines(term.description))
        self.by_slug[free] = self.by_key[tag.key] = tag
        self.made.append((term, tag))
        small = free.lower()
        if small != free and not self._is_taken(small):
            # As in WordPress, capitals make no difference in an address.
            self.aliases[small] = pk
            self.more_slugs.append((small, tag))
        self.report.count(TAGS, Outcome.IMPORTED)
        return tag

    def _free_name(self, term: Term, name: str) -> str:
        number = 2
        while self._is_name_taken(free := _with_number(name, number)):
            number += 1
        text = _("There are several tags of this name with addresses of their own: this one is called “%s” here.")
        self._note(term, text % free)
        return free

    def _is_name_taken(self, name: str) -> bool:
        key = tag_key(name)
        return key in self.by_key or key in self.names_wanted or Tag.objects.filter(key=key).exists()

    def _is_taken(self, slug: str) -> bool:
        return (
            slug in self.by_slug
            or Tag.objects.filter(slug=slug).exists()
            or TagAlias.objects.filter(slug=slug).exists()
        )

    def _note(self, term: Term, text: str) -> None:
        self.report.note(TAGS, 0, plain(term.name) or term.slug, text)


def _left(tag: Tag) -> str:
    return of_row(tag.name, tag.slug, tag.description)


def _aliases(term: Term) -> list[str]:
    """The slugs that an export of ours says the tag had before."""
    addresses = (address.strip("/").partition("/") for address in term.addresses)
    slugs = (slug_from_export(slug) for kind, _slash, slug in addresses if kind == "tag")
    return [slug for slug in slugs if slug and slug == usable_slug(slug)]


def _name(term: Term) -> str:
    """The name as we can keep it: never empty, and short enough, its key too."""
    name = plain(term.name)[:_MAX_NAME_LENGTH] or term.slug[:_MAX_NAME_LENGTH] or "tag"
    # Some signs stand for as many as eighteen letters.
    fits = len(name) <= _MAX_KEY_LENGTH // 18 or len(tag_key(name)) <= _MAX_KEY_LENGTH
    return name if fits else name[: _MAX_NAME_LENGTH // 10]


def _with_number(name: str, number: int) -> str:
    ending = f" ({number})"
    longest = _MAX_NAME_LENGTH - len(ending)
    # The number must be in the key too, which is cut where it is full.
    if len(tag_key(name[:longest])) + len(ending) > _MAX_KEY_LENGTH:
        longest = _MAX_NAME_LENGTH // 10
    return name[:longest] + ending
