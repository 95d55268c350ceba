"""Merging, renaming and deleting tags. Each is one transaction, is logged, and can be undone.

The data for undoing a change is stored with it (models.TagChange). Undoing reverts what the change did, and leaves
alone what people have done since.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, Final

from django.db import transaction
from django.db.models import Model
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.models import Post, PostInCategory
from blog.models.curation import CurationError
from core.bulk import fetch_rows
from core.changes import entries_changed, will_be_merged
from core.languages import in_quotes
from tags.models import FormerName, Tag, TagAlias, TagChange, TaggedPost
from tags.names import tag_key

# How many tags can be merged, and deleted, at once.
MAX_MERGED: Final = 1000
MAX_DELETED: Final = 30_000
# How many posts a preview names.
_MAX_SHOWN: Final = 20
# How many rows one statement handles: databases limit its parameters.
_BATCH_SIZE: Final = 1000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: to these `tags`, with their `post_count`, and to `post_count` posts in total.

    `posts` are the newest of these posts. `redirects` are pairs of an old URL and the URL to which it will lead;
    `lost_urls` will lead nowhere.
    """

    tags: list[Any]
    post_count: int
    posts: list[Post]
    redirects: list[tuple[str, str]] = field(default_factory=list)
    lost_urls: list[str] = field(default_factory=list)


def check_count(ids: Collection[int], limit: int) -> None:
    """Raise CurationError if there are more than `limit`."""
    if len(ids) > limit:
        raise CurationError(gettext("You selected more than %d tags. Select fewer.") % limit)


def preview_merge(ids: Collection[int], target: Tag) -> Preview:
    """Return what `merge` would do. The posts are those that get the target."""
    tags = with_counts(pk for pk in ids if pk != target.pk)
    gained = _rows(tags).exclude(content_object__in=_rows([target]).values("content_object"))
    url = target.get_absolute_url()
    former = TagAlias.objects.filter(tag__in=tags)
    urls = [tag.get_absolute_url() for tag in tags] + [_former_url(alias) for alias in former]
    return Preview(
        tags=tags,
        post_count=gained.values("content_object").distinct().count(),
        posts=_newest(gained),
        redirects=[(old_url, url) for old_url in urls],
    )


def merge(ids: Collection[int], target_id: int, by: User) -> TagChange:
    """Give the posts of these tags the target instead. From then on, their names and URLs lead to the target.

    Raises CurationError if the target, or all of the others, are gone, or if there are too many.
    """
    check_count(ids, MAX_MERGED)
    with transaction.atomic():
        locked = {tag.pk: tag for tag in _lock({*ids, target_id})}
        target = locked.pop(target_id, None)
        if target is None or not locked:
            raise CurationError(gone_message())
        tags = list(locked.values())
        *described, described_target = _describe([*tags, target])
        affected = {pk for each in described for pk in each["posts"]}
        gained = sorted(affected - set(described_target["posts"]))
        data = {"target": target.pk, "target_name": target.name, "gained": gained, "tags": described}
        for tag in tags:
            # The rows of posts that have the target already are deleted with the tag.
            _rows([tag]).exclude(content_object__in=_rows([target]).values("content_object")).update(tag=target)
        TagAlias.objects.filter(tag__in=tags).update(tag=target)
        FormerName.objects.filter(tag__in=tags).update(tag=target)
        will_be_merged(Tag, list(locked), target.pk)
        _delete(tags)
        aliases = [TagAlias(slug=tag.slug, tag=target) for tag in tags]
        TagAlias.objects.bulk_create(aliases, update_conflicts=True, unique_fields=["slug"], update_fields=["tag"])
        FormerName.objects.give({tag.name: target.pk for tag in tags})
        # All at once, so that what takes long for many posts is done in the background.
        entries_changed(affected, have_same_texts=True)
        record(Action.MERGED, tags, by=by, details=gettext("into “%s”") % target)
        record(Action.CHANGED, [target], by=by, details=gettext("Merged with %s.") % _quoted(tags))
        summary = gettext("%(tags)s merged into “%(target)s”") % {"tags": _quoted(tags), "target": target}
        return TagChange.objects.create(kind=TagChange.Kind.MERGE, summary=summary, data=data, made_by=by)


def preview_rename(tag: Tag, slug: str) -> Preview:
    """Return what `rename` would do if the tag gets this slug."""
    redirects = []
    if slug != tag.slug:
        old_urls = [tag.get_absolute_url(), *map(_former_url, tag.aliases.exclude(slug=slug))]
        redirects = [(old_url, Tag(slug=slug).get_absolute_url()) for old_url in old_urls]
    rows = _rows([tag])
    return Preview(tags=with_counts([tag.pk]), post_count=rows.count(), posts=_newest(rows), redirects=redirects)


def rename(tag_id: int, name: str, slug: str, by: User) -> TagChange:
    """Give a tag this name and slug (empty: made from the name). Its old URL and name lead to it.

    Raises ValidationError if it can't have them, and CurationError if it is gone.
    """
    with transaction.atomic():
        tag = next(iter(_lock([tag_id])), None)
        if tag is None:
            raise CurationError(gone_message())
        old_name, old_slug = tag.name, tag.slug
        tag.name, tag.slug = name, slug
        tag.full_clean()
        stood_for = FormerName.objects.filter(key=tag_key(tag.name)).values_list("tag", flat=True).first()
        tag.save()
        entries_changed(list(_post_ids([tag])), have_same_texts=True)
        # With the tag that the new name stood for.
        data = {"id": tag.pk, "old": [old_name, old_slug], "new": [tag.name, tag.slug], "stood_for": stood_for}
        text = gettext("“%(old)s” renamed to “%(new)s”") % {"old": old_name, "new": tag.name}
        if old_slug != tag.slug:
            text += f" ({old_slug} → {tag.slug})"
        record(Action.RENAMED, [tag], by=by, details=text)
        return TagChange.objects.create(kind=TagChange.Kind.RENAME, summary=text, data=data, made_by=by)


def preview_delete(ids: Collection[int]) -> Preview:
    """Return what `delete` would do. The posts are those that lose a tag."""
    tags = with_counts(ids)
    rows = _rows(tag for tag in tags if tag.post_count)
    return Preview(
        tags=tags,
        post_count=rows.values("content_object").distinct().count(),
        posts=_newest(rows),
        lost_urls=[tag.get_absolute_url() for tag in tags],
    )


def delete(ids: Collection[int], by: User, *, expected_uses: int) -> TagChange:
    """Delete these tags, with the URLs that lead to them.

    `expected_uses` is how often posts had these tags when the person was asked. Raises CurationError if they are used
    more often by now, are all gone, or are too many.
    """
    check_count(ids, MAX_DELETED)
    with transaction.atomic():
        tags = _lock(ids)
        if not tags:
            raise CurationError(gone_message())
        described = _describe(tags)
        if sum(len(tag["posts"]) for tag in described) > expected_uses:
            raise CurationError(gettext("More posts have these tags now, so nothing was deleted. Please check again."))
        post_ids = sorted({pk for tag in described for pk in tag["posts"]})
        record(Action.DELETED, tags, by=by)
        _delete(tags)
        entries_changed(post_ids, have_same_texts=True)
        summary = gettext("%s deleted") % _quoted(tags)
        return TagChange.objects.create(
            kind=TagChange.Kind.DELETE, summary=summary, data={"tags": described}, made_by=by
        )


def undo(change_id: int, by: User) -> TagChange:
    """Undo a change. Raises CurationError if that is not possible any more, or was done already."""
    with transaction.atomic():
        change = TagChange.objects.select_for_update().filter(pk=change_id).first()
        if change is None or change.undone_at:
            raise CurationError(gettext("This has already been undone."))
        match change.kind:
            case TagChange.Kind.MERGE:
                tags = _undo_merge(change.data)
            case TagChange.Kind.RENAME:
                tags = [_undo_rename(change.data)]
            case _:
                tags = _restore(change.data["tags"])
                post_ids = {pk for each in change.data["tags"] for pk in each["posts"]}
                entries_changed(sorted(post_ids), have_same_texts=True)
        change.mark_undone(by)
        record(Action.UNDONE, tags, by=by, details=change.summary)
        return change


def _undo_merge(data: dict[str, Any]) -> list[Tag]:
    target = next(iter(_lock([data["target"]])), None)
    if target is None:
        text = gettext("“%s” has been merged or deleted since, so this can't be undone. Undo that change first.")
        raise CurationError(text % data["target_name"])
    # Someone has since removed the target from the other posts.
    present = set(_post_ids([target]))
    described = [{**each, "posts": [pk for pk in each["posts"] if pk in present]} for each in data["tags"]]
    restored = _restore(described, taken_from=target)
    for some in batched(data["gained"], _BATCH_SIZE):
        _rows([target]).filter(content_object__in=some).delete()
    affected = {*data["gained"], *(pk for each in described for pk in each["posts"])}
    entries_changed(affected, have_same_texts=True)
    return [*restored, target]


def _undo_rename(data: dict[str, Any]) -> Tag:
    tag = next(iter(_lock([data["id"]])), None)
    name, slug = data["old"]
    if tag is None or [tag.name, tag.slug] != data["new"]:
        text = gettext("“%s” has been changed, merged or deleted since, so this can't be undone.")
        raise CurationError(text % data["new"][0])
    others = Tag.objects.exclude(pk=tag.pk)
    if others.filter(key=tag_key(name)).exists() or others.filter(slug=slug).exists():
        text = gettext("Another tag is called “%(name)s” or has the URL “%(slug)s” now, so this can't be undone.")
        raise CurationError(text % {"name": name, "slug": slug})
    tag.name, tag.slug = name, slug
    tag.save()
    FormerName.objects.filter(key=tag_key(data["new"][0])).delete()
    # Changes made by earlier releases don't record what the new name stood for before.
    if (stood_for := data.get("stood_for")) and Tag.objects.filter(pk=stood_for).exists():
        FormerName.objects.give({data["new"][0]: stood_for})
    entries_changed(list(_post_ids([tag])), have_same_texts=True)
    return tag


def _restore(described: Sequence[dict[str, Any]], taken_from: Tag | None = None) -> list[Tag]:
    """Create tags again, or find those that now have their names, and add them to those of their posts that exist.

    Their URLs and names that now lead to the tag `taken_from` lead to them again. The caller calls `entries_changed`.
    """
    tags = _recreate(described)
    slugs: dict[str, Tag] = {}
    names: dict[str, tuple[str, Tag]] = {}
    for each, tag in zip(described, tags, strict=True):
        former_slugs, former_names = _former(each)
        slugs |= dict.fromkeys(former_slugs, tag)
        keys = {tag_key(name): (name, tag) for name in former_names}
        names |= keys
        if taken_from is not None:
            TagAlias.objects.filter(slug__in=former_slugs, tag=taken_from).update(tag=tag)
            FormerName.objects.filter(key__in=keys, tag=taken_from).update(tag=tag)
    if taken_from is None:
        used = _used("slug", slugs, Tag, TagAlias)
        TagAlias.objects.bulk_create(TagAlias(slug=slug, tag=tag) for slug, tag in slugs.items() if slug not in used)
        used = _used("key", names, Tag, FormerName)
        FormerName.objects.give({name: tag.pk for key, (name, tag) in names.items() if key not in used})
    pairs = ((tag, pk) for each, tag in zip(described, tags, strict=True) for pk in each["posts"])
    for some in batched(pairs, _BATCH_SIZE):
        posts = Post.objects.only("status", "published_at").in_bulk({pk for _tag, pk in some})
        # With their times of publication: setting these later would rewrite the rows of all tags of these posts.
        rows = [
            TaggedPost(tag=tag, content_object_id=pk, published_at=posts[pk].public_from)
            for tag, pk in some
            if pk in posts
        ]
        TaggedPost.objects.bulk_create(rows, ignore_conflicts=True)
    return tags


def _recreate(described: Sequence[dict[str, Any]]) -> list[Tag]:
    """Return the tags that now have these names, or new ones, with their former IDs and slugs if these are free."""
    keys = [tag_key(each["name"]) for each in described]
    found = {tag.key: tag for some in batched(keys, _BATCH_SIZE) for tag in Tag.objects.filter(key__in=some)}
    missing = {key: each for key, each in zip(keys, described, strict=True) if key not in found}
    used_ids = _used("pk", [each["id"] for each in missing.values()], Tag)
    used_slugs = _used("slug", [each["slug"] for each in missing.values()], Tag)
    new: list[Tag] = []
    for key, each in missing.items():
        tag = found[key] = Tag(name=each["name"], description=each["description"])
        tag.set_name(tag.name)
        tag.pk = None if each["id"] in used_ids else each["id"]
        tag.slug = "" if each["slug"] in used_slugs else each["slug"]
        new.append(tag)
    for some in batched([tag for tag in new if tag.pk and tag.slug], _BATCH_SIZE):
        # As when a tag is saved: they lead to the tag that has them now.
        TagAlias.objects.filter(slug__in=[tag.slug for tag in some]).delete()
        FormerName.objects.filter(key__in=[tag.key for tag in some]).delete()
        Tag.objects.bulk_create(some)
    for tag in new:
        if tag._state.adding:
            tag.save()
    return [found[key] for key in keys]


def _used(field: str, values: Iterable[Any], *models: type[Model]) -> set[Any]:
    """Return which of these values any row of the models has in this field."""
    values = list(values)
    return {value for model in models for (value,) in fetch_rows(model, field, values, field)}


def _describe(tags: Sequence[Tag]) -> list[dict[str, Any]]:
    """Return what `_restore` needs to know about these tags."""
    posts: defaultdict[int, list[int]] = defaultdict(list)
    slugs: defaultdict[int, list[str]] = defaultdict(list)
    names: defaultdict[int, list[str]] = defaultdict(list)
    for some in batched(tags, _BATCH_SIZE):
        for tag_id, post_id in _rows(some).values_list("tag", "content_object").order_by("content_object"):
            posts[tag_id].append(post_id)
        for tag_id, slug in TagAlias.objects.filter(tag__in=some).values_list("tag", "slug"):
            slugs[tag_id].append(slug)
        for tag_id, name in FormerName.objects.filter(tag__in=some).values_list("tag", "name"):
            names[tag_id].append(name)
    return [
        {
            "id": tag.pk,
            "name": tag.name,
            "slug": tag.slug,
            "description": tag.description,
            "posts": posts[tag.pk],
            "former_slugs": slugs[tag.pk],
            "former_names": names[tag.pk],
        }
        for tag in tags
    ]


def _former(described: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the former slugs and names of a tag that `_describe` has described."""
    if "aliases" in described:
        # Earlier releases stored each slug with a name, which may be empty, and the key of the name.
        aliases = described["aliases"]
        return [slug for slug, _name, _key in aliases], [name for _slug, name, _key in aliases if name]
    return described["former_slugs"], described["former_names"]


def _lock(ids: Collection[int]) -> list[Tag]:
    """Return the tags with these IDs, locked. Their posts are locked first, in the same order as when one is saved."""
    PostInCategory.objects.lock_posts(_post_ids(Tag(pk=pk) for pk in ids))
    return Tag.objects.locked(ids)


def _rows(tags: Iterable[Tag]) -> Any:
    return TaggedPost.objects.filter(tag__in=[tag.pk for tag in tags])


def _post_ids(tags: Iterable[Tag]) -> Iterator[int]:
    for some in batched(tags, _BATCH_SIZE):
        yield from _rows(some).values_list("content_object", flat=True)


def _newest(rows: Any) -> list[Post]:
    posts = Post.objects.filter(pk__in=rows.values("content_object")).without_texts()
    return list(posts.order_by("-published_at", "-pk")[:_MAX_SHOWN])


def with_counts(ids: Iterable[int]) -> list[Tag]:
    """Return the tags with these IDs, most used first."""
    tags: list[Any] = []
    for some in batched(ids, _BATCH_SIZE):
        tags += Tag.objects.with_counts().filter(pk__in=some)
    return sorted(tags, key=lambda tag: (-tag.post_count, tag.name.casefold(), tag.pk))


def _former_url(alias: TagAlias) -> str:
    return Tag(slug=alias.slug).get_absolute_url()


def _delete(tags: Iterable[Tag]) -> None:
    for some in batched(tags, _BATCH_SIZE):
        Tag.objects.filter(pk__in=[tag.pk for tag in some]).delete()


def gone_message() -> str:
    return gettext("Someone else merged or deleted these tags first, so nothing was changed.")


def _quoted(tags: Sequence[Tag]) -> str:
    """Return the names of up to five tags, and how many more there are."""
    names = ", ".join(in_quotes(Truncator(tag.name).chars(80)) for tag in tags[:5])
    rest = len(tags) - 5
    if rest <= 0:
        return names
    return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", rest) % {
        "names": names,
        "count": rest,
    }
