"""Messages on Django's admin pages that Django has not translated into every language that we ship.

`make messages` collects them from here. The translations in locale/ take precedence over Django's own.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

MESSAGES = (
    gettext_noop("- Select an option -"),
    gettext_noop("Run"),
    gettext_noop("Haitian Creole"),
    gettext_noop("No %s matches the given query."),
    gettext_noop("Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."),
)
COUNTED = (ngettext_lazy("…and %(count)d more object.", "…and %(count)d more objects.", "count"),)
