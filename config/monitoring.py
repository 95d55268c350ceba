"""The token for monitoring, from the variable MONITORING_TOKEN."""

from typing import Final

from django.core.exceptions import ImproperlyConfigured

# In characters. Shorter ones could be guessed.
_MIN_LENGTH: Final = 24


def monitoring_token(value: str) -> str:
    """Return the token; empty if there is none. Raises ImproperlyConfigured if it is guessable or can't be sent."""
    token = value.strip()
    if token and (len(token) < _MIN_LENGTH or not token.isascii() or not token.isprintable() or " " in token):
        raise ImproperlyConfigured(
            f"MONITORING_TOKEN is not valid. It should have {_MIN_LENGTH} characters or more. `make secret-key` prints "
            "one."
        )
    return token
