"""The contacts in security.txt, from the variable SECURITY_CONTACT."""

from collections.abc import Iterable
from typing import Final

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

_SCHEMES: Final = ("https://", "mailto:", "tel:")


def security_contacts(values: Iterable[str]) -> list[str]:
    """Return the URIs of e-mail addresses and URLs. Raises ImproperlyConfigured if one is neither. Source: RFC 9116."""
    contacts = []
    for value in filter(None, map(str.strip, values)):
        if value.startswith(_SCHEMES) and not any(character.isspace() for character in value):
            contacts.append(value)
            continue
        try:
            validate_email(value)
        except ValidationError:
            raise ImproperlyConfigured(
                f"SECURITY_CONTACT contains {value!r}. Use e-mail addresses and URLs that begin with https://, "
                "separated by commas."
            ) from None
        contacts.append(f"mailto:{value}")
    return contacts
