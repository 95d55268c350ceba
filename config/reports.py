"""What reports of errors may say of a request: nothing that tells who sent it."""

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

_WHO = r"ADDR|FORWARDED|REMOTE|IP$|VIA$"


class WithoutPeople(SafeExceptionReporterFilter):
    """Besides passwords and keys it hides network addresses, and all that was typed into a form."""

    hidden_settings = re.compile(f"{SafeExceptionReporterFilter.hidden_settings.pattern}|{_WHO}", re.IGNORECASE)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request is not None else {}
