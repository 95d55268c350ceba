"""Error reports without personal data."""

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class PrivacyFilter(SafeExceptionReporterFilter):
    """Hides IP addresses and all form input, as well as passwords and keys."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|ADDR|FORWARDED|REMOTE|IP$|VIA$", re.IGNORECASE
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request is not None else {}
