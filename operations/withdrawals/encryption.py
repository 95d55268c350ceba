"""Encrypting the data that a withdrawal keeps, with a key derived from SECRET_KEY.

Neither the database nor a backup alone reveals what was withdrawn. Anyone who controls the whole server can read it
until it is deleted, as the owner can.
"""

import base64
import json
import zlib
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext


class UnreadableError(Exception):
    """Something can't be decrypted, because it was encrypted with another SECRET_KEY. The message says so."""

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "The stored data can't be read, because SECRET_KEY has changed. Add the former key to "
                "SECRET_KEY_FALLBACKS."
            )
        )


def encrypt(value: Any) -> str:
    """Encrypt `value`, which JSON can represent."""
    sealed: bytes = _keys().encrypt(zlib.compress(json.dumps(value).encode()))
    return sealed.decode()


def decrypt(sealed: str) -> Any:
    """Return the value that was encrypted. Raises UnreadableError."""
    try:
        return json.loads(zlib.decompress(_keys().decrypt(sealed)))
    except _fernet().InvalidToken as error:
        raise UnreadableError from error


def keyed_hash(text: str) -> str:
    """Return a hash that can't be computed without the key."""
    return salted_hmac("operations.withdrawals.hash", text, algorithm="sha256").hexdigest()


def _keys() -> Any:
    """Return the current key, and the site's former ones, which are only used to decrypt."""
    keys = []
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = salted_hmac("operations.withdrawals.key", "", secret=secret, algorithm="sha256").digest()
        keys.append(_fernet().Fernet(base64.urlsafe_b64encode(key)))
    return _fernet().MultiFernet(keys)


def _fernet() -> Any:
    # Imported when it is first needed, because it is large and most processes only ever answer readers.
    return import_module("cryptography.fernet")
