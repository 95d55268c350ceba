"""What public pages use of an appearance, made once under each version of entries."""

from dataclasses import dataclass
from hashlib import blake2b

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from rcssmin import cssmin

from blog.appearance.colours import DARK, LIGHT, Colour, Scheme
from blog.appearance.documents import Appearance, read
from blog.models import SiteAppearance
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, render
from core.memory import remembered
from core.models import SiteSettings


@dataclass(frozen=True, slots=True)
class Look:
    """An appearance as pages use it.

    `style` is the file that follows the stylesheet of the design, and `style_url` where it is. Both are empty if
    nothing differs from the design.
    """

    appearance: Appearance
    style: str
    style_url: str
    footer_html: SafeString


def look_of(site: SiteSettings) -> Look:
    """Return the look of the site. It takes no query."""
    return remembered(site, lambda: _make(read(SiteAppearance.of(site).document)), "look")


def _make(appearance: Appearance) -> Look:
    # That of the owner stays as it was checked.
    style = cssmin(_rules(appearance)) + appearance.css
    digest = blake2b(style.encode(), digest_size=8).hexdigest()
    url = reverse("blog:style", args=[digest]) if style else ""
    return Look(appearance, style, url, footer_html(appearance.footer))


def _rules(appearance: Appearance) -> str:
    context: dict[str, object] = {"appearance": appearance}
    if appearance.accent or appearance.accent_dark:
        context |= {"light": _colours(appearance.accent, LIGHT), "dark": _dark_colours(appearance)}
    return render_to_string("blog/appearance.css", context)


def _dark_colours(appearance: Appearance) -> dict[str, Colour]:
    accent = appearance.accent_dark or appearance.accent
    return _colours(str(DARK.nearest(Colour.of(accent))), DARK)


def _colours(accent: str, scheme: Scheme) -> dict[str, Colour]:
    """Return the values of properties in site.css for an accent colour; none for an empty one."""
    if not accent:
        return {}
    colour = Colour.of(accent)
    # As much paler than its link as a line under a link is in the design.
    return {"link": colour, "mark": colour, "underline": colour.mixed_with(scheme.backgrounds[0], 0.4)}


def footer_html(source: str) -> SafeString:
    """Return the HTML of a footer in Markdown."""
    # The ids of a lead are unique on its page.
    html = render(source, "markdown").lead_html if source else ""
    return mark_safe(html.replace(MORE_PLACEHOLDER, "").replace(PAGE_BREAK, ""))  # noqa: S308  # blog.rendering has sanitised it
