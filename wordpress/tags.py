"""The tags of an export. Each of its addresses leads somewhere here, even where two of them name one tag."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts.slugs import slug_from_export, slugify
from tags.models import Tag, TagAlias, tag_key
from wordpress.lookups import rows
from wordpress.plain import numbered, plain, plain_lines, slug_key, usable_slug
from wordpress.records import Term
from wordpress.reports import TAGS, Outcome, Report

_MAX_NAME_LENGTH = 200
_MAX_KEY_LENGTH = 600


def bring_in_tags(terms: Iterable[Term], report: Report) -> dict[str, int]:
    """Make the tags that are not here yet; returns the key of each by its slug (slug_key).

    The slug says which tag is meant, then the name (as tags.models compares names): another slug of a tag that
    was here before becomes an old address of it. Two slugs of one name in an export are two tags, as they were
    there: the second gets a number behind its name.
    """
    return _Tags(list(terms), report).bring_in()


class _Tags:
    def __init__(self, terms: list[Term], report: Report) -> None:
        self.report = report
        self.terms = [(term, _name(term), usable_slug(term.slug)) for term in terms]
        slugs = [slug for _term, _name_, slug in self.terms]
        keys = [tag_key(name) for _term, name, _slug in self.terms]
        # By slug and by key, those here and those about to be made.
        self.by_slug: dict[str, Tag] = {}
        self.by_key: dict[str, Tag] = {}
        for field, values in (("slug", slugs), ("key", keys)):
            for pk, name, key, slug in rows(Tag, field, values, "pk", "name", "key", "slug"):
                tag = self.by_key.get(key) or Tag(pk=pk, name=name, key=key, slug=slug)
                self.by_slug[slug] = self.by_key[key] = tag
        # What tells a tag of the site's own from one of the export's.
        self.slugs = set(slugs)
        self.names_wanted = set(keys)
        self.aliases: dict[str, int] = dict(rows(TagAlias, "slug", slugs, "slug", "tag_id"))
        self.made: list[Tag] = []
        self.more_slugs: list[tuple[str, Tag]] = []

    def bring_in(self) -> dict[str, int]:
        found = {slug_key(term.slug): self._tag(term, name, slug) for term, name, slug in self.terms}
        Tag.objects.bulk_create(self.made, batch_size=500)
        TagAlias.objects.bulk_create(
            [TagAlias(slug=slug, tag_id=tag.pk) for slug, tag in self.more_slugs], batch_size=500
        )
        return {slug: tag if isinstance(tag, int) else tag.pk for slug, tag in found.items()}

    def _tag(self, term: Term, name: str, slug: str) -> Tag | int:
        key = tag_key(name)
        if slug in self.by_slug:
            tag = self.by_slug[slug]
            if tag.key != key:
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
        tag = Tag(name=name, key=tag_key(name), slug=free, description=plain_lines(term.description))
        self.by_slug[free] = self.by_key[tag.key] = tag
        self.made.append(tag)
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


def _name(term: Term) -> str:
    """The name as we can keep it: never empty, and short enough, its key too."""
    name = plain(term.name)[:_MAX_NAME_LENGTH] or term.slug[:_MAX_NAME_LENGTH] or "tag"
    # Some signs stand for as many as eighteen letters.
    return name if len(tag_key(name)) <= _MAX_KEY_LENGTH else name[: _MAX_NAME_LENGTH // 10]


def _with_number(name: str, number: int) -> str:
    ending = f" ({number})"
    longest = _MAX_NAME_LENGTH - len(ending)
    # The number must be in the key too, which is cut where it is full.
    if len(tag_key(name[:longest])) + len(ending) > _MAX_KEY_LENGTH:
        longest = _MAX_NAME_LENGTH // 10
    return name[:longest] + ending
