"""Preparing, publishing and taking back an appearance. Each is one transaction, and only publishing changes pages."""

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import Final

from django.db import transaction

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import User
from blog.appearance.documents import Appearance, Document, default_document, read
from blog.models import AppearanceVersion, SiteAppearance

# What it takes to change the appearance, and to see the draft.
PERMISSION: Final = "blog.change_siteappearance"
# How many versions are kept.
KEPT: Final = 50
# In place of the ID of a version: the appearance that every site begins with.
THE_FIRST: Final = 0


class ConflictError(Exception):
    """Someone else has changed the appearance since this person began."""


def prepared(row: SiteAppearance) -> Appearance:
    """Return the draft, or what is public if there is none."""
    return read(row.document if row.draft is None else row.draft)


def stamp(row: SiteAppearance) -> str:
    """Return what changes whenever the draft or what is public does."""
    return blake2b(json.dumps([row.document, row.draft], sort_keys=True).encode(), digest_size=12).hexdigest()


@transaction.atomic
def save_draft(document: Document, *, seen: str) -> None:
    """Store a valid document as the draft. One that is what is public already is none. Raises ConflictError."""
    row = _locked_row(seen)
    draft = None if document == asdict(read(row.document)) else document
    SiteAppearance.objects.filter(pk=1).update(draft=draft)


@transaction.atomic
def discard_draft(*, seen: str) -> None:
    """Forget the draft. Raises ConflictError."""
    _locked_row(seen)
    SiteAppearance.objects.filter(pk=1).update(draft=None)


@transaction.atomic
def publish(document: Document, *, by: User, seen: str) -> int:
    """Make a valid document public, in place of the draft. Return the version to go back to. Raises ConflictError."""
    row = _locked_row(seen)
    row.draft = None
    return _publish(row, document, by)


@transaction.atomic
def publish_again(version: int, *, by: User) -> int:
    """Make an earlier version public again, or THE_FIRST. The draft stays. Return the version to go back to.

    Raises AppearanceVersion.DoesNotExist.
    """
    row = _locked_row()
    is_first = version == THE_FIRST
    document = default_document() if is_first else AppearanceVersion.objects.get(pk=version).document
    return _publish(row, asdict(read(document)), by)


def _publish(row: SiteAppearance, document: Document, by: User) -> int:
    newest = list(AppearanceVersion.objects.values_list("pk", flat=True)[:KEPT])
    AppearanceVersion.objects.exclude(pk__in=newest[: KEPT - 1]).delete()
    AppearanceVersion.objects.create(document=document, published_by=by)
    row.document = document
    row.save()
    record(Action.PUBLISHED, [row], by=by)
    return newest[0] if newest else THE_FIRST


def _locked_row(seen: str = "") -> SiteAppearance:
    """Return the row, which nobody else changes until the end of the transaction."""
    row, _created = SiteAppearance.objects.select_for_update().get_or_create(pk=1)
    if seen and seen != stamp(row):
        raise ConflictError
    return row
