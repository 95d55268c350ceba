"""Personal data: rows about people, found by e-mail address, to be disclosed or erased on request."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class PersonalRows:
    """The rows of a model that belong to people, who are identified by the e-mail address in `email_field`.

    The field may belong to a related object, as in `author__email`. Only the columns in `disclosed` are disclosed,
    which keeps secrets out; all columns if it is empty.

    Rows `of_account` are about how someone with an account logs in and is shown. Only owners may see them, and they are
    erased with the account.
    """

    model: type[models.Model]
    email_field: str
    disclosed: tuple[str, ...] = ()
    of_account: bool = False

    @property
    def label(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    def count(self, email: str) -> int:
        return self.rows(email).count()

    def disclose(self, email: str) -> list[dict[str, Any]]:
        """Return the rows, with their columns, as values that JSON can represent."""
        rows = self.rows(email).values(*self.disclosed)
        return [{name: _to_json(value) for name, value in row.items()} for row in rows]

    def erase(self, email: str) -> int:
        """Delete the rows and return how many there were."""
        count = self.count(email)
        self.rows(email).delete()
        return count

    def rows(self, email: str) -> models.QuerySet[Any]:
        """Return the rows of the person with this address."""
        rows = self.model._default_manager
        return rows.filter(**{f"{self.email_field}__iexact": email}) if email else rows.none()


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return b64encode(value).decode("ascii")
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _find_problems(name: str, rows: PersonalRows) -> Iterable[str]:
    model: Any = rows.model
    try:
        for field in rows.email_field.split("__"):
            model = model._meta.get_field(field).related_model
    except FieldDoesNotExist:
        yield f"{rows.model.__name__} has no field {rows.email_field!r}."


personal_rows: Final[Registry[PersonalRows]] = Registry("personal data", _find_problems)
