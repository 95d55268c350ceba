"""One-time codes of authenticator apps, and recovery codes."""

import logging
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from accounts.models import User

# By how many codes the clocks of two processes may differ: five minutes.
_MAX_AHEAD: Final = 10

_log = logging.getLogger(__name__)


@sensitive_variables()
@transaction.atomic
def use_code(user: User, code: str) -> Authenticator | None:
    """Use up a code of `user` and return its authenticator; None if the code is wrong or was used before."""
    code = "".join(code.split()).replace("-", "")
    rows = Authenticator.objects.select_for_update().filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for row in rows:
        is_app = row.type == Authenticator.Type.TOTP
        try:
            is_right = _use_app_code(row, code) if is_app else row.wrap().validate_code(code)
        except InvalidToken:
            _log.error("Second factors can't be decrypted. Put the earlier key into SECRET_KEY_FALLBACKS.")
            return None
        if is_right:
            return row
    return None


def _use_app_code(row: Authenticator, code: str) -> bool:
    """Return whether an authenticator app shows `code` now, and store its time so that it is accepted only once.

    allauth remembers used codes in the cache, and accepts none while that fails.
    """
    secret, last_used = decrypt(row.data["secret"]), row.data.get("last_counter", -1)
    counters = list(yield_hotp_counters_from_time())
    if last_used > counters[-1] + _MAX_AHEAD:
        # The clock was ahead then, which must not lock anyone out until that time.
        last_used = -1
    for counter in counters:
        expected = format_hotp_value(hotp_value(secret, counter))
        if constant_time_compare(code, expected) and counter > last_used:
            row.data["last_counter"] = counter
            row.last_used_at = timezone.now()
            row.save(update_fields=["data", "last_used_at"])
            return True
    return False
