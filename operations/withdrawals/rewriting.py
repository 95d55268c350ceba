"""Replacing a name in rows of the database, and restoring them.

Columns are written directly, because the models would keep the old URLs as redirects. Data derived from them is updated
here: HTML, keys, the search index, cached pages.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import Any, Final

from django.conf import settings
from django.core import serializers
from django.core.exceptions import ObjectDoesNotExist
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError, IntegrityError, models, transaction
from django.urls import NoReverseMatch
from django.utils import timezone

from accounts.models import User
from blog.models import Category, Entry, Redirect
from blog.rendering import SourceTooLongError, UnknownMarkupError
from comments.changes import comments_changed
from comments.models import Comment, Token
from comments.rules.bayes import lock_counts
from core.changes import content_changed, entries_changed
from media.models import Upload
from operations.models import Withdrawal, WithdrawnRow
from operations.withdrawals.encryption import decrypt, encrypt
from operations.withdrawals.files import free_name, move_now
from operations.withdrawals.gone_urls import mark_as_gone
from operations.withdrawals.matching import Name
from operations.withdrawals.places import Place, places
from search.indexing import mark_as_stale
from tags.models import Tag, TagAlias, TaggedPost
from tags.names import keys_of
from tags.tagging import tag_url

# How many entries are updated by one statement.
_BATCH: Final = 500
# How many numbers are tried to make a name or URL unique.
_MAX_NUMBER: Final = 100
# The columns of an entry that readers see and that are rendered from its source.
_RENDERED: Final = ("lead_html", "body_html", "auto_excerpt")

type Values = dict[str, Any]


@dataclass(slots=True)
class Rewritten:
    """The result for some rows: the `count` of those that were changed or deleted.

    `by_hand` are those that still contain the name, or would if they were rerendered. `renamed` maps the old names of
    files to the new ones if these don't follow from them.
    """

    count: int = 0
    by_hand: list[tuple[str, str]] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def rewrite(withdrawal: Withdrawal, place: Place, pks: Collection[Any], name: Name) -> Rewritten:
    """Replace the name in the rows with these primary keys, and keep their former values. Needs a transaction."""
    result = Rewritten()
    kept: list[WithdrawnRow] = []
    changed: list[Any] = []
    gone: set[str] = set()
    if place.model is Token:
        lock_counts()
    for row in place.rows.filter(pk__in=pks).select_for_update(no_key=True):
        old = _values_of(row)
        new = place.replace(name, old)
        if new == {}:
            # Someone else has changed it in the meantime.
            continue
        url = _url_of(row)
        if new is None:
            kept.append(_kept(withdrawal, place, {"deleted": _serialize(row)}))
            row.delete()
        else:
            new = _store(place, row, old, new, name, result)
            if not new:
                result.by_hand.append((place.label, str(row.pk)))
                continue
            record = {"pk": str(row.pk), "old": {column: _encode(old[column]) for column in new}}
            record["stamp"] = _encode(new.get("modified_at"))
            kept.append(_kept(withdrawal, place, record, digest=_digest(place, new)))
            changed.append(row.pk)
        if url and (new is None or url != _url_of(row)):
            gone.add(url)
    WithdrawnRow.objects.bulk_create(kept)
    mark_as_gone(withdrawal, gone)
    if kept:
        _announce(place.model, changed)
    result.count = len(kept)
    return result


def restore(rows: Collection[WithdrawnRow]) -> list[tuple[str, str]]:
    """Restore these rows, and return the label and ID of those that were left alone. Needs a transaction.

    Rows that have been changed or deleted since are left alone. Raises UnreadableError.
    """
    by_label = {place.label: place for place in places()}
    restored: dict[type[models.Model], list[Any]] = {}
    left: list[tuple[str, str]] = []
    records = [(row, decrypt(row.sealed)) for row in rows]
    _lock(records)
    for row, record in records:
        place = by_label.get(row.model)
        pk = _put_back(place, row, record) if place else None
        if place is None or pk is None:
            left.append((row.model, str(record.get("pk") or record["deleted"]["pk"])))
        else:
            restored.setdefault(place.model, []).append(pk)
    for model, pks in restored.items():
        _announce(model, pks)
    return left


def _lock(records: Collection[tuple[WithdrawnRow, Mapping[str, Any]]]) -> None:
    """Lock what will be restored in the order in which others lock it: comments, entries, …, the filter's words."""
    for place in reversed(places()):
        pks = [record["pk"] for row, record in records if row.model == place.label and "pk" in record]
        if pks:
            list(place.rows.filter(pk__in=pks).select_for_update(no_key=True))
    if any(row.model == Token._meta.label_lower for row, _record in records):
        lock_counts()


def _put_back(place: Place, row: WithdrawnRow, record: Mapping[str, Any]) -> Any:
    """Restore one row. Return its primary key; None if it was left alone."""
    if "deleted" in record:
        return _insert_again(record["deleted"])
    stored = place.rows.filter(pk=record["pk"]).first()
    if stored is None:
        return None
    now = _values_of(stored)
    old: Values = {column: _decode(place.model, column, value) for column, value in record["old"].items()}
    if row.digest != _digest(place, {column: now[column] for column in old}):
        return None
    if record["stamp"] and record["stamp"] != _encode(now["modified_at"]):
        # Something else was changed in the meantime, such as its tags.
        del old["modified_at"]
    try:
        with transaction.atomic():
            place.rows.filter(pk=stored.pk).update(**old)
    except IntegrityError:
        # Another object has its URL now.
        return None
    # Within the transaction, because if that fails, it is repeated, and the files are already in place then.
    for file in _files(place, old):
        move_now(file.storage, now[file.attname], old[file.attname])
    return stored.pk


def _serialize(row: models.Model) -> Values:
    # Not as JSON, because Django rounds times in it.
    (found,) = serializers.serialize("python", [row])
    return {
        **found,
        "pk": _encode(found["pk"]),
        "fields": {name: _encode(value) for name, value in found["fields"].items()},
    }


def _insert_again(serialized: Values) -> Any:
    """Insert a deleted row again. Return its primary key; None if that is no longer possible."""
    try:
        with transaction.atomic():
            (found,) = serializers.deserialize("python", [serialized])
            if _is_there(type(found.object), found.object.pk) or not _has_its_relations(found.object):
                return None
            found.save(force_insert=True)
    except (DatabaseError, DeserializationError, ObjectDoesNotExist):
        return None
    return found.object.pk


def _has_its_relations(row: models.Model) -> bool:
    """Return whether all objects that the row refers to exist, which the database may only check on commit."""
    related = (
        (each.related_model, getattr(row, each.attname)) for each in row._meta.concrete_fields if each.is_relation
    )
    return all(pk is None or _is_there(model, pk) for model, pk in related)


def _is_there(model: Any, pk: Any) -> bool:
    return bool(model._base_manager.filter(pk=pk).exists())


def _store(place: Place, row: models.Model, old: Values, new: Values, name: Name, result: Rewritten) -> Values:
    """Store the columns that change and those derived from them, and return all of them; none if that is impossible.

    If another row already has the same slug, name or path, a number is added.
    """
    for number in range(1, _MAX_NUMBER):
        values = {column: _numbered(place, column, value, number) for column, value in new.items()}
        values |= _free_files(place, old, values, result)
        # Not with setattr, which would read an image from a file that doesn't exist yet.
        row.__dict__.update(values)
        values |= _derived(row, values, name, result)
        try:
            with transaction.atomic():
                place.rows.filter(pk=row.pk).update(**values)
        except IntegrityError:
            continue
        for file in _files(place, values):
            # After the commit, so that the files stay if it fails. See `mend_files`.
            transaction.on_commit(partial(move_now, file.storage, old[file.attname], values[file.attname]))
        return values
    return {}


def _numbered(place: Place, column: str, value: Any, number: int) -> Any:
    if number == 1 or column not in {"name", "slug", "path", "url", "guid"}:
        return value
    suffix = f" {number}" if column == "name" else f"-{number}"
    return value[: (place.model._meta.get_field(column).max_length or len(value)) - len(suffix)] + suffix  # type: ignore[union-attr]  # a column of text


def _derived(row: models.Model, new: Values, name: Name, result: Rewritten) -> Values:
    """Return the columns derived from the new values, which `row` already has."""
    match row:
        case Entry():
            return _rendered(row, new, name, result)
        case Comment():
            row.render()
            return {"html": name.replace(row.html)}
        case Tag() if "name" in new:
            # Commas separate tags.
            label = " ".join(row.name.replace(",", " ").split())
            return {"name": label, **keys_of(label)}
    return {}


def _rendered(entry: Entry, new: Values, name: Name, result: Rewritten) -> Values:
    values: Values = {"modified_at": timezone.now()}
    if "source" in new:
        with suppress(SourceTooLongError, UnknownMarkupError):
            entry.render()
            columns = (*_RENDERED, "has_more", "word_count", "source_digest", "render_version")
            values |= {column: getattr(entry, column) for column in columns}
    clean = {column: name.replace(str(getattr(entry, column))) for column in _RENDERED}
    if "source" in new and any(clean[column] != values.get(column, clean[column]) for column in _RENDERED):
        # The markup hides the name until it is rendered.
        result.by_hand.append((entry._meta.concrete_model._meta.label_lower, str(entry.pk)))  # type: ignore[union-attr]  # it is no abstract model
    values |= clean
    entry.__dict__.update(values)
    return values


def _announce(model: type[models.Model], pks: Collection[Any]) -> None:
    """Update the data derived from these rows, and expire cached pages.

    Entries and comments are indexed at once. Entries with one of these tags, categories or authors are only marked as
    stale, because there may be very many. The caller indexes them after the commit.
    """
    affected: models.QuerySet[Any] | None = None
    if issubclass(model, Entry):
        for some in batched(pks, _BATCH):
            entries_changed(some)
    elif model is Comment:
        comments_changed(pks)
    elif model is Tag:
        affected = TaggedPost.objects.filter(tag__in=pks).values_list("content_object", flat=True)
    elif model is Category:
        filed: Any = Category._meta.get_field("posts").through
        affected = filed._default_manager.filter(category__in=pks).values_list("entry", flat=True)
    elif model is User:
        affected = Entry.objects.filter(author__in=pks).values_list("pk", flat=True)
    if affected is not None:
        for some in batched(sorted(set(affected)), _BATCH):
            mark_as_stale(some)
    content_changed()


def _free_files(place: Place, old: Values, new: Values, result: Rewritten) -> Values:
    """Return new names for files that no other files have."""
    free = {}
    for file in _files(place, new):
        free[file.attname] = free_name(file, new[file.attname])
        if free[file.attname] != new[file.attname]:
            result.renamed[old[file.attname]] = free[file.attname]
    return free


def _files(place: Place, values: Mapping[str, Any]) -> list[models.FileField]:
    """Return the columns that contain file names."""
    return [field for field in place.fields if isinstance(field, models.FileField) and field.attname in values]


def _kept(withdrawal: Withdrawal, place: Place, record: Values, *, digest: str = "") -> WithdrawnRow:
    return WithdrawnRow(withdrawal=withdrawal, model=place.label, sealed=encrypt(record), digest=digest)


def _values_of(row: models.Model) -> Values:
    """Return all columns of a row; for a file, its name."""
    values = {}
    for each in row._meta.concrete_fields:
        value = each.value_from_object(row)
        values[each.attname] = str(value) if isinstance(each, models.FileField) else value
    return values


def _url_of(row: Any) -> str:
    """Return the path of the row's URL on this site; empty if it has none."""
    match row:
        case Redirect():
            return row.path
        case TagAlias():
            return tag_url(row.slug)
        case Upload():
            return f"{settings.MEDIA_URL}{row.file.name}"
        case Entry() | Category() | Tag() | User():
            with suppress(NoReverseMatch):
                url = str(row.get_absolute_url())
                # The URL of a preview contains no name.
                return "" if "?" in url else url
    return ""


def _digest(place: Place, values: Values) -> str:
    """Return a digest of the columns that people write, or of the rendered ones if there are no others."""
    columns = [column for column in sorted(values) if column in place.names]
    written = [column for column in columns if column not in _RENDERED] or columns
    encoded = json.dumps({column: _encode(values[column]) for column in written})
    return hashlib.blake2b(encoded.encode(), digest_size=32).hexdigest()


def _encode(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _decode(model: type[models.Model], column: str, value: Any) -> Any:
    each = model._meta.get_field(column)
    return each.to_python(value) if isinstance(each, models.DateTimeField) else value


def mend_files(withdrawal: Withdrawal) -> None:
    """Rename the files that don't have their new names yet because a process was killed or the storage failed."""
    with_files = {place.label: place for place in places() if place.has_files}
    for row in withdrawal.rows.filter(model__in=with_files).order_by("pk").iterator():
        place, record = with_files[row.model], decrypt(row.sealed)
        for file in _files(place, record.get("old", {})):
            for name in place.rows.filter(pk=record["pk"]).values_list(file.attname, flat=True):
                move_now(file.storage, record["old"][file.attname], str(name))
