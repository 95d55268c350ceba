"""Checking passwords, with limits for guesses (accounts.throttle)."""

from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.views.decorators.debug import sensitive_variables

from accounts import browsers, throttle
from accounts.actions import Action
from accounts.audit.recording import count
from accounts.models import User
from core.sender import sender


def too_many_guesses() -> ValidationError:
    minutes = throttle.PERIOD // 60
    text = ngettext(
        "There were too many attempts. Wait %(n)d minute, or log in with a passkey.",
        "There were too many attempts. Wait %(n)d minutes, or log in with a passkey.",
        minutes,
    )
    return ValidationError(text % {"n": minutes}, code="too_many_guesses")


@sensitive_variables("password")
def check_password(request: HttpRequest, name: str, password: str) -> User | None:
    """Return the person with this username or e-mail address if the password is theirs and they may use the admin.

    Raises ValidationError after too many guesses. Takes the same queries and time whether there is such a person.
    """
    user = User.objects.named(name)
    try:
        known = browsers.known_browser(request, user)
        guess = throttle.count_guess("password", name_key(name), sender(request), known)
    except throttle.TooManyGuessesError:
        raise too_many_guesses() from None
    authenticated = authenticate(request, username=name, password=password)
    if not isinstance(authenticated, User) or not authenticated.is_staff:
        count(Action.LOGIN_FAILED, user)
        return None
    guess.was_right()
    return authenticated


@sensitive_variables("password")
def check_own_password(request: HttpRequest, user: User, password: str) -> None:
    """Raise ValidationError unless this is the password of `user`, who is logged in, and after too many guesses.

    Guesses are limited here as well, because someone else may be using the person's browser.
    """
    if check_password(request, user.username, password) != user:
        raise ValidationError(gettext("The password is wrong. Check capital letters."))


def name_key(name: str) -> str:
    """Return the key for limits on a name with which people log in, whether there is such an account or not.

    If it depended on the account, a refusal would reveal which names belong to the same one, and that it exists.
    """
    return f"name {name.strip().casefold()}"
