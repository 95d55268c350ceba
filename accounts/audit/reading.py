"""Showing the audit log. Records name people by their IDs, so their names are looked up when they are shown."""

from collections.abc import Iterable

from django.db import models
from django.db.models import QuerySet

from accounts.models import AuditRecord, User


def with_people(records: Iterable[AuditRecord]) -> list[AuditRecord]:
    """Return the records with the people that they are about, as `people`. Takes one query."""
    found = list(records)
    ids = {each.person_id for each in found} | {int(each.object_id) for each in found if each.is_about_person}
    people = User.objects.in_bulk([pk for pk in ids if pk is not None])
    for each in found:
        each.people = people
    return found


def about(obj: models.Model) -> QuerySet[AuditRecord]:
    """Return what was done to an object, newest first."""
    return AuditRecord.objects.filter(kind=obj._meta.label_lower, object_id=str(obj.pk))


def work_of(person: User) -> QuerySet[AuditRecord]:
    """Return what a person did to objects such as posts, newest first."""
    return AuditRecord.objects.filter(person=person.pk).exclude(kind__in=("", AuditRecord.PERSON))
