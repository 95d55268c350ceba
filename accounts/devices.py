"""What browsers are called: stored in English, and shown in the language of the reader."""

from django.utils.translation import gettext

_ON = " on "


def name_device(browser: str, system: str) -> str:
    """Return what is stored, such as “Firefox on Windows”; only one of the names if the other is empty."""
    return _ON.join(filter(None, (browser, system)))


def in_words(device: str) -> str:
    """Return what `name_device` has returned in the active language."""
    browser, on, system = device.partition(_ON)
    return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system} if on else device
