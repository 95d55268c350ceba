"""Showing forms of the admin that were submitted after their session had expired."""

from copy import copy
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext


@dataclass(frozen=True, slots=True)
class LateForm:
    """A form submitted after its session had expired. The GET that shows it again has it as `request.late_form`."""

    fields: QueryDict
    had_files: bool

    @property
    def warning(self) -> str:
        """What the person is told above the form."""
        text = gettext("This is what you had entered when you were logged out. It isn't saved yet.")
        return f"{text} {gettext("The files couldn't be kept. Choose them again.")}" if self.had_files else text


class UnsavedForm:
    """A mixin for a bound form that shows its fields and errors but is never saved."""

    def is_valid(self) -> bool:
        return False


def as_sent(request: HttpRequest, late: LateForm) -> HttpRequest:
    """Return the request as if the late form were submitted now, without its files."""
    sent = copy(request)
    # A GET has no files, and reading them now keeps the copy from parsing a body.
    sent._files = request.FILES  # type: ignore[attr-defined]  # FILES can't be set
    sent.POST = late.fields  # type: ignore[assignment]  # a QueryDict that nothing changes
    sent.method = "POST"
    return sent
