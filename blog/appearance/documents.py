"""The document that describes the site's appearance, and the only place where it is validated."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from blog.appearance import custom_css
from blog.appearance.blocks import Block, BlocksField, read_blocks
from blog.appearance.colours import DARK, LIGHT, MIN_CONTRAST, Colour, Scheme, format_ratio
from blog.appearance.home import PageField
from blog.appearance.menus import MENU_HELP, Item, MenuField, read_items
from blog.appearance.pictures import PictureField

# In characters.
_MAX_FOOTER: Final = 2_000
# The choices besides the format of the site's language, in Django's notation.
_DAY_FORMATS: Final = ("j F Y", "F j, Y", "d/m/Y", "d.m.Y", "m/d/Y", "Y-m-d")

MENUS: Final = ("header_menu", "footer_menu", "social_menu")

type Document = dict[str, Any]


class TypeStyle(TextChoices):
    SERIF = "serif", _("Serif, for long reading")
    SANS = "sans", _("Sans serif, for titles and texts alike")
    LITERATA = "literata", _("Literata, a serif font for long reading that readers get from this site")
    PLAIN = "plain", _("Plain and compact, like an early blog")


class Width(TextChoices):
    NARROW = "narrow", pgettext_lazy("width", "Narrow")
    NORMAL = "normal", pgettext_lazy("width", "Normal")
    WIDE = "wide", pgettext_lazy("width", "Wide")


class Sidebar(TextChoices):
    RIGHT = "right", pgettext_lazy("sidebar", "Right of lists, below texts")
    LEFT = "left", pgettext_lazy("sidebar", "Left of lists, below texts")
    BELOW = "below", pgettext_lazy("sidebar", "Below everything")
    NONE = "none", pgettext_lazy("sidebar", "None")


class ListStyle(TextChoices):
    TEXTS = "texts", _("Texts up to the “Read more” break")
    TITLES = "titles", _("Titles only")


@dataclass(frozen=True, slots=True)
class Appearance:
    """A valid document. The defaults are the appearance that every site starts with.

    Colours are codes such as `#17527f`. An empty `accent` stands for the design's colour, and an empty `accent_dark`
    for the closest one to `accent`. Empty `blocks` stand for the default ones, and an empty `day_format` for that of
    the site's language. `logo`, `header` and `icon` are IDs of images; `home` and `posts_page` are IDs of pages.
    """

    type_style: str = TypeStyle.SERIF
    accent: str = ""
    accent_dark: str = ""
    width: str = Width.NORMAL
    sidebar: str = Sidebar.RIGHT
    blocks: list[Block] = field(default_factory=list)
    list_style: str = ListStyle.TEXTS
    day_format: str = ""
    show_updates: bool = True
    about_author: bool = False
    list_pictures: bool = False
    list_reading_time: bool = False
    logo: str = ""
    header: str = ""
    icon: str = ""
    home: str = ""
    posts_page: str = ""
    header_menu: list[Item] = field(default_factory=list)
    footer_menu: list[Item] = field(default_factory=list)
    social_menu: list[Item] = field(default_factory=list)
    footer: str = ""
    css: str = ""


def read(document: object) -> Appearance:
    """Return the appearance that a stored document describes, with defaults in place of invalid values."""
    stored = {**default_document(), **(document if isinstance(document, Mapping) else {})}
    menus = {name: read_items(stored[name]) for name in MENUS}
    form = AppearanceForm({**stored, **menus, "blocks": read_blocks(stored["blocks"])})
    form.full_clean()
    return Appearance(**{name: value for name, value in form.cleaned_data.items() if name not in form.errors})


def default_document() -> Document:
    """Return the document that every site starts with."""
    return asdict(Appearance())


def _day_formats() -> list[tuple[str, str]]:
    # The last day of a year looks different in each format.
    example = dt.date(timezone.localdate().year, 12, 31)
    formats = [(each, date_format(example, each)) for each in _DAY_FORMATS]
    return [("", gettext("Default for the language of the site")), *formats]


class ColourField(forms.CharField):
    """A text colour for one scheme, as a colour code in lower case, or an empty string."""

    def __init__(self, scheme: Scheme, message: Any, **kwargs: Any) -> None:
        attrs = {"size": 9, "spellcheck": "false", "dir": "ltr", "placeholder": "#17527f"}
        attrs["data-pick"] = _("Pick a colour: {label}")
        super().__init__(required=False, max_length=7, widget=forms.TextInput(attrs), **kwargs)
        self._scheme, self._message = scheme, message

    def clean(self, value: Any) -> str:
        code = super().clean(value).lower()
        if not code:
            return ""
        code = code if code.startswith("#") else f"#{code}"
        if len(code) == 4:
            code = f"#{''.join(2 * digit for digit in code[1:])}"
        try:
            colour = Colour.of(code)
        except ValueError:
            text = gettext("Enter a colour code: # and six digits or letters from a to f, such as #17527f.")
            raise ValidationError(text, code="invalid") from None
        if not self._scheme.passes(colour):
            details = {
                "ratio": format_ratio(self._scheme.contrast(colour)),
                "enough": str(MIN_CONTRAST),
                "nearest": str(self._scheme.nearest(colour)),
            }
            raise ValidationError(self._message, code="contrast", params=details)
        return str(colour)


class AppearanceForm(forms.Form):
    """Validates a document, whether an owner has just edited it or it was stored before."""

    type_style = forms.ChoiceField(
        label=_("Type"),
        choices=TypeStyle.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "Readers load Literata from this site once, in files of at most 30 kB, for texts in Latin and Cyrillic "
            "letters. All other styles use fonts that readers already have, so nothing has to be loaded."
        ),
    )
    accent = ColourField(
        LIGHT,
        _(
            "On a light background, this colour has a contrast of %(ratio)s to 1, but text needs %(enough)s to 1. The "
            "nearest colour with enough contrast is %(nearest)s."
        ),
        label=_("Accent colour"),
        help_text=_("The colour of links and dates. Leave empty for the blue and red of the design."),
    )
    accent_dark = ColourField(
        DARK,
        _(
            "On a dark background, this colour has a contrast of %(ratio)s to 1, but text needs %(enough)s to 1. The "
            "nearest colour with enough contrast is %(nearest)s."
        ),
        label=_("Accent colour in dark mode"),
        help_text=_("For readers who prefer a dark design. Leave empty to derive it from the accent colour."),
    )
    width = forms.ChoiceField(label=_("Text width"), choices=Width.choices, widget=forms.RadioSelect)
    sidebar = forms.ChoiceField(
        label=_("Position"),
        choices=Sidebar.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "On small screens, the sidebar is always below. In languages that are written from right to left, the "
            "sides are swapped."
        ),
    )
    blocks = BlocksField(
        label=_("Sidebar blocks"),
        required=False,
        help_text=_("If you choose none, the default blocks are shown."),
    )
    list_style = forms.ChoiceField(
        label=_("Lists of posts"),
        choices=ListStyle.choices,
        widget=forms.RadioSelect,
        help_text=_("The site settings decide whether texts without a “Read more” break are shortened."),
    )
    list_pictures = forms.BooleanField(
        label=_("Show featured images in lists"),
        required=False,
        help_text=_("Shown small beside the text, unless the text in the list already contains the same image."),
    )
    list_reading_time = forms.BooleanField(
        label=_("Show the reading time in lists"),
        required=False,
        help_text=_("In minutes, after the date. Lists that show only titles have neither images nor reading times."),
    )
    day_format = forms.ChoiceField(label=_("Dates"), choices=_day_formats, required=False)
    show_updates = forms.BooleanField(
        label=_("Show when a post was updated"),
        required=False,
        help_text=_(
            "Shown after the post if its text was changed on a later day. Changes of up to three words count as "
            "corrections and are not shown."
        ),
    )
    about_author = forms.BooleanField(
        label=_("Show the author below posts"),
        required=False,
        help_text=_("The portrait and the biography, if the site settings show authors."),
    )
    logo = PictureField(
        label=_("Logo"),
        help_text=_("Replaces the site's title at the top of each page."),
    )
    header = PictureField(label=_("Header picture"), help_text=_("Below the site's title and tagline on each page."))
    icon = PictureField(
        is_icon=True,
        label=_("Site icon"),
        help_text=_("Square, and at least 512 pixels wide. Browsers and phones get it in every size they need."),
    )
    home = PageField(
        label=_("Home page"),
        help_text=_("Shown instead of the list of posts. Its own URL then redirects to the root of the site."),
    )
    posts_page = PageField(
        label=_("Posts page"),
        help_text=_(
            "Shows the list of posts if there is a home page. Without a posts page, the list isn't shown anywhere."
        ),
    )
    header_menu = MenuField(label=_("Header menu"), help_text=MENU_HELP)
    footer_menu = MenuField(label=_("Footer menu"))
    social_menu = MenuField(
        has_submenus=False,
        label=_("Elsewhere"),
        help_text=_(
            "Your pages on other sites, such as: Mastodon https://social.example/@us. Those sites can verify the link."
        ),
    )
    footer = forms.CharField(
        label=_("Footer"),
        required=False,
        max_length=_MAX_FOOTER,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text=_("Markdown at the end of each page, instead of the line in the site settings."),
    )
    css = forms.CharField(
        label=_("Custom CSS"),
        required=False,
        max_length=custom_css.MAX_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "dir": "ltr", "class": "code"}),
        help_text=_(
            "Applied after all other styles. It can use files from your media library, and nothing from elsewhere."
        ),
    )

    def __init__(self, data: Any = None, *, initial: Document | None = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")

    def clean_posts_page(self) -> str:
        """Clear the page of posts if there is no home page, for example because that was deleted."""
        page: str = self.cleaned_data["posts_page"]
        home = self.cleaned_data.get("home", "")
        if page and page == home:
            raise ValidationError(gettext("The home page can't also be the posts page."))
        return page if home else ""

    def clean_css(self) -> str:
        css: str = self.cleaned_data["css"]
        css = css.replace("\r\n", "\n")
        text = gettext("Line %(line)d: %(problem)s")
        if problems := custom_css.find_problems(css):
            raise ValidationError([text % {"line": line, "problem": problem} for line, problem in problems])
        return css if css.strip() else ""
