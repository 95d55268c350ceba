"""Blocks whose output is not in their content but only in their attributes, the JSON in their comments.

WordPress and Jetpack generate the HTML of such blocks for each request. Content embedded from other sites becomes a
link.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, Final, cast
from urllib.parse import quote

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext

from blog.overviews import ARCHIVE, overview_url
from blog.rendering.tree import clean_text
from wordpress.markup.page_builders import divi_block_html
from wordpress.wxr.values import parse_json, plain_line

# The attributes with the URL that a block links to, in order of precedence.
_URLS: Final = ("url", "giphyUrl", "link", "feedURL")
# Jetpack's abbreviations, starting with Monday like WEEKDAYS.
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A block of a plugin that has no content. Jetpack's blocks are excluded: the ones not shown here are lists of recent
# content, or forms, which are counted by their names.
_PLUGIN_BLOCK = re.compile(
    r"<!--\s+wp:(?!core/|core-embed/|divi/|jetpack/)([a-z][a-z0-9-]*+/[a-z][a-z0-9/-]*?)\s(?:[^<>]*)/-->"
)
# Forms and payment buttons of Jetpack.
_FORM_BLOCK = re.compile(
    r"<!--\s+wp:(jetpack/(?:contact-form|donations|mailchimp|payment-buttons|recurring-payments|simple-payments"
    r"|subscriptions))\s"
)
# As in WordPress, other links to profiles are e-mail addresses, or URLs without a scheme.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|#")
# The attributes of a block.
type _Values = dict[str, Any]


def empty_block(name: str, comment: str) -> str:
    """Return the HTML of a block without content; empty if it shows nothing here, such as a list of recent posts."""
    show = _SHOWN.get(name)
    if show is None and name.startswith("divi/"):
        show = divi_block_html
    if show is None and "embed" in name:
        show = _link
    return show(_values(comment)) if show else ""


def in_place_of_content(name: str, comment: str) -> str:
    """Return the HTML that a block with content shows instead of its content; empty if it shows its content."""
    return empty_block(name, comment) if name in {"jetpack/story", "math"} else ""


def before_content(name: str, comment: str) -> str:
    """Return the HTML that a block shows before its content."""
    label = _text(_values(comment), "label") if name in {"tab", "tab-panel"} else ""
    return f"<h3>{escape(label)}</h3>" if label else ""


def link_without_content(name: str, comment: str) -> str:
    """Return the link to show for a block that embeds another site if there is no URL in its content."""
    return empty_block(name, comment) if name in _LINKING else ""


def count_gaps(source: str) -> Counter[str]:
    """Count the blocks of plugins in `source` that have no content or are forms, and show nothing here, by name."""
    blocks = _PLUGIN_BLOCK.finditer(source) if "/-->" in source else ()
    gaps = Counter(block[1] for block in blocks if block[1] not in _SHOWN and not empty_block(block[1], block[0]))
    if "wp:jetpack/" in source:
        gaps.update(_FORM_BLOCK.findall(source))
    return gaps


def _values(comment: str) -> _Values:
    start, end = comment.find("{"), comment.rfind("}")
    return parse_json(comment[start : end + 1], {}) if start >= 0 else {}


def _text(values: _Values, *names: str) -> str:
    """Return the first of these attributes that is a non-empty text, or an empty string."""
    # JSON escapes can represent characters that texts must not contain.
    texts = (clean_text(text) for name in names if isinstance(text := values.get(name), str))
    return next(filter(None, texts), "")


def _url(values: _Values, *names: str) -> str:
    """Return the first of these attributes as a URL. As in WordPress, its ampersands may be escaped as in HTML."""
    return _text(values, *names).replace("&amp;", "&")


def _link(values: _Values) -> str:
    """Return the URL of a block in a paragraph of its own, which blog.rendering turns into a card or a link."""
    url, caption = _url(values, *_URLS), _text(values, "caption")
    return f"\n<p>{escape(url)}</p>\n" + (f"<p>{caption}</p>\n" if caption else "") if url else ""


def _button(values: _Values) -> str:
    url = _url(values, *_URLS)
    return f'\n<p><a href="{escape(url)}">{_text(values, "text") or escape(url)}</a></p>\n' if url else ""


def _videopress(values: _Values) -> str:
    guid = _text(values, "guid")
    return _link({**values, "url": f"https://videopress.com/v/{guid}"}) if guid.isalnum() else ""


def _instagram(values: _Values) -> str:
    """Return a link to the account whose newest pictures the block shows."""
    user = _text(values, "instagramUser")
    return _link({"url": f"https://www.instagram.com/{quote(user, safe='')}/"}) if user else ""


def _map(values: _Values) -> str:
    """Return links to the places on a map or, if none is marked, to its centre."""
    match values:
        case {"points": [_, *_] as points}:
            return "".join(map(_place, points))
        case {"mapCenter": {"lat": latitude, "lng": longitude}}:
            return _place({"coordinates": {"latitude": latitude, "longitude": longitude}})
    return ""


def _place(point: object) -> str:
    match point:
        case {"coordinates": {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}}:
            url = f"https://www.google.com/maps/search/?api=1&query={latitude},{longitude}"
            texts = [escape(text) for name in ("title", "caption") if (text := _text(cast("_Values", point), name))]
            link = f'<a href="{escape(url)}">{texts[0] if texts else escape(url)}</a>'
            return f"\n<p>{'<br>'.join([link, *texts[1:]])}</p>\n"
    return ""


def _poll(values: _Values) -> str:
    """Return the question of a poll with its answers, which can no longer be chosen."""
    answers = values.get("answers")
    rows = [answer for answer in answers if isinstance(answer, dict)] if isinstance(answers, list) else []
    texts = [plain_line(_text(values, name)) for name in ("question", "note")]
    paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in texts if text)
    items = "".join(f"<li>{escape(text)}</li>" for row in rows if (text := plain_line(_text(row, "text"))))
    return f"\n{paragraphs}" + (f"<ul>{items}</ul>\n" if items else "")


def profile_link(values: _Values) -> tuple[str, str]:
    """Return the label and the URL of a link to a profile, from the attributes of its block; both may be empty."""
    url = _url(values, "url")
    if url and not _HAS_SCHEME.match(url):
        url = f"mailto:{url}" if "@" in url and "/" not in url else f"https://{url}"
    service = _text(values, "service")
    # “chain” is the icon for all other sites.
    name = "" if service == "chain" else service.capitalize()
    return _text(values, "label") or name or url, url


def _social_link(values: _Values) -> str:
    label, url = profile_link(values)
    return f'<li><a href="{escape(url)}">{escape(label)}</a></li>\n' if url else ""


def _blogroll_item(values: _Values) -> str:
    url, description = _url(values, "url"), _text(values, "description")
    link = f'<a href="{escape(url)}">{escape(_text(values, "name") or url)}</a>'
    return f"\n<p>{link}{f'<br>{escape(description)}' if description else ''}</p>\n" if url else ""


def _formula(values: _Values) -> str:
    formula = _text(values, "latex")
    return f"\n<p><code>{escape(formula)}</code></p>\n" if formula else ""


def _track(values: _Values) -> str:
    """Return the player for a file in a playlist."""
    title = " – ".join(filter(None, (_text(values, name) for name in ("title", "artist"))))
    player = _player("audio", _url(values, "src"), title)
    return f"<li>{player}</li>" if player else ""


def _gallery(values: _Values) -> str:
    """Return the pictures and videos of a Jetpack story or a Kadence gallery."""
    files = values.get("mediaFiles") or values.get("imagesDynamic")
    items = "".join(_gallery_items(files if isinstance(files, list) else []))
    return f'<figure class="wp-block-gallery columns-3"><ul>{items}</ul></figure>' if items else ""


def _gallery_items(files: list[Any]) -> Iterator[str]:
    for file in files:
        values = file if isinstance(file, dict) else {}
        url, caption = _url(values, "url"), _text(values, "caption")
        if url and values.get("type") == "video":
            yield f"<li>{_player('video', url, caption)}</li>"
        elif url:
            image = f'<img src="{escape(url)}" alt="{escape(_text(values, "alt"))}">'
            yield f"<li><figure>{image}<figcaption>{escape(caption)}</figcaption></figure></li>"


def _player(tag: str, url: str, title: str) -> str:
    html = f'<figure><{tag} src="{escape(url)}"></{tag}><figcaption>{escape(title)}</figcaption></figure>'
    return html if url else ""


def _archives(values: _Values) -> str:
    """Return a link to the archive. In WordPress, this is a list of years, months or posts."""
    return f'\n<p><a href="{overview_url(ARCHIVE)}">{escape(gettext("Archive"))}</a></p>\n'


def _opening_hours(values: _Values) -> str:
    """Return the days on which a business is open, with its hours."""
    days, rows = values.get("days"), ""
    for day in days if isinstance(days, list) else ():
        match day:
            case {"name": str(name), "hours": [_, *_] as hours} if name in _DAYS:
                times = ((_text(each, "opening"), _text(each, "closing")) for each in hours if isinstance(each, dict))
                shown = ", ".join(f"{opening}–{closing}" for opening, closing in times)
                rows += f"<dt>{WEEKDAYS[_DAYS.index(name)]}</dt><dd>{escape(shown)}</dd>"
    return f"\n<dl>{rows}</dl>\n" if rows else ""


_LINKING: Final = (
    *("jetpack/calendly", "jetpack/eventbrite", "jetpack/gif", "jetpack/goodreads", "jetpack/google-calendar"),
    *("jetpack/map", "jetpack/nextdoor", "jetpack/pinterest", "jetpack/podcast-player", "videopress/video"),
)
_SHOWN: Final[dict[str, Callable[[_Values], str]]] = {
    **dict.fromkeys(_LINKING, _link),
    "archives": _archives,
    "crowdsignal-forms/poll": _poll,
    "jetpack/blogroll-item": _blogroll_item,
    "jetpack/business-hours": _opening_hours,
    "jetpack/instagram-gallery": _instagram,
    "jetpack/map": _map,
    "jetpack/story": _gallery,
    "kadence/advancedgallery": _gallery,
    "math": _formula,
    "playlist-track": _track,
    "rss": _link,
    "social-link": _social_link,
    **dict.fromkeys(("jetpack/button", "kadence/singlebtn"), _button),
    **dict.fromkeys(("jetpack/videopress", "videopress/video"), _videopress),
}
