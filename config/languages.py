"""The languages that texts can be in: those that Django knows, and some that it doesn't."""

from typing import Final

from django.conf import global_settings
from django.conf.locale import LANG_INFO


def _(name: str) -> str:
    """Mark a name for translation. Django's functions for this need the settings."""
    return name


# The name, the native name, and whether it is written from right to left.
_OTHERS: Final = {
    "am": (_("Amharic"), "አማርኛ", False),
    "ku": (_("Kurdish (Kurmanji)"), "Kurdî", False),
    "om": (_("Oromo"), "Afaan Oromoo", False),
    "ps": (_("Pashto"), "پښتو", True),
    "rw": (_("Kinyarwanda"), "Ikinyarwanda", False),
    "si": (_("Sinhala"), "සිංහල", False),
    "so": (_("Somali"), "Soomaali", False),
    "ti": (_("Tigrinya"), "ትግርኛ", False),
}


def languages() -> list[tuple[str, str]]:
    """Return the code and the English name of each language, and let Django know those that it lacks."""
    for code, (name, native_name, is_from_right) in _OTHERS.items():
        LANG_INFO[code] = {"bidi": is_from_right, "code": code, "name": name, "name_local": native_name}
    return [*global_settings.LANGUAGES, *((code, name) for code, (name, *_others) in _OTHERS.items())]
