"""Drafting, publishing and reverting an appearance. Each is one transaction, and only publishing changes pages."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, Final

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.appearance.blocks import Block, default_blocks
from blog.appearance.documents import MENUS, Appearance, Document, default_document, read
from blog.appearance.menus import Item, read_items, with_merged
from blog.models import AppearanceVersion, SiteAppearance

# The permission to change the appearance, and to see the draft.
PERMISSION: Final = "blog.change_siteappearance"
# How many versions are kept.
MAX_VERSIONS: Final = 50
# Used in place of a version's ID for the appearance that every site starts with.
INITIAL: Final = 0


class ConflictError(Exception):
    """Someone else has changed the appearance since the form was opened."""


def prepared(row: SiteAppearance) -> Appearance:
    """Return the draft, or the public appearance if there is none."""
    return read(row.document if row.draft is None else row.draft)


def stamp(row: SiteAppearance) -> str:
    """Return a string that changes whenever the draft or the public appearance does."""
    return blake2b(json.dumps([row.document, row.draft], sort_keys=True).encode(), digest_size=12).hexdigest()


def locked_row() -> SiteAppearance:
    """Return the row, locked until the end of the transaction. Undoing an import locks it too."""
    row, _created = SiteAppearance.objects.select_for_update().get_or_create(pk=1)
    return row


@transaction.atomic
def save_draft(document: Document, *, seen: str) -> None:
    """Store a valid document as the draft, or no draft if it equals the public one. Raises ConflictError."""
    row = locked_row()
    draft = None if document == asdict(read(row.document)) else document
    # After the first click of a double click, there is nothing left to save.
    if row.draft != draft:
        _expect(row, seen)
        SiteAppearance.objects.filter(pk=1).update(draft=draft)


@transaction.atomic
def discard_draft(*, seen: str) -> None:
    """Delete the draft. Raises ConflictError."""
    _expect(locked_row(), seen)
    SiteAppearance.objects.filter(pk=1).update(draft=None)


@transaction.atomic
def publish(document: Document, *, by: User, seen: str) -> int:
    """Publish a valid document and delete the draft. Return the version to go back to. Raises ConflictError."""
    row = locked_row()
    try:
        _expect(row, seen)
    except ConflictError:
        # The second click of a double click is not a conflict.
        if row.draft is not None or row.document != document:
            raise
        return next(iter(AppearanceVersion.objects.values_list("pk", flat=True)[1:2]), INITIAL)
    row.draft = None
    return _publish(row, document, by)


@transaction.atomic
def publish_again(version: int, *, by: User, seen: str = "") -> int:
    """Publish an earlier version, or INITIAL, again. The draft stays. Return the version to go back to.

    Raises AppearanceVersion.DoesNotExist, and ConflictError if the newest version is no longer `seen`.
    """
    row = locked_row()
    is_first = version == INITIAL
    stored = default_document() if is_first else AppearanceVersion.objects.get(pk=version).document
    document = asdict(read(stored))
    # After the first click of a double click, it is public already.
    if seen and seen != str(newest_version()) and document != asdict(read(row.document)):
        raise ConflictError
    return _publish(row, document, by)


def newest_version() -> int:
    """Return the version that is public, or INITIAL."""
    return AppearanceVersion.objects.values_list("pk", flat=True).first() or INITIAL


@transaction.atomic
def add_menus(menus: Mapping[str, list[Item]], *, by: User | None) -> bool:
    """Publish these menus, by their names in the document, if the site has none. Return whether it had none.

    A draft without menus gets them too, so that publishing it does not remove them.
    """
    row = locked_row()
    if any(_menus_of(read(document)) for document in (row.document, row.draft)):
        return False
    _change_menus(row, menus, by)
    return True


@transaction.atomic
def remove_menus(menus: Mapping[str, list[Item]], *, by: User | None) -> list[str]:
    """Remove those of these menus that are public and unchanged. Return the names of the others."""
    if not menus:
        return []
    row = locked_row()
    public = _menus_of(read(row.document))
    unchanged = [name for name, items in menus.items() if public.get(name) == items]
    if unchanged:
        _change_menus(row, {name: [] for name in unchanged}, by)
    return [name for name in menus if name not in unchanged]


def follow_merged(model: type[Model], ids: Collection[int], target: int) -> None:
    """Make links to merged objects lead to the target, in the draft and all versions (core.changes.merge_handlers)."""
    rows: list[Any] = [*SiteAppearance.objects.select_for_update(), *AppearanceVersion.objects.all()]
    for row in rows:
        for field in ("document", "draft"):
            document = getattr(row, field, None) or {}
            stored = {name: read_items(document.get(name)) for name in MENUS}
            moved = {name: with_merged(items, model, ids, target) for name, items in stored.items()}
            if moved != stored:
                setattr(row, field, document | moved)
                row.save(update_fields=[field])


def _menus_of(appearance: Appearance) -> dict[str, list[Item]]:
    return {name: items for name in MENUS if (items := getattr(appearance, name))}


def _change_menus(row: SiteAppearance, menus: Mapping[str, list[Item]], by: User | None) -> None:
    """Publish these menus. The draft gets those that it has not changed."""
    document = asdict(read(row.document))
    if row.draft is not None:
        draft = asdict(read(row.draft))
        row.draft = draft | {name: items for name, items in menus.items() if draft[name] == document[name]}
    _publish(row, {**document, **menus}, by)


@transaction.atomic
def add_blocks(blocks: Sequence[Block]) -> None:
    """Append blocks to the draft, which is created if there is none. The sidebar must have room for them."""
    row = locked_row()
    document = asdict(prepared(row))
    document["blocks"] = [*(document["blocks"] or default_blocks()), *blocks]
    SiteAppearance.objects.filter(pk=1).update(draft=document)


def _publish(row: SiteAppearance, document: Document, by: User | None) -> int:
    newest = list(AppearanceVersion.objects.values_list("pk", flat=True)[:MAX_VERSIONS])
    AppearanceVersion.objects.exclude(pk__in=newest[: MAX_VERSIONS - 1]).delete()
    AppearanceVersion.objects.create(document=document, published_at=timezone.now(), published_by=by)
    row.document = document
    row.save()
    record(Action.PUBLISHED, [row], by=by)
    return newest[0] if newest else INITIAL


def _expect(row: SiteAppearance, seen: str) -> None:
    """Raise ConflictError if the stamp of the row is no longer `seen`. An empty one matches any."""
    if seen and seen != stamp(row):
        raise ConflictError
