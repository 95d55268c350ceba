"""The preview of a withdrawal for owners: where the name is, by kind, and what has to be done by hand."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext

from accounts.models import User
from blog.models import Entry
from media.models import Document, Picture
from operations.models import Withdrawal
from operations.withdrawals.lifecycle import Finding, Secret
from operations.withdrawals.matching import Name
from operations.withdrawals.places import UNTOUCHED_FIELDS

_MAX_LINKS: Final = 50


@dataclass(frozen=True, slots=True)
class AdminLink:
    """An object, and its page in the admin; empty if it has none."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A row with the name, and its page in the admin."""

    finding: Finding
    column: str
    url: str


@dataclass(frozen=True, slots=True)
class Kind:
    """All rows of a table that contain the name, of which `rows` are listed."""

    label: str
    count: int
    rows: Sequence[FindingRow]


def kinds_of(withdrawal: Withdrawal, secret: Secret | None) -> list[Kind]:
    """Return the number of rows with the name in each table and the rows that were found, highest number first."""
    findings = secret.findings if secret else []
    urls = _admin_urls([(finding.place, finding.pk) for finding in findings])
    rows: dict[str, list[FindingRow]] = {}
    for finding, url in zip(findings, urls, strict=True):
        field = apps.get_model(finding.place)._meta.get_field(finding.column)
        column = str(getattr(field, "verbose_name", finding.column))
        rows.setdefault(finding.place, []).append(FindingRow(finding, column, url))
    counts = sorted(withdrawal.counts.items(), key=lambda pair: -pair[1])
    return [Kind(_name_of_kind(label), count, rows.get(label, [])) for label, count in counts]


def _name_of_kind(label: str) -> str:
    """Return what owners call the rows of a table. Entries are posts and pages to them."""
    model = apps.get_model(label)
    return gettext("Posts and pages") if model is Entry else capfirst(str(model._meta.verbose_name_plural))


def links_to(pairs: Collection[Sequence[str]]) -> list[AdminLink]:
    """Return a link to each object, given by its label and ID, named by its kind and ID."""
    return [
        AdminLink(f"{capfirst(str(apps.get_model(label)._meta.verbose_name))} {pk}", url)
        for (label, pk), url in zip(pairs, _admin_urls(pairs), strict=True)
    ]


def accounts_with(name: Name) -> list[AdminLink]:
    """Return the accounts whose private names contain the name, which are left alone."""
    columns = [label.rpartition(".")[2] for label in sorted(UNTOUCHED_FIELDS) if label.startswith("accounts.user.")]
    columns.remove("password")
    people = User.objects.values_list("pk", *columns).iterator()
    found = [pk for pk, *values in people if any(name.find(value) for value in values)]
    return [
        AdminLink(str(person), _admin_url("accounts.user", person.pk)) for person in User.objects.filter(pk__in=found)
    ]


def files_in(findings: Iterable[Finding]) -> list[AdminLink]:
    """Return the files used in texts that contain the name, because only a person can tell what is in them."""
    entries = Entry.objects.filter(pk__in=[int(finding.pk) for finding in findings if finding.place == "blog.entry"])
    in_texts = Q(pk__in=entries.values("pictures"))
    pictures = Picture.objects.filter(in_texts | Q(pk__in=entries.values("featured_picture")))[:_MAX_LINKS]
    documents = Document.objects.filter(pk__in=entries.values("documents"))[:_MAX_LINKS]
    found: list[Document | Picture] = [*documents, *pictures][:_MAX_LINKS]
    return [AdminLink(str(file), _admin_url(file._meta.label_lower, file.pk)) for file in found]


def _admin_urls(pairs: Collection[Sequence[str]]) -> list[str]:
    """Return the page in the admin of each object, given by its label and ID, as `_admin_url` does."""
    entries = [pk for label, pk in pairs if label == "blog.entry"]
    kinds = {str(pk): kind for pk, kind in Entry.objects.filter(pk__in=entries).values_list("pk", "kind")}
    return [
        _admin_url(f"blog.{kinds[pk]}" if label == "blog.entry" and pk in kinds else label, pk) for label, pk in pairs
    ]


def _admin_url(label: str, pk: Any) -> str:
    """Return the page of an object in the admin; empty if it has none."""
    model = apps.get_model(label)
    if not admin.site.is_registered(model):
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""
