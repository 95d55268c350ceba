"""Page builders: Divi, WPBakery and Avada store pages as shortcodes around their texts, SiteOrigin some of its widgets.

The plugin Shortcodes Ultimate, WordPress.com and many themes have such shortcodes, too. Pages have a single column
here. The shortcodes are removed, except for the headings, pictures, videos and links in their attributes. The text
between them stays. Source: exports of sites that use these builders.
"""

import re
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from html import escape, unescape
from typing import Any, Final
from urllib.parse import unquote

from blog.rendering.tree import clean_text
from media.models import Picture
from wordpress.markup.galleries import UploadFinder, parse_ids
from wordpress.markup.tokenizer import change_texts, find_in_texts
from wordpress.wxr.values import plain_line

# The prefixes of their shortcodes.
BUILDERS: Final = ("et_pb_", "fusion_", "siteorigin_widget", "su_", "vc_")
# Shortcodes of WordPress.com and of themes. Some are also ordinary words, so only those with an end tag count.
_ENCLOSING: Final = (
    *("accordion", "alert", "answer", "box", "button", "column", "columns", "dropcap", "expand", "explanation"),
    *("five_sixth", "four_fifth", "highlight", "info", "note", "one_fifth", "one_fourth", "one_half"),
    *("one_half_last", "one_sixth", "one_third", "one_third_last", "presentation", "pullquote", "question", "quiz"),
    *("recipe", "recipe-directions", "recipe-ingredients", "recipe-notes", "recipe-nutrition", "row", "slide"),
    *("spoiler", "tab", "tabs", "three_fourth", "toggle", "toggles", "tooltip", "two_third", "two_third_last"),
    *("two_thirds", "warning", "wrong"),
)
_NAMES: Final = "|".join(map(re.escape, _ENCLOSING))
_NAME: Final = rf"(?:(?:{'|'.join(BUILDERS)})\w*+|(?:{_NAMES})(?=[\s\]]))"
_MARK = re.compile(rf"\[(?:{'|'.join(BUILDERS)}|/(?:{_NAMES})\])")
_TAG = re.compile(rf"\[(?<!\[\[)(?P<end>/?)(?P<name>{_NAME})(?P<attributes>(?:\s[^\[\]]*+)?)\]")
_ATTRIBUTE = re.compile(r"""(?<![\w-])(\w++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
# Shortcodes whose content is encoded code or the URL of a picture.
_ENCODED = re.compile(
    r"\[(?P<name>vc_raw_html|fusion_code)(?:\s[^\[\]]*+)?\](?P<code>[A-Za-z0-9+/=\s]*+)\[/(?P=name)\]"
)
_FRAMED = re.compile(
    r"(\[fusion_imageframe(?:\s[^\[\]]*+)?\])\s*+(https?://[^\s<>\"\[\]]++)\s*+(?=\[/fusion_imageframe\])"
)
# How WPBakery and Divi escape characters that have a special meaning in shortcodes.
_ESCAPES: Final = {"``": '"', "`{`": "[", "`}`": "]", "%22": '"', "%91": "[", "%93": "]"}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPES)))
_LINE_BREAK: Final = "[et_pb_line_break_holder]"

_HEADINGS: Final = ("title", "heading", "h2", "text", "name", "author")
_SUBHEADINGS: Final = ("subhead", "subheading", "h4", "position", "job_title")
_PICTURES: Final = ("src", "image", "image_url", "portrait_url")
_GALLERIES: Final = ("gallery_ids", "images", "image_ids")
_LINKS: Final = (
    *(("button_text", name) for name in ("button_url", "button_link")),
    *((f"button_{number}_text", f"button_{number}_url") for number in ("one", "two")),
    ("btn_title", "btn_link"),
)
# Forms, whose attributes contain e-mail addresses, and shortcodes without text.
_WITHOUT_TEXT: Final = frozenset(
    {"et_pb_contact_field", "et_pb_contact_form", "et_pb_login", "et_pb_signup", "fusion_menu_anchor"}
)
_INLINE: Final = frozenset(
    {"dropcap", "highlight", "su_dropcap", "su_highlight", "su_label", "su_permalink", "su_tooltip", "tooltip"}
)
_LINKED: Final = frozenset({"button", "fusion_button", "su_button", "su_lightbox"})
_TITLES: Final = frozenset({"fusion_title", "su_heading"})
_BUTTONS: Final = frozenset({"vc_btn", "vc_button", "vc_button2"})
_VIDEOS: Final = frozenset({"et_pb_video", "vc_video", "fusion_video", "su_video", "su_vimeo", "su_youtube"})


def count_builders(source: str) -> Counter[str]:
    """Count the shortcodes of page builders, by builder, and others by name."""
    if not _MARK.search(source):
        return Counter()
    ends = _ends(source)
    names = (tag["name"] for tag in find_in_texts(_TAG, source) if not tag["end"] and _counts(tag["name"], ends))
    return Counter(f"{prefix}…" if (prefix := _prefix(name)) else name for name in names)


def is_layout(name: str) -> bool:
    """Return whether a shortcode, as named by count_builders, is one of a page builder."""
    return name in _ENCLOSING or bool(_prefix(name))


def expand_builders(source: str, find_uploads: UploadFinder) -> str:
    """Replace the shortcodes of page builders. Takes time proportional to the length of `source`."""
    if not _MARK.search(source):
        return source
    source = _FRAMED.sub(r'\1<img src="\2" alt="">', _ENCODED.sub(_decoded, source.replace(_LINE_BREAK, "\n")))
    ends = _ends(source)
    # The HTML that follows the content of each open shortcode, by name.
    waiting = defaultdict[str, list[str]](list)

    def replace(tag: re.Match[str]) -> str:
        name = tag["name"]
        if not _counts(name, ends):
            return tag[0]
        if tag["end"]:
            return waiting[name].pop() if waiting[name] else "\n\n"
        before, after = _html(name, _values(tag["attributes"]), find_uploads)
        if name not in ends:
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


def _prefix(name: str) -> str:
    return next(filter(name.startswith, BUILDERS), "")


def _ends(source: str) -> set[str]:
    """Return the names of the shortcodes that have an end tag."""
    return {tag["name"] for tag in _TAG.finditer(source) if tag["end"]}


def _counts(name: str, ends: Container[str]) -> bool:
    """Return whether text in brackets with this name is a shortcode."""
    return name in ends or bool(_prefix(name))


def _decoded(shortcode: re.Match[str]) -> str:
    try:
        html = b64decode(shortcode["code"]).decode()
    except ValueError:
        return ""
    return f"\n\n{unquote(html) if shortcode['name'].startswith('vc_') else html}\n\n"


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
    if name in _INLINE:
        return "", ""
    link = _url(values.get("url") or values.get("link") or "")
    if name in _LINKED:
        link = link or _url(values.get("href") or values.get("src") or "")
        return (f'<a href="{escape(link)}">', "</a>") if link else ("", "")
    if name in _TITLES:
        return "\n\n<h3>", "</h3>\n\n"
    if name in _BUTTONS:
        return _link(values.get("title", ""), link), ""
    if name in _VIDEOS:
        video = _url(values.get("src") or values.get("video") or link)
        return (f'\n\n[video src="{escape(video)}"]\n\n' if video else "\n\n"), "\n\n"
    picture = _picture(values, link, find_uploads)
    headings, subheadings = (
        [text for name in names if (text := plain_line(values.get(name, "")))] for names in (_HEADINGS, _SUBHEADINGS)
    )
    before = [picture, *_galleries(values)]
    before += [f"<h3>{escape(text) if picture or not link else _link(text, link)}</h3>" for text in headings]
    before += [f"<p>{escape(text)}</p>" for text in subheadings]
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


def _url(value: str) -> str:
    """Return the URL in `value`, which WPBakery encodes with other properties of a link; empty if there is none."""
    url = unquote(value.removeprefix("url:").partition("|")[0]) if value.startswith("url:") else value
    return url if url.startswith(("http://", "https://", "mailto:", "tel:", "/")) else ""
