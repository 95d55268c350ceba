"""The tags of an export. Each of their URLs works here, even if two of them belong to the same tag."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from itertools import batched
from typing import Final

from django.utils.translation import gettext as _

from blog.models import PostInCategory
from core.bulk import fetch_rows, insert
from core.changes import entries_changed
from core.slugs import slug_from_export, slugify, unique_slug
from tags.models import FormerName, Tag, TagAlias, TaggedPost
from tags.names import NAME_FIELDS, tag_key
from wordpress.importing.batches import write_batch, write_batches
from wordpress.importing.context import ImportContext
from wordpress.importing.ledger import TAG_ALIASES, Ledger, Recorded, fingerprint_of
from wordpress.importing.limits import max_length
from wordpress.importing.preserved import preserve, term_fields
from wordpress.importing.report import TAGS, Outcome
from wordpress.importing.steps.skipped import changed_on_both_sides
from wordpress.wxr.records import TAG, Term
from wordpress.wxr.values import MAX_SLUG_LENGTH, slug_key, usable_slug

_MAX_NAME_LENGTH: Final = max_length(Tag, "name")
_MAX_KEY_LENGTH: Final = max_length(Tag, "key")


def import_tags(context: ImportContext) -> None:
    """Create the tags that are not here yet, and update those that have changed.

    A tag is identified by its slug, then by its name (compared as in tags.models). Another slug of a tag that was here
    before becomes an alias of it. Two slugs with the same name in an export are two tags, as in WordPress; the second
    gets a number after its name.
    """
    tags = _Tags(context)
    tags.update_changed()
    write_batches(context, tags.exported(), tags.import_some, size=500)
    with_aliases = (exported for exported in tags.exported() if exported.aliases)
    write_batches(context, with_aliases, tags.import_aliases, size=500)


class _ExportedTag:
    """A tag of the export with the name and slug that it can have here."""

    def __init__(self, term: Term) -> None:
        self.term = term
        self.name = term.name[:_MAX_NAME_LENGTH] or term.slug[:_MAX_NAME_LENGTH] or "tag"
        # Case folding and normalising turn some characters into up to eighteen.
        if len(self.name) > _MAX_KEY_LENGTH // 18 and len(tag_key(self.name)) > _MAX_KEY_LENGTH:
            self.name = self.name[: _MAX_NAME_LENGTH // 10]
        self.key = tag_key(self.name)
        self.slug = usable_slug(term.slug)
        # Its former slugs, which only our own exports contain.
        paths = (url.strip("/") for url in term.legacy_urls)
        slugs = (slug_from_export(path.removeprefix("tag/")) for path in paths if path.startswith("tag/"))
        self.aliases = [slug for slug in slugs if slug and slug == usable_slug(slug)]


class _Lookup:
    """The stored tags that a batch refers to, and the tags that it creates, by slug and by name."""

    def __init__(self, batch: Sequence[_ExportedTag], ledger: Ledger) -> None:
        slugs = [exported.slug for exported in batch]
        found = [
            *Tag.objects.in_bulk(slugs, field_name="slug").values(),
            *Tag.objects.in_bulk([exported.key for exported in batch], field_name="key").values(),
        ]
        self.by_slug = {tag.slug: tag for tag in found}
        self.by_key = {tag.key: tag for tag in found}
        self.aliases = {slug: Tag(pk=pk) for slug, pk in fetch_rows(TagAlias, "slug", slugs, "slug", "tag_id")}
        keys = [exported.key for exported in batch]
        self.former_names = {key: Tag(pk=pk) for key, pk in fetch_rows(FormerName, "key", keys, "key", "tag_id")}
        self.recorded = ledger.recorded(TAGS, (tag.pk for tag in found))
        self.created: list[tuple[Term, Tag]] = []
        self.new_aliases: list[tuple[str, Tag]] = []

    def is_slug_taken(self, slug: str) -> bool:
        stored = (Tag.objects.filter(slug=slug), TagAlias.objects.filter(slug=slug))
        return slug in self.by_slug or any(rows.exists() for rows in stored)


class _Tags:
    def __init__(self, context: ImportContext) -> None:
        self.context = context
        # Terms whose tags were merged into others here, by `slug_key`.
        self.merged: set[str] = set()
        # The slugs of tags that are already in the report.
        self.reported: set[str] = set()
        # How many numbers were tried after each name that several tags have, by key.
        self.tried: Counter[str] = Counter()

    # Hashes save memory, because there may be hundreds of thousands. Most imports need neither set.
    @cached_property
    def slugs(self) -> set[int]:
        """The hashed slugs of all tags of the export, to distinguish them from tags of this site."""
        return {hash(exported.slug) for exported in self.exported()}

    @cached_property
    def keys(self) -> set[int]:
        """The hashed keys of all tags of the export."""
        return {hash(exported.key) for exported in self.exported()}

    def exported(self) -> Iterator[_ExportedTag]:
        """Yield the tags of the export."""
        return (_ExportedTag(term) for term in self.context.analysis.terms if term.taxonomy == TAG)

    def update_changed(self) -> None:
        """Update stored tags from the export, unless they were changed here too."""
        changed: dict[int, _ExportedTag] = {}
        recorded: dict[int, Recorded] = {}
        for batch in batched(self.exported(), 500):
            stored = dict(fetch_rows(Tag, "slug", (exported.slug for exported in batch), "slug", "pk"))
            records = self.context.ledger.recorded(TAGS, stored.values())
            for exported in batch:
                pk = stored.get(exported.slug)
                if pk in records and records[pk].exported != fingerprint_of(exported.term):
                    changed[pk], recorded[pk] = exported, records[pk]
        if changed:
            write_batch(self.context, self._update, changed, recorded)

    def _update(self, changed: dict[int, _ExportedTag], recorded: dict[int, Recorded]) -> None:
        self.reported = {exported.slug for exported in changed.values()}
        posts = [pk for (pk,) in fetch_rows(TaggedPost, "tag", changed, "content_object")]
        # As in curation, the posts first. Someone may be renaming a tag at the same time.
        PostInCategory.objects.lock_posts(set(posts))
        tags = {tag.pk: tag for tag in Tag.objects.locked(changed)}
        for pk, exported in changed.items():
            if pk not in tags or fingerprint_of(tags[pk]) != recorded[pk].stored:
                tags.pop(pk, None)
                self.context.report.skip(TAGS, exported.term.id, exported.term.name, changed_on_both_sides())
        # Two tags may have swapped names, so all names are freed before any is assigned.
        old_keys = {tag.key: pk for pk, tag in tags.items()}
        old_names = {pk: tag.name for pk, tag in tags.items()}
        new_keys = (changed[pk].key for pk in tags)
        taken = {key for key, pk in fetch_rows(Tag, "key", new_keys, "key", "pk") if pk not in tags}
        for pk, tag in tags.items():
            exported = changed[pk]
            tag.set_name(self._free_name(exported, taken) if exported.key in taken else exported.name)
            tag.description = exported.term.description
            taken.add(tag.key)
            self.context.record(TAGS, exported.term, tag, is_new=False)
        in_the_way = [old_keys[tag.key] for pk, tag in tags.items() if old_keys.get(tag.key, pk) != pk]
        # No name has such a key, because keys contain single spaces only.
        Tag.objects.bulk_update([Tag(pk=pk, key=f"  {pk}") for pk in in_the_way], ["key"], batch_size=500)
        Tag.objects.bulk_update(tags.values(), [*NAME_FIELDS, "description"], batch_size=500)
        given = {tag.key for tag in tags.values()}
        for keys in batched(given, 500):
            FormerName.objects.filter(key__in=keys).delete()
        FormerName.objects.give({name: pk for pk, name in old_names.items() if tag_key(name) not in given})
        for some in batched(dict.fromkeys(posts), 500):
            entries_changed(some)

    def import_some(self, batch: Sequence[_ExportedTag]) -> None:
        lookup = _Lookup(batch, self.context.ledger)
        tags = {slug_key(exported.term.slug): self._tag_for(exported, lookup) for exported in batch}
        created = [tag for _term, tag in lookup.created]
        pks = self.context.new_ids.assign(Tag, (term.id for term, _tag in lookup.created))
        for tag, pk in zip(created, pks, strict=True):
            tag.pk = pk
        insert(created)
        for term, tag in lookup.created:
            self.context.record(TAGS, term, tag, is_new=True)
        aliases = [TagAlias(slug=slug, tag_id=tag.pk) for slug, tag in lookup.new_aliases]
        self._store_aliases(aliases, {tag.pk for tag in created})
        for key, tag in tags.items():
            self.context.term_ids.add(TAG, key, tag.pk)
        self._preserve(batch, lookup)
        # Only the ID is known of a tag that others were merged into.
        self.merged |= {key for key, tag in tags.items() if not tag.name}

    def _preserve(self, batch: Sequence[_ExportedTag], lookup: _Lookup) -> None:
        stored = {exported.slug: exported.term for exported in batch}
        own = {tag.pk: stored[slug] for slug, tag in lookup.by_slug.items() if slug in stored and tag.slug == slug}
        created = {tag.pk: term for term, tag in lookup.created}
        preserved = created | {pk: term for pk, term in own.items() if pk in lookup.recorded}
        preserve(self.context, TAGS, "tag", {pk: term_fields(term) for pk, term in preserved.items()})

    def import_aliases(self, batch: Sequence[_ExportedTag]) -> None:
        """Add the former slugs of tags, which our own exports list, unless they are in use."""
        slugs = [alias for exported in batch for alias in exported.aliases]
        used = {slug for model in (Tag, TagAlias) for (slug,) in fetch_rows(model, "slug", slugs, "slug")}
        aliases = []
        for exported in batch:
            key = slug_key(exported.term.slug)
            new = [alias for alias in dict.fromkeys(exported.aliases) if alias not in used and key not in self.merged]
            aliases += [TagAlias(slug=alias, tag_id=self.context.term_ids.pk(TAG, key)) for alias in new]
            used.update(new)
        self._store_aliases(aliases)

    def _tag_for(self, exported: _ExportedTag, lookup: _Lookup) -> Tag:
        slug = exported.slug
        if tag := lookup.by_slug.get(slug):
            if slug not in self.reported:
                if tag.key != exported.key and tag.pk not in lookup.recorded:
                    self._note(exported, _("Its slug belongs to the tag “%s”, so its posts have that tag.") % tag.name)
                self.context.report.count(TAGS, Outcome.UNCHANGED)
            return tag
        # The tag with the same name, and the tag here that this one was merged into.
        namesake, merged = lookup.by_key.get(exported.key), lookup.aliases.get(slug)
        if namesake and slug and not merged:
            if hash(namesake.slug) in self.slugs:
                return self._create(exported, self._free_name(exported, lookup.by_key), lookup)
            self.context.report.count(TAGS, Outcome.IMPORTED)
            self._note(exported, _("It is the same tag as “%s”, so its URL leads there.") % namesake.name)
            lookup.new_aliases.append((slug, namesake))
            lookup.by_slug[slug] = namesake
            return namesake
        if tag_here := namesake or merged:
            self.context.report.count(TAGS, Outcome.UNCHANGED)
            if slug and merged != tag_here:
                self._note(exported, _("Its URL leads to another tag here."))
            return tag_here
        if former := lookup.former_names.get(exported.key):
            if not slug:
                self.context.report.count(TAGS, Outcome.UNCHANGED)
                return former
            self.context.report.count(TAGS, Outcome.IMPORTED)
            self._note(exported, _("The tag with this name was merged or renamed here, so its URL leads to that tag."))
            lookup.new_aliases.append((slug, former))
            lookup.aliases[slug] = former
            return former
        return self._create(exported, exported.name, lookup)

    def _create(self, exported: _ExportedTag, name: str, lookup: _Lookup) -> Tag:
        term = exported.term
        if term.name and exported.name != term.name:
            self._note(exported, _("The name was too long and was shortened."))
        slug = exported.slug or unique_slug(slugify(name) or "tag", lookup.is_slug_taken, max_length=MAX_SLUG_LENGTH)
        if slug != slug_from_export(term.slug):
            self._note(exported, _("Its slug can't be kept. It is “%s” here.") % slug)
        tag = Tag(slug=slug, description=term.description)
        tag.set_name(name)
        lookup.by_slug[slug] = lookup.by_key[tag.key] = tag
        lookup.created.append((term, tag))
        lower = slug.lower()
        if lower != slug and not lookup.is_slug_taken(lower):
            # As in WordPress, URLs are case-insensitive.
            lookup.aliases[lower] = tag
            lookup.new_aliases.append((lower, tag))
        return tag

    def _store_aliases(self, aliases: Sequence[TagAlias], created: Container[int] = ()) -> None:
        for alias in TagAlias.objects.bulk_create(aliases, batch_size=500):
            # Aliases of a new tag are deleted with it, so the ledger doesn't need them.
            if alias.tag_id not in created:
                self.context.ledger.add(TAG_ALIASES, 0, alias.pk)

    def _free_name(self, exported: _ExportedTag, taken: Container[str]) -> str:
        while True:
            self.tried[exported.key] += 1
            name = _with_number(exported.name, self.tried[exported.key] + 1)
            key = tag_key(name)
            if key not in taken and hash(key) not in self.keys and not Tag.objects.filter(key=key).exists():
                break
        self._note(exported, _("Several tags with their own URLs have this name. This one is called “%s” here.") % name)
        return name

    def _note(self, exported: _ExportedTag, text: str) -> None:
        self.context.report.note(TAGS, 0, exported.term.name or exported.term.slug, text)


def _with_number(name: str, number: int) -> str:
    ending = f" ({number})"
    longest = _MAX_NAME_LENGTH - len(ending)
    # The key must include the number, and it is cut to its maximum length.
    if len(tag_key(name[:longest])) + len(ending) > _MAX_KEY_LENGTH:
        longest = _MAX_NAME_LENGTH // 10
    return name[:longest] + ending
