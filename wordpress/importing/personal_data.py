"""Personal data that imports have preserved: meta fields of comments, and items of custom types with an address."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from comments.personal_data import comments_of
from core.personal_data import PersonalRows
from wordpress.importing.report import COMMENTS
from wordpress.models import ImportedItem, PreservedData


@dataclass(frozen=True, slots=True)
class PreservedRows(PersonalRows):
    """The preserved data of a person's comments, and other preserved data that contains the e-mail address.

    Editors' data about their own texts, such as the custom fields of posts, is not about commenters. Data that plugins
    stored may be, such as the topics of a forum.
    """

    model: type[PreservedData] = field(default=PreservedData)
    email_field: str = "fields"

    def rows(self, email: str) -> QuerySet[Any]:
        rows = PreservedData.objects.all()
        if not email:
            return rows.none()
        # The database may store characters outside ASCII escaped or not.
        spellings = {email, json.dumps(email)[1:-1]}
        contains = Q()
        for spelling in spellings:
            contains |= Q(text__icontains=spelling)
        of_plugins = Q(entry=None) | Q(fields__elements__has_key="wp:post_type")
        others = rows.filter(of_plugins, category=None, tag=None).annotate(text=Cast("fields", TextField()))
        # The query also matches longer addresses that contain this one.
        whole = re.compile(rf"(?<![\w.+-])(?:{'|'.join(map(re.escape, spellings))})(?![\w-]|\.\w)", re.IGNORECASE)
        found = [pk for pk, text in others.filter(contains).values_list("pk", "text") if whole.search(text)]
        return rows.filter(Q(pk__in=found) | Q(comment__in=comments_of(email)))


def forget(pks: Collection[int]) -> None:
    """Delete the ledger rows and preserved data of comments. Later imports leave these comments alone."""
    ImportedItem.objects.filter(kind=COMMENTS, object_pk__in=pks).delete()
    PreservedData.objects.filter(comment__in=pks).delete()
