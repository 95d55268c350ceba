"""The tags of an export. Each of their URLs leads somewhere here, even if two of them belong to one tag."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import Final

from django.utils.translation import gettext as _

from core.slugs import slug_from_export, slugify, unique_slug
from tags.models import Tag, TagAlias, tag_key
from wordpress.bulk import fetch_rows, insert
from wordpress.fingerprints import fingerprint
from wordpress.importing.batches import write_batch
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import TAG_ALIASES, Recorded, fingerprint_term
from wordpress.importing.limits import max_length
from wordpress.importing.report import TAGS, Outcome
from wordpress.importing.steps.terms import terms_of
from wordpress.wxr.records import TAG, Term
from wordpress.wxr.values import MAX_SLUG_LENGTH, slug_key, usable_slug

_BATCH: Final = 500
_COLUMNS: Final = ("pk", "name", "key", "slug", "description")
_MAX_NAME_LENGTH: Final = max_length(Tag, "name")
_MAX_KEY_LENGTH: Final = max_length(Tag, "key")
# Case folding and normalising turn some characters into as many as eighteen.
_MAX_EXPANSION: Final = 18


def import_tags(context: ImportContext) -> None:
    """Create the tags that are not here yet, and update those that have changed.

    The slug says which tag is meant, then the name (compared as in tags.models). Another slug of a tag that was here
    before becomes an alias of it. Two slugs with one name in an export are two tags, as they were there: the second
    gets a number after its name.
    """
    tags = _Tags(context, [_Named(term) for term in terms_of(context.analysis, TAG)])
    tags.update_changed()
    for batch in batched(tags.named, _BATCH, strict=False):
        write_batch(context, partial(tags.import_some, batch))
    with_aliases = [named for named in tags.named if named.aliases]
    for batch in batched(with_aliases, _BATCH, strict=False):
        write_batch(context, partial(tags.import_aliases, batch))
    context.term_ids.by_slug[TAG] = tags.pks


def fingerprint_tag(tag: Tag) -> str:
    """Return the fingerprint of a stored tag: of what an import sets."""
    return fingerprint(tag.name, tag.slug, tag.description)


class _Named:
    """A tag of the export with the name and slug that it can have here."""

    def __init__(self, term: Term) -> None:
        self.term = term
        self.name = _fitting_name(term)
        self.key = tag_key(self.name)
        self.slug = usable_slug(term.slug)
        self.aliases = _exported_aliases(term)


@dataclass(slots=True)
class _Found:
    """The tags here that a batch is about, those that it creates, and who has which slug and name."""

    by_slug: dict[str, Tag]
    by_key: dict[str, Tag]
    aliases: dict[str, Tag | int]
    used_ids: set[int]
    recorded: dict[int, Recorded]
    created: list[tuple[Term, Tag]] = field(default_factory=list)
    new_aliases: list[tuple[str, Tag]] = field(default_factory=list)

    def is_slug_taken(self, slug: str) -> bool:
        return (
            slug in self.by_slug
            or Tag.objects.filter(slug=slug).exists()
            or TagAlias.objects.filter(slug=slug).exists()
        )


class _Tags:
    def __init__(self, context: ImportContext, named: Sequence[_Named]) -> None:
        self.context = context
        self.named = named
        # What distinguishes a tag of this site from one of the export.
        self.slugs = {one.slug for one in named}
        self.keys = {one.key for one in named}
        # By `slug_key`.
        self.pks: dict[str, int] = {}
        # Terms whose tags were merged into others here, by `slug_key`.
        self.merged: set[str] = set()
        # The slugs of the tags that are in the report already.
        self.reported: set[str] = set()

    # Changed tags

    def update_changed(self) -> None:
        """Give stored tags what the export says now, unless they were changed here too."""
        stored = dict(fetch_rows(Tag, "slug", self.slugs, "slug", "pk"))
        recorded = self.context.ledger.recorded(TAGS, stored.values())
        changed = {
            pk: one
            for one in self.named
            if (pk := stored.get(one.slug)) in recorded and recorded[pk].exported != fingerprint_term(one.term)
        }
        if changed:
            write_batch(self.context, partial(self._update, changed, recorded))

    def _update(self, changed: dict[int, _Named], recorded: dict[int, Recorded]) -> None:
        self.reported = {one.slug for one in changed.values()}
        stored = Tag.objects.in_bulk(changed)
        tags: dict[int, Tag] = {}
        for pk, one in changed.items():
            if pk in stored and fingerprint_tag(stored[pk]) == recorded[pk].stored:
                tags[pk] = stored[pk]
            else:
                reason = _("It was changed in the export and here since the last import, so it stays as it is.")
                self.context.report.skip(TAGS, one.term.id, one.term.name, reason)
        # Two tags may have swapped their names, so all names are free before one is given.
        old_keys = {tag.key: pk for pk, tag in tags.items()}
        wanted = (changed[pk].key for pk in tags)
        taken = {key for key, pk in fetch_rows(Tag, "key", wanted, "key", "pk") if pk not in tags}
        for pk, tag in tags.items():
            one = changed[pk]
            tag.name = self._free_name(one, taken) if one.key in taken else one.name
            tag.key, tag.description = tag_key(tag.name), one.term.description
            taken.add(tag.key)
            self.context.report.count(TAGS, Outcome.UPDATED)
            exported = fingerprint_term(one.term)
            self.context.ledger.add_updated(TAGS, one.term.id, pk, exported, fingerprint_tag(tag))
        in_the_way = [old_keys[tag.key] for pk, tag in tags.items() if old_keys.get(tag.key, pk) != pk]
        # No name has such a key: keys contain single spaces only.
        Tag.objects.bulk_update([Tag(pk=pk, key=f"  {pk}") for pk in in_the_way], ["key"], batch_size=500)
        Tag.objects.bulk_update(tags.values(), ["name", "key", "description"], batch_size=500)

    # New tags

    def import_some(self, batch: Sequence[_Named]) -> None:
        found = self._find(batch)
        tags = {slug_key(one.term.slug): self._tag_for(one, found) for one in batch}
        without_id = [tag for _term, tag in found.created if tag.pk is None]
        for tag, pk in zip(without_id, self.context.new_ids.take(Tag, len(without_id)), strict=True):
            tag.pk = pk
        insert([tag for _term, tag in found.created])
        for term, tag in found.created:
            self.context.ledger.add_new(TAGS, term.id, tag.pk, fingerprint_term(term), fingerprint_tag(tag))
        aliases = [TagAlias(slug=slug, tag_id=tag.pk) for slug, tag in found.new_aliases]
        self._store_aliases(aliases, {tag.pk for _term, tag in found.created})
        self.pks |= {key: tag if isinstance(tag, int) else tag.pk for key, tag in tags.items()}
        self.merged |= {key for key, tag in tags.items() if isinstance(tag, int)}

    def import_aliases(self, batch: Sequence[_Named]) -> None:
        """Add the slugs that tags had before, as our own exports list them, unless they are in use."""
        slugs = [alias for one in batch for alias in one.aliases]
        used = {slug for (slug,) in fetch_rows(Tag, "slug", slugs, "slug")}
        used |= {slug for (slug,) in fetch_rows(TagAlias, "slug", slugs, "slug")}
        aliases = []
        for one in batch:
            key = slug_key(one.term.slug)
            new = [alias for alias in dict.fromkeys(one.aliases) if alias not in used and key not in self.merged]
            aliases += [TagAlias(slug=alias, tag_id=self.pks[key]) for alias in new]
            used.update(new)
        self._store_aliases(aliases)

    def _find(self, batch: Sequence[_Named]) -> _Found:
        slugs = [one.slug for one in batch]
        by_slug: dict[str, Tag] = {}
        by_key: dict[str, Tag] = {}
        for name, values in (("slug", slugs), ("key", [one.key for one in batch])):
            for row in fetch_rows(Tag, name, values, *_COLUMNS):
                tag = Tag(**dict(zip(_COLUMNS, row, strict=True)))
                tag = by_key.setdefault(tag.key, tag)
                by_slug[tag.slug] = tag
        aliases: dict[str, Tag | int] = dict(fetch_rows(TagAlias, "slug", slugs, "slug", "tag_id"))
        used_ids = {pk for (pk,) in fetch_rows(Tag, "pk", (one.term.id for one in batch), "pk")}
        recorded = self.context.ledger.recorded(TAGS, (tag.pk for tag in by_slug.values()))
        return _Found(by_slug, by_key, aliases, used_ids, recorded)

    def _tag_for(self, one: _Named, found: _Found) -> Tag | int:
        slug, key = one.slug, one.key
        if slug in found.by_slug:
            tag = found.by_slug[slug]
            if slug not in self.reported:
                if tag.key != key and tag.pk not in found.recorded:
                    self._note(one, _("Its slug belongs to the tag “%s”, so its posts have that tag.") % tag.name)
                self.context.report.count(TAGS, Outcome.UNCHANGED)
            return tag
        if key in found.by_key:
            tag = found.by_key[key]
            if slug and slug not in found.aliases and tag.slug in self.slugs:
                return self._create(one, self._free_name(one, found.by_key), found)
            return self._add_slug(one, tag, found)
        if slug in found.aliases:
            # The tags were merged here.
            self.context.report.count(TAGS, Outcome.UNCHANGED)
            return found.aliases[slug]
        return self._create(one, one.name, found)

    def _add_slug(self, one: _Named, tag: Tag, found: _Found) -> Tag:
        """Let the slug of a term lead to `tag`, which has the same name."""
        leads_to = found.aliases.get(one.slug)
        if one.slug and leads_to is None:
            self.context.report.count(TAGS, Outcome.IMPORTED)
            self._note(one, _("It is the same tag as “%s”, so its URL leads there.") % tag.name)
            found.new_aliases.append((one.slug, tag))
            found.by_slug[one.slug] = tag
            return tag
        self.context.report.count(TAGS, Outcome.UNCHANGED)
        if one.slug and leads_to not in (tag, tag.pk):
            self._note(one, _("Its URL leads to another tag here."))
        return tag

    def _create(self, one: _Named, name: str, found: _Found) -> Tag:
        term = one.term
        if term.name and one.name != term.name:
            self._note(one, _("The name was too long and was shortened."))
        slug = one.slug or unique_slug(slugify(name) or "tag", found.is_slug_taken, max_length=MAX_SLUG_LENGTH)
        if slug != slug_from_export(term.slug):
            self._note(one, _("Its slug cannot be kept. It is “%s” here.") % slug)
        pk = term.id if term.id and term.id not in found.used_ids else None
        if pk:
            found.used_ids.add(pk)
        tag = Tag(pk=pk, name=name, key=tag_key(name), slug=slug, description=term.description)
        found.by_slug[slug] = found.by_key[tag.key] = tag
        found.created.append((term, tag))
        lower = slug.lower()
        if lower != slug and not found.is_slug_taken(lower):
            # As in WordPress, case makes no difference in a URL.
            found.aliases[lower] = tag
            found.new_aliases.append((lower, tag))
        self.context.report.count(TAGS, Outcome.IMPORTED)
        return tag

    def _store_aliases(self, aliases: Sequence[TagAlias], created: Container[int] = ()) -> None:
        for alias in TagAlias.objects.bulk_create(aliases, batch_size=500):
            # The aliases of a new tag go when it goes.
            if alias.tag_id not in created:
                self.context.ledger.add_new(TAG_ALIASES, 0, alias.pk)

    def _free_name(self, one: _Named, taken: Container[str]) -> str:
        number = 2
        while self._is_name_taken(free := _with_number(one.name, number), taken):
            number += 1
        self._note(one, _("Several tags with their own URLs have this name. This one is called “%s” here.") % free)
        return free

    def _is_name_taken(self, name: str, taken: Container[str]) -> bool:
        key = tag_key(name)
        return key in taken or key in self.keys or Tag.objects.filter(key=key).exists()

    def _note(self, one: _Named, text: str) -> None:
        self.context.report.note(TAGS, 0, one.term.name or one.term.slug, text)


def _exported_aliases(term: Term) -> list[str]:
    """Return the slugs that the tag had before, which only our own exports have."""
    paths = (url.strip("/").partition("/") for url in term.legacy_urls)
    slugs: Iterable[str] = (slug_from_export(slug) for kind, _slash, slug in paths if kind == "tag")
    return [slug for slug in slugs if slug and slug == usable_slug(slug)]


def _fitting_name(term: Term) -> str:
    """Return the name as it can be stored: not empty, and short enough for the key made of it."""
    name = term.name[:_MAX_NAME_LENGTH] or term.slug[:_MAX_NAME_LENGTH] or "tag"
    fits = len(name) <= _MAX_KEY_LENGTH // _MAX_EXPANSION or len(tag_key(name)) <= _MAX_KEY_LENGTH
    return name if fits else name[: _MAX_NAME_LENGTH // 10]


def _with_number(name: str, number: int) -> str:
    ending = f" ({number})"
    longest = _MAX_NAME_LENGTH - len(ending)
    # The number must be in the key too, which is cut to its full length.
    if len(tag_key(name[:longest])) + len(ending) > _MAX_KEY_LENGTH:
        longest = _MAX_NAME_LENGTH // 10
    return name[:longest] + ending
