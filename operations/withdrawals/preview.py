"""What owners are shown of a withdrawal: where the name is, by kind, and what has to be done by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from accounts.models import User
from blog.models import Entry
from media.models import Document, Picture
from operations.models import Withdrawal
from operations.withdrawals.lifecycle import Finding, Secret
from operations.withdrawals.matching import Name
from operations.withdrawals.places import UNTOUCHED_FIELDS

_MAX_LINKS: Final = 50


@dataclass(frozen=True, slots=True)
class Link:
    """An object, and its page in the admin; empty if it has none."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the name, and where to look at it."""

    finding: Finding
    column: str
    url: str


@dataclass(frozen=True, slots=True)
class Kind:
    """All rows of a table that contain the name, of which `rows` are listed."""

    label: str
    count: int
    rows: Sequence[Row]


def kinds_of(withdrawal: Withdrawal, secret: Secret | None) -> list[Kind]:
    """Return how often the name is in each table, with the rows that were found, most often first."""
    rows: dict[str, list[Row]] = {}
    for finding in secret.findings if secret else []:
        model = apps.get_model(finding.place)
        column = str(getattr(model._meta.get_field(finding.column), "verbose_name", finding.column))
        rows.setdefault(finding.place, []).append(Row(finding, column, _admin_url(finding.place, finding.pk)))
    counts = sorted(withdrawal.counts.items(), key=lambda pair: -pair[1])
    return [Kind(label_of(label), count, rows.get(label, [])) for label, count in counts]


def label_of(label: str) -> str:
    return capfirst(str(apps.get_model(label)._meta.verbose_name_plural))


def links_to(pairs: Iterable[Sequence[str]]) -> list[Link]:
    """Return a link to each object, given by its label and ID. What has no page in the admin is named by its kind."""
    return [
        Link(f"{capfirst(str(apps.get_model(label)._meta.verbose_name))} {pk}", _admin_url(label, pk))
        for label, pk in pairs
    ]


def accounts_with(name: Name) -> list[Link]:
    """Return the accounts whose private names contain the name, which are left alone."""
    columns = [label.rpartition(".")[2] for label in sorted(UNTOUCHED_FIELDS) if label.startswith("accounts.user.")]
    columns.remove("password")
    people = User.objects.values_list("pk", *columns).iterator()
    found = [pk for pk, *values in people if any(name.find(value) for value in values)]
    return [Link(str(person), _admin_url("accounts.user", person.pk)) for person in User.objects.filter(pk__in=found)]


def files_in(findings: Iterable[Finding]) -> list[Link]:
    """Return the files in the texts that contain the name: only a person can tell what is in them."""
    entries = [int(finding.pk) for finding in findings if finding.place == "blog.entry"]
    found: list[Any] = []
    for model, accessor in ((Document, "documents"), (Picture, "pictures")):
        ids = Entry.objects.filter(pk__in=entries).exclude(**{accessor: None}).values_list(accessor, flat=True)
        featured = Q(pk__in=Entry.objects.filter(pk__in=entries).values("featured_picture"))
        chosen = Q(pk__in=ids) | featured if model is Picture else Q(pk__in=ids)
        found += model._default_manager.filter(chosen)[: _MAX_LINKS - len(found)]
    return [Link(str(file), _admin_url(file._meta.label_lower, file.pk)) for file in found]


def _admin_url(label: str, pk: Any) -> str:
    """Return the page of an object in the admin; empty if it has none."""
    model = apps.get_model(label)
    if label == "blog.entry":
        kind = Entry.objects.filter(pk=pk).values_list("kind", flat=True).first()
        model = apps.get_model("blog", kind) if kind else model
    if not admin.site.is_registered(model):
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""
