"""Pages for the errors of the web server in front, which it shows while Broadside can't answer.

`collectstatic` writes them to files (config.static): each page in every language of the interface, and once more in the
site's language, for readers of others. deploy/nginx.conf and deploy/Caddyfile choose among them.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings
from django.template.loader import get_template
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from core.languages import SHIPPED

# The title and the paragraphs of each page, by the name of its file.
_TEXTS: Final = {
    "unavailable": (
        _("Back in a moment"),
        _("This site is not answering, and will probably be back within a minute. Please try again then."),
        _(
            "If you were sending something, go back: your browser usually still has what you wrote. Sending it twice "
            "does no harm."
        ),
    ),
    "too-large": (
        _("Too large"),
        _("This is larger than this site accepts, so nothing was stored: files may have up to 50 MB."),
        _(
            "Go back, make the file smaller or choose fewer at a time, and submit it again. What you have typed is "
            "usually still there."
        ),
    ),
    "too-many": (
        _("Please wait a minute"),
        _("Too many requests came at once, so this one was not answered, and nothing was stored."),
        _("Wait a minute, go back, and try again. What you have typed is usually still there."),
    ),
    "logged-out": (
        _("You are not logged in"),
        _("You have to be logged in to submit something this large. Log in, then submit it again."),
    ),
}


def proxy_errors(styles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each file below STATIC_ROOT, and its page as HTML with these URLs of style sheets.

    `errors/unavailable.ar.html` is in Arabic, and `errors/unavailable.html` in the site's language.
    """
    site_language = settings.LANGUAGE_CODE.partition("-")[0]
    languages = {f".{language}": language for language in SHIPPED}
    languages[""] = site_language if site_language in SHIPPED else "en"
    template = get_template("proxy_error.html")
    for suffix, language in languages.items():
        with translation.override(language):
            for name, (title, *paragraphs) in _TEXTS.items():
                page = template.render({"title": title, "paragraphs": paragraphs, "styles": styles})
                yield f"errors/{name}{suffix}.html", page
