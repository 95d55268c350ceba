"""What public pages need of an appearance, computed once for each version of entries."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from rcssmin import cssmin

from blog.appearance.colours import DARK, LIGHT, Colour, Scheme
from blog.appearance.documents import MENUS, Appearance, TypeStyle, read
from blog.appearance.home import find_page
from blog.appearance.menus import MenuLink, links_of
from blog.appearance.pictures import find_picture, icon_key, image_html
from blog.appearance.typeface import FILES, SUBSTITUTES, font_url
from blog.models import Page, SiteAppearance
from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, render
from core.models import SiteSettings
from media.models import Picture

# In CSS pixels: the width and height of a logo, and the widest column.
_MAX_LOGO: Final = (400, 80)
_MAX_HEADER: Final = 704


@dataclass(frozen=True, slots=True)
class SiteIcon:
    """The icon of the site, which has a URL in each of ICON_SIZES."""

    picture: Picture

    def url(self, size: int) -> str:
        return reverse("blog:icon", args=[icon_key(self.picture), size])

    @property
    def for_tabs(self) -> str:
        return self.url(32)

    @property
    def for_phones(self) -> str:
        return self.url(180)


@dataclass(frozen=True, slots=True)
class Look:
    """An appearance as pages use it.

    `style` is the stylesheet that follows the design's own, and `style_url` is its URL. Both are empty if nothing
    differs from the design. `head_html` is the part of the head that all pages share. Other HTML is empty if there is
    nothing to show.
    """

    appearance: Appearance
    style: str
    style_url: str
    head_html: SafeString
    footer_html: SafeString
    name: SafeString | str
    header_html: SafeString
    icon: SiteIcon | None
    home: Page | None
    posts_page: Page | None
    header_menu: list[MenuLink]
    footer_menu: list[MenuLink]
    social_menu: list[MenuLink]

    @property
    def font_url(self) -> str:
        """The URL of the font for a page in the active language; empty if readers already have the fonts."""
        return font_url() if self.appearance.type_style == TypeStyle.LITERATA else ""


def look_of(site: SiteSettings) -> Look:
    """Return the look of the site. Takes queries only the first time for each version of entries."""
    return site.remember(lambda: _make(read(SiteAppearance.of(site).document), site), "look")


def _make(appearance: Appearance, site: SiteSettings) -> Look:
    # The owner's CSS stays exactly as it was validated.
    style = cssmin(_rules(appearance)) + appearance.css
    digest = blake2b(style.encode(), digest_size=8).hexdigest()
    url = reverse("blog:style", args=[digest]) if style else ""
    logo, header, icon = map(find_picture, (appearance.logo, appearance.header, appearance.icon))
    site_icon = SiteIcon(icon) if icon else None
    return Look(
        appearance,
        style,
        url,
        render_to_string("blog/_look.html", {"site": site, "icon": site_icon}),
        footer_html(appearance.footer),
        image_html(logo, site.title, max_width=_MAX_LOGO[0], max_height=_MAX_LOGO[1]) if logo else site.title,
        image_html(header, header.alt, max_width=_MAX_HEADER) if header else SafeString(),
        site_icon,
        find_page(appearance.home),
        find_page(appearance.posts_page),
        *(links_of(getattr(appearance, name)) for name in MENUS),
    )


def _rules(appearance: Appearance) -> str:
    context: dict[str, object] = {"appearance": appearance, "font_files": FILES, "substitutes": SUBSTITUTES}
    context["submenus"] = [name for name in MENUS if any("children" in item for item in getattr(appearance, name))]
    if appearance.accent or appearance.accent_dark:
        context |= {"light": _colours(appearance.accent, LIGHT), "dark": _dark_colours(appearance)}
    return render_to_string("blog/appearance.css", context)


def _dark_colours(appearance: Appearance) -> dict[str, Colour]:
    accent = appearance.accent_dark or appearance.accent
    return _colours(str(DARK.nearest(Colour.of(accent))), DARK)


def _colours(accent: str, scheme: Scheme) -> dict[str, Colour]:
    """Return the values of custom properties in site.css for an accent colour; none if it is empty."""
    if not accent:
        return {}
    colour = Colour.of(accent)
    # In the design, the underline is paler than its link by this share.
    return {"link": colour, "mark": colour, "underline": colour.mixed_with(scheme.backgrounds[0], 0.4)}


def footer_html(source: str) -> SafeString:
    """Return the HTML of a footer in Markdown."""
    # Unlike those of a body, the element ids of a lead are unique on a page.
    html = render(source, "markdown").lead_html if source else ""
    return mark_safe(html.replace(MORE_PLACEHOLDER, "").replace(PAGE_BREAK, ""))  # noqa: S308  # blog.rendering has sanitised it
