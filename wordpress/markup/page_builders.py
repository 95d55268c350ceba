"""Page builders: Divi, WPBakery and Avada store pages as shortcodes around their texts, SiteOrigin some of its widgets.

The plugin Shortcodes Ultimate, WordPress.com and many themes have such shortcodes, too. All names of a theme's begin
with the same word, as in `[wm_tabs]…[/wm_tabs]` and `[wm_button]`, or are any words on pages of a builder, to which the
theme has added them. Pages have a single column here. The shortcodes are
removed, except for the headings, pictures, videos and links in their attributes. The text between them stays. Source:
exports of sites that use these builders.
"""

import json
import re
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from html import escape, unescape
from typing import Any, Final
from urllib.parse import unquote

from django.utils.translation import gettext_lazy as _

from blog.rendering.providers import find_embed
from blog.rendering.tree import clean_text
from media.models import Picture
from wordpress.markup.galleries import UploadFinder, parse_ids
from wordpress.markup.tokenizer import change_texts, find_in_texts
from wordpress.wxr.values import plain_line

# The prefixes of their shortcodes. The first ones are those of builders for whole pages.
_PAGE_BUILDERS: Final = ("et_pb_", "fusion_", "vc_")
BUILDERS: Final = (*_PAGE_BUILDERS, "siteorigin_widget", "su_")
# Every text in which a shortcode refers to pictures by their IDs contains one of these.
MARKS: Final = (*(f"[{prefix}" for prefix in BUILDERS), 'image="', 'images="', '_ids="')
# Shortcodes of WordPress.com and of themes. Some are also ordinary words, so only those with an end tag count.
_ENCLOSING: Final = (
    *("accordion", "alert", "answer", "blockquote", "box", "button", "checklist", "column", "columns", "dropcap"),
    *("expand", "explanation", "five_sixth", "four_fifth", "highlight", "info", "lightbox", "list", "noformat"),
    *("note", "one_fifth", "one_fourth", "one_half", "one_half_last", "one_sixth", "one_third", "one_third_last"),
    *("presentation", "pullquote", "question", "quiz", "quote", "raw", "recipe", "recipe-directions"),
    *("recipe-ingredients", "recipe-notes", "recipe-nutrition", "row", "slide", "spoiler", "tab", "tabs"),
    *("three_fourth", "toggle", "toggles", "tooltip", "two_third", "two_third_last", "two_thirds", "warning"),
    "wrong",
)
_NAMES: Final = "|".join(map(re.escape, _ENCLOSING))
# The prefix of a theme's shortcodes.
_PREFIX: Final = r"[a-z][a-z0-9]{1,15}_"
_PREFIXED = re.compile(rf"{_PREFIX}\w")
_MARK = re.compile(rf"\[(?:{'|'.join(BUILDERS)}|/(?:(?:{_NAMES})\]|{_PREFIX}))")
_TAG = re.compile(r"\[(?<!\[\[)(?P<end>/?)(?P<name>[a-z][\w-]*+)(?P<attributes>(?:[\s/][^\[\]]*+)?)\]")
_ATTRIBUTE = re.compile(r"""(?<![\w-])(\w++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
# A shortcode with attributes, and an attribute with markup, such as `text="One<br />Two"`.
_WITH_ATTRIBUTES = re.compile(r"\[\w++\s[^\[\]]*+\]")
_WITH_MARKUP = re.compile(r"""=(?:"[^"<]*+<[^"]*+"|'[^'<]*+<[^']*+')""")
_BREAK = re.compile(r"<br\b[^<>]*+>", re.IGNORECASE)
# Shortcodes whose content is encoded code or the URL of a picture.
_ENCODED = re.compile(
    r"\[(?P<name>vc_raw_html|fusion_code)(?:\s[^\[\]]*+)?\](?P<code>[A-Za-z0-9+/=\s]*+)\[/(?P=name)\]"
)
# A widget of SiteOrigin with its values, as escaped JSON.
_WIDGET = re.compile(
    r"""\[siteorigin_widget\s[^\[\]]*+\]\s*+<input(?:\s++\w++="[^"]*+")*?\s++value="([^"]*+)"[^<>]*+>"""
    r"""\s*+\[/siteorigin_widget\]"""
)
_FRAMED = re.compile(
    r"(\[fusion_imageframe(?:\s[^\[\]]*+)?\])\s*+(https?://[^\s<>\"\[\]]++)\s*+(?=\[/fusion_imageframe\])"
)
# A Divi module whose content is escaped HTML, as Divi 3 stored the content of its code module.
_ESCAPED = re.compile(r"(\[(et_pb_\w++)(?:\s[^\[\]]*+)?\]\s*+)(&lt;[^<\[]*+)(?=\[/\2\])")
# How WPBakery and Divi escape characters that have a special meaning in shortcodes.
_ESCAPES: Final = {"``": '"', "`{`": "[", "`}`": "]", "%22": '"', "%91": "[", "%93": "]"}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPES)))
_LINE_BREAK: Final = "[et_pb_line_break_holder]"

# The texts of SiteOrigin's widgets.
_TEXTS: Final = ("text", "content", "content_text")
_HEADINGS: Final = ("title", "heading", "h2", "text", "name", "author")
_SUBHEADINGS: Final = ("subhead", "subheading", "sub_title", "h4", "position", "job_title")
# The place of a module, which themes also call its position: `top-center`.
_PLACE = re.compile(r"(?:(?:top|middle|bottom|left|center|right|inside|outside)[_ -]?)+")
_PICTURES: Final = ("src", "image", "image_url", "portrait_url")
_GALLERIES: Final = ("gallery_ids", "images", "image_ids")
_LINKS: Final = (
    *(("button_text", name) for name in ("button_url", "button_link")),
    *((f"button_{number}_text", f"button_{number}_url") for number in ("one", "two")),
    ("btn_title", "btn_link"),
    ("more_text", "more_url"),
    ("source", "sourceurl"),
)
# The other attributes of WordPress.com's recipes that readers see.
_FACTS: Final = {"servings": _("Servings: %s"), "time": _("Time: %s"), "difficulty": _("Difficulty: %s")}
# Forms, whose attributes contain e-mail addresses, and shortcodes without text.
_WITHOUT_TEXT: Final = frozenset(
    {"et_pb_contact_field", "et_pb_contact_form", "et_pb_login", "et_pb_signup", "fusion_menu_anchor"}
)
_INLINE: Final = frozenset(
    {"dropcap", "highlight", "su_dropcap", "su_highlight", "su_label", "su_permalink", "su_tooltip", "tooltip"}
)
_LINKED: Final = frozenset({"button", "fusion_button", "su_button", "su_lightbox"})
_QUOTES: Final = frozenset({"blockquote", "quote"})
_TITLES: Final = frozenset({"fusion_title", "su_heading"})
_BUTTONS: Final = frozenset({"vc_btn", "vc_button", "vc_button2"})
_BUTTON_ENDS: Final = ("_btn", "_button")
_VIDEOS: Final = frozenset({"su_vimeo", "su_youtube"})


def count_builders(source: str, is_other: Callable[[str], bool]) -> Counter[str]:
    """Count the shortcodes of page builders and themes, by prefix, and others by name (see expand_builders)."""
    if not _MARK.search(source):
        return Counter()
    source = _without_tags_in_attributes(source)
    layout = _Layout(source, is_other)
    names = (tag["name"] for tag in find_in_texts(_TAG, source) if not tag["end"] and layout.has(tag["name"]))
    return Counter(f"{prefix}…" if (prefix := layout.prefix(name)) else name for name in names)


def is_layout(name: str) -> bool:
    """Return whether a shortcode, as named by count_builders, is one of a page builder or theme."""
    return name in _ENCLOSING or (name.endswith("…") and len(name) > 1)


def expand_builders(source: str, find_uploads: UploadFinder, is_other: Callable[[str], bool]) -> str:
    """Replace the shortcodes of page builders and themes. Takes time proportional to the length of `source`.

    `is_other` is called with a name, and returns whether it is that of a known shortcode which is not for layout.
    """
    if not _MARK.search(source):
        return source
    source = _WIDGET.sub(lambda widget: _siteorigin_html(widget[1], find_uploads), source)
    source = _FRAMED.sub(r'\1<img src="\2" alt="">', _ENCODED.sub(_decoded, source.replace(_LINE_BREAK, "\n")))
    source = _without_tags_in_attributes(_ESCAPED.sub(_unescaped_html, source))
    layout = _Layout(source, is_other)
    # The HTML that follows the content of each open shortcode, by name.
    waiting = defaultdict[str, list[str]](list)

    def replace(tag: re.Match[str]) -> str:
        name = tag["name"]
        if not layout.has(name):
            return tag[0]
        if tag["end"]:
            return waiting[name].pop() if waiting[name] else "\n\n"
        before, after = _html(name, _values(tag["attributes"]), find_uploads)
        if name not in layout.ends:
            return before + after
        waiting[name].append(after)
        return before

    return change_texts(source, lambda text: _TAG.sub(replace, text))


def divi_block_html(attributes: Mapping[str, Any]) -> str:
    """Return the HTML of a Divi 5 block, whose content is entirely in its attributes."""
    parts = []
    for name, element in attributes.items():
        try:
            value = element["innerContent"]["desktop"]["value"]
        except (KeyError, TypeError):
            continue
        texts = {"": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
        texts = {key: clean_text(text) for key, text in texts.items() if isinstance(text, str)}
        link = _url(texts.get("linkUrl") or texts.get("url") or "")
        if picture := _image(texts.get("src", ""), texts.get("alt", ""), link):
            parts.append(picture)
        elif text := texts.get("") or texts.get("text", ""):
            parts.append(f"<h3>{text}</h3>" if name == "title" else _link(text, link) or text)
    return "\n\n".join(["", *parts, ""])


def _siteorigin_html(values: str, find_uploads: UploadFinder) -> str:
    """Return the HTML of a widget of SiteOrigin: its headings, texts, pictures, videos and links, in their order."""
    try:
        return _widget_html(json.loads(unescape(values))["instance"], find_uploads)
    except (KeyError, TypeError, ValueError, RecursionError):
        return ""


def _widget_html(value: object, find_uploads: UploadFinder) -> str:
    if isinstance(value, list):
        return "".join(_widget_html(each, find_uploads) for each in value)
    if not isinstance(value, dict):
        return ""
    own = {str(name): str(each).strip() for name, each in value.items() if isinstance(each, str | int)}
    # The text of a button or of a headline; others are HTML.
    if _url(own.get("url", "")) and own.get("text"):
        return _link(own["text"], _url(own["url"]))
    texts = [] if "tag" in own else [own.pop(name, "") for name in _TEXTS]
    before, after = _html("siteorigin_widget", own, find_uploads)
    inside = "".join(_widget_html(each, find_uploads) for each in value.values())
    return "\n\n".join([before, *filter(None, texts), inside, after])


class _Layout:
    """The shortcodes of page builders and themes in a text. `ends` are the names of those that have an end tag."""

    def __init__(self, source: str, is_other: Callable[[str], bool]) -> None:
        self.ends: set[str] = set()
        # By prefix, or by name if there is no prefix: the shortcodes of the theme.
        self._of_themes: dict[str, set[str]] = {}
        with_attributes: set[str] = set()
        is_built = any(f"[{prefix}" in source for prefix in BUILDERS)
        is_page = any(f"[{prefix}" in source for prefix in _PAGE_BUILDERS)
        for tag in _TAG.finditer(source):
            name, attributes = tag["name"], tag["attributes"]
            has_prefix = _PREFIXED.match(name) is not None
            if tag["end"]:
                self.ends.add(name)
            elif "=" in attributes if has_prefix else _ATTRIBUTE.search(attributes):
                with_attributes.add(name)
            if (has_prefix or is_page) and not (name in _ENCLOSING or name.startswith(BUILDERS) or is_other(name)):
                self._of_themes.setdefault(_theme(name), set()).add(name)
        # Where there is no builder, a single name may be an example or belong to a plugin that is not for layout.
        for theme, names in list(self._of_themes.items()):
            if not (names & (self.ends | with_attributes) if is_built else names & self.ends and len(names) > 1):
                del self._of_themes[theme]

    def prefix(self, name: str) -> str:
        """Return the prefix of the builder or theme, or the name if the theme has none; empty for other shortcodes."""
        theme = _theme(name)
        return theme if name in self._of_themes.get(theme, ()) else next(filter(name.startswith, BUILDERS), "")

    def has(self, name: str) -> bool:
        """Return whether text in brackets with this name is a shortcode for layout."""
        return bool(self.prefix(name)) or (name in _ENCLOSING and name in self.ends)


def _theme(name: str) -> str:
    """Return what a theme's shortcodes with this name have in common: their prefix, or the name if it has none."""
    return f"{name.partition('_')[0]}_" if _PREFIXED.match(name) else name


def _without_tags_in_attributes(source: str) -> str:
    """Return `source` with the markup in attributes of shortcodes escaped. It would split them."""
    return _WITH_ATTRIBUTES.sub(lambda shortcode: _WITH_MARKUP.sub(_escaped, shortcode[0]), source)


def _escaped(attribute: re.Match[str]) -> str:
    return _BREAK.sub("\n", attribute[0]).replace("<", "&lt;").replace(">", "&gt;")


def _decoded(shortcode: re.Match[str]) -> str:
    try:
        html = b64decode(shortcode["code"]).decode()
    except ValueError:
        return ""
    return f"\n\n{unquote(html) if shortcode['name'].startswith('vc_') else html}\n\n"


def _unescaped_html(module: re.Match[str]) -> str:
    start, html = module[1], module[3]
    return start + (unescape(html) if html.rstrip().endswith("&gt;") else html)


def _values(attributes: str) -> dict[str, str]:
    values = {
        name.lower(): unescape(double or single).strip() for name, double, single in _ATTRIBUTE.findall(attributes)
    }
    # In a URL, `%91` is part of a character, not an escaped bracket.
    return {name: value if _url(value) else _unescaped(value) for name, value in values.items()}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escaped: _ESCAPES[escaped[0]], text)


def _html(name: str, values: Mapping[str, str], find_uploads: UploadFinder) -> tuple[str, str]:
    """Return the HTML that a shortcode shows before and after its content."""
    if name in _WITHOUT_TEXT:
        return "", ""
    if name in _INLINE or name.rpartition("_")[2] in _INLINE:
        return "", ""
    link = _url(values.get("url") or values.get("link") or "")
    if name in _LINKED:
        link = link or _url(values.get("href") or values.get("src") or "")
        return (f'<a href="{escape(link)}">', "</a>") if link else ("", "")
    if name in _QUOTES:
        return "\n\n<blockquote>\n\n", "\n\n</blockquote>\n\n"
    if name in _TITLES:
        return "\n\n<h3>", "</h3>\n\n"
    if name in _BUTTONS:
        return _link(values.get("title", ""), link), ""
    if name.endswith(_BUTTON_ENDS) and link:
        label = values.get("text") or _link_title(values.get("link", ""))
        return f'<a href="{escape(link)}">{escape(label)}', "</a>"
    if name in _VIDEOS or name.endswith("_video"):
        video = _url(values.get("src") or values.get("video") or link)
        return (f'\n\n[video src="{escape(video)}"]\n\n' if video else "\n\n"), "\n\n"
    picture = _picture(values, link, find_uploads)
    headings, subheadings = (
        [text for name in names if (text := plain_line(values.get(name, "")))] for names in (_HEADINGS, _SUBHEADINGS)
    )
    players = filter(_has_player, map(_url, values.values()))
    before = [picture, *map(escape, players), *_galleries(values)]
    before += [f"<h3>{escape(text) if picture or not link else _link(text, link)}</h3>" for text in headings]
    before += [f"<p>{escape(text)}</p>" for text in subheadings if not _PLACE.fullmatch(text)]
    if name == "recipe":
        facts = [escape(str(label) % values[key]) for key, label in _FACTS.items() if values.get(key)]
        before.append(f"<p>{'<br>'.join(facts)}</p>" if facts else "")
    after = [_link(values.get(label, ""), _url(values.get(url, ""))) for label, url in _LINKS]
    return "\n\n".join(["", *filter(None, before), ""]), "\n\n".join(["", *filter(None, after), ""])


def _picture(values: Mapping[str, str], link: str, find_uploads: UploadFinder) -> str:
    source, alt = next((values[name] for name in _PICTURES if values.get(name)), ""), values.get("alt", "")
    if ids := parse_ids(source.partition("|")[0]):
        picture = find_uploads(ids[:1], 0).get(ids[0])
        source, alt = (picture.file.url, alt or picture.alt) if isinstance(picture, Picture) else ("", "")
    return _image(source, alt, link)


def _image(source: str, alt: str, link: str) -> str:
    if not source.startswith(("http", "/")):
        return ""
    image = f'<img src="{escape(source)}" alt="{escape(alt)}">'
    return f'<a href="{escape(link)}">{image}</a>' if link else image


def _galleries(values: Mapping[str, str]) -> Iterator[str]:
    for name in _GALLERIES:
        if ids := parse_ids(values.get(name, "")):
            yield f'[gallery ids="{",".join(map(str, ids))}"]'


def _link(label: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(label or url)}</a>' if url else ""


def _link_title(value: str) -> str:
    """Return the title of a link in WPBakery's form: `url:https%3A%2F%2Fexample.org%2F|title:More||`."""
    title = next((part for part in value.split("|") if part.startswith("title:")), "")
    return unquote(title.removeprefix("title:"))


def _has_player(url: str) -> bool:
    embed = find_embed(url) if url else None
    return embed is not None and bool(embed.player)


def _url(value: str) -> str:
    """Return the URL in `value`, which WPBakery encodes with other properties of a link; empty if there is none."""
    url = unquote(value.removeprefix("url:").partition("|")[0]) if value.startswith("url:") else value
    return url if url.startswith(("http://", "https://", "mailto:", "tel:", "/")) else ""
