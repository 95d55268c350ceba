"""The `wordpress` markup: turns content as stored by WordPress into the HTML that WordPress would show.

Classic content is HTML in which blank lines separate paragraphs and single line ends are line breaks
(wordpress.markup.autop). Content of the block editor is plain HTML between comments such as `<!-- wp:paragraph -->`.
The result is untrusted: blog.rendering sanitises it.

Deliberate differences from WordPress: classic content between blocks keeps its paragraphs, which WordPress runs
together; galleries, players and playlists without files show nothing; unknown shortcodes stay as text; the names of
those that embed other sites, and of forms, may have capitals, as in `[YouTube URL]`; lists of archives become a link to
the archive; other blocks with dynamic content, such as newest posts, show nothing; and what texts have kept from
other services counts (wordpress.markup.other_services).
"""

import re
from functools import partial
from html import escape, unescape
from itertools import accumulate
from typing import Final, NamedTuple

from blog.rendering.limits import MAX_SOURCE_LENGTH
from blog.rendering.providers import find_embed
from core.text import unify_line_ends
from wordpress.markup.autop import BLOCKS, autop
from wordpress.markup.block_attributes import before_content, empty_block, in_place_of_content, link_without_content
from wordpress.markup.footnotes_and_blocks import HIDDEN, Origin, expand_blocks, find_footnotes, origin_of
from wordpress.markup.galleries import find_uploads, limited
from wordpress.markup.note_shortcodes import list_of_notes, take_notes
from wordpress.markup.other_services import expand_markup_of_services
from wordpress.markup.page_builders import MARKS as BUILDER_MARKS
from wordpress.markup.shortcodes import expand
from wordpress.markup.tables import MARKS as TABLE_MARKS
from wordpress.markup.tables import expand_tables
from wordpress.markup.texturize import texturize
from wordpress.markup.tokenizer import tokenise, tokenise_with_code
from wordpress.wxr.values import language_parts

# Every text that shows files by their IDs, or a table, contains one of these.
FILE_MARKS: Final = ("[gallery", "[slideshow", "[playlist", *BUILDER_MARKS, *TABLE_MARKS)
_BLOCK_COMMENT = re.compile(
    r"<!--\s+(?P<is_end>/)?wp:(?:core/)?(?P<name>[a-z][a-z0-9_/-]*)\s(?:.*?)(?P<is_empty>/)?-->", re.DOTALL
)
# The styles of Elementor's widgets, which WordPress has stored as text if it has removed the tags around them.
_ELEMENTOR_STYLES = re.compile(
    r"/\*! elementor [^*<>]{1,99}\*/(?:\s*+(?:[.@#:\[]|body\b)[^{}<\n]{0,500}+\{(?:[^{}<]++|\{[^{}<]*+\})*+\})*+"
)
# A script that shows content of another site, without any content of its own.
_SCRIPT = re.compile(r"""<script\b(?=[^<>]*?\ssrc\s*+=\s*+["']([^"'<>\s]++)["'])[^<>]*+>\s*+</script>""", re.IGNORECASE)
# Where a script of Squarespace shows a video, whose player is the value of an attribute.
_LATE_PLAYER = re.compile(
    r"""<div\b(?=[^<>]*?\bsqs-video-wrapper\b)(?=[^<>]*?\sdata-html="([^"<>]*+)")[^<>]*+>""", re.IGNORECASE
)
_OBJECT = re.compile(r"<object\b[^<>]*>[^<>]*</object>", re.IGNORECASE)
# The link from a footnote marker to its footnote, which is not part of the content.
_FOOTNOTE_LINK = re.compile(
    r'(<sup\b(?=[^<>]*\bclass="fn")[^<>]*+>)<a\b(?=[^<>]*\bhref="#([^"<>]+)")[^<>]*+>([^<>]*)</a>'
)

# Blocks that show nothing here. Lists of recent content have no equivalent here: WordPress repeats their templates for
# each item, and shows a message if there is none. The buttons of tabs repeat the labels of their panels, and the last
# ones are forms. The others have nothing but the heading or buttons of what is not here, or ask for consent to cookies.
_NEVER_SHOWN = frozenset(
    {"spacer", "tab-list", "query-no-results", "post-template", "term-template", "comment-template"}
    | {"woocommerce/product-template", "woocommerce/product-collection-no-results"}
    | {"jetpack/cookie-consent", "jetpack/related-posts", "jetpack/sharing-buttons"}
    | {"jetpack/donations", "jetpack/recurring-payments", "jetpack/simple-payments", "jetpack/subscriptions"}
)
# Blocks with classic content.
_CLASSIC = frozenset({"", "freeform", "shortcode", "divi/placeholder"})
# A button that belongs to a form or script.
_BUTTON = re.compile(r"<button\b[^<>]*+>[^<>]*+</button>", re.IGNORECASE)
# The only part of Seriously Simple Podcasting's player that is not a label or button.
_PODCAST_PLAYER = "seriously-simple-podcasting/"
_AUDIO = re.compile(r"<audio\b[^<>]*+>(?:[^<]++|<(?!/?audio\b))*+</audio>", re.IGNORECASE)
# Empty links, which other sites' scripts replace with their content.
_EMPTY_LINK = re.compile(r"""<a\b(?=[^<>]*?\shref="(https?://[^\s"<>]++)")[^<>]*+></a>""")
# Jetpack's galleries, whose layout needs its styles or scripts, and the buttons of which have no text.
_GALLERIES = frozenset({"jetpack/slideshow", "jetpack/tiled-gallery"})
_FIGURE = re.compile(r"<figure\b[^<>]*+>(?:[^<]++|<(?!/?figure\b))*+</figure>", re.IGNORECASE)
# Jetpack's script fills in the days, hours, minutes and seconds until this time.
_COUNTDOWN = re.compile(r'<div class="event-countdown__counter">(?:[^<]++|<(?!/?div\b))*+</div>')
_COUNTDOWN_END = re.compile(r'(?<=<div class="event-countdown__date">)([0-9-]{10})T([0-9:]{5})[^<>]*+')
# The plus sign next to an accordion heading, which opens and closes the section below it.
_TOGGLE_ICON = re.compile(r"<span\b[^<>]*?\baccordion-heading__toggle-icon\b[^<>]*+>[^<>]*+</span>")

# An image whose width only its URL may name: `photo-300x200.jpg`, `photo.jpg?w=300`, or at a proxy `?resize=300,200`.
_IMAGE = re.compile(r"<img(?=\s)(?![^<>]*\s(?:width|height)\s*+=)[^<>]*+>", re.IGNORECASE)
_WIDTH_IN_URL = re.compile(
    r"""\ssrc\s*+=\s*+["']?[^\s"'<>]*?(?:-(?P<copy>[1-9][0-9]{1,3})x[0-9]{1,4}\.[a-z]{3,4}(?![^\s"'<>?])"""
    r"""|[?&;](?:w|fit|resize)=(?P<resized>[1-9][0-9]{1,3})(?![0-9]))""",
    re.IGNORECASE,
)

# The block was called `cover-image` before WordPress 5.0, and began with a section at first.
_COVERS = frozenset({"cover", "cover-image"})
# The classes of a cover block's elements with a background picture, and the attributes that describe it.
_COVER_CLASSES = frozenset({"wp-block-cover", "wp-block-cover-image", "wp-block-cover__image-background"})
_COVER_ATTRIBUTE = re.compile(r"""(?<=\s)(class|style|aria-label)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""", re.IGNORECASE)
_BACKGROUND = re.compile(r"""background-image\s*+:\s*+url\(\s*+(?:"([^"]*+)"|'([^']*+)'|([^)]*+))""", re.IGNORECASE)


def to_html(source: str, entry: object = None) -> str:
    """Return the HTML of `source`, with curly quotes. The comments `<!--more-->` and `<!--nextpage-->` are kept.

    The IDs of galleries and reusable blocks are those of the site that `entry` came from. Classic content in several
    languages is shown in all of them, one after the other. Never raises. Takes linear
    time. Source: the documented behaviour of wpautop, wptexturize and the block editor.
    """
    origin = origin_of(entry)
    source = expand_tables(expand_blocks(expand_markup_of_services(unify_line_ends(source)), origin), origin)
    source = _SCRIPT.sub(_embedded_page, _ELEMENTOR_STYLES.sub("", source))
    source = _LATE_PLAYER.sub(lambda wrapper: wrapper[0] + unescape(wrapper[1]), source)
    source = expand(source, limited(partial(find_uploads, origin)))
    source = _IMAGE.sub(_with_width, source)
    notes: dict[str, str] = {}
    if "<!-- wp:" not in source:
        parts = [(language, take_notes(text, notes)) for language, text in language_parts(source)]
        parts.append(("", list_of_notes(notes)))
        if not any(language for language, _text in parts):
            return autop("".join(text for _language, text in parts))
        return "".join(_in_language(autop(text), language) for language, text in parts)
    html = "".join(_blocks(source, origin, notes)).strip()
    html += _texturize_html(list_of_notes(notes))
    if 'class="fn"' in html:
        ids = set(re.findall(r'\bid="([^"<>]+)"', html))
        html = _FOOTNOTE_LINK.sub(lambda link: link[0] if link[2] in ids else f"{link[1]}{link[3]}", html)
    return html


def _embedded_page(script: re.Match[str]) -> str:
    """Return the URL of the content that a script embeds, in a paragraph of its own; the script if it is unknown."""
    embed = find_embed(unescape(script[1]))
    return f"<p>{escape(embed.page)}</p>" if embed else script[0]


def _with_width(image: re.Match[str]) -> str:
    """Return the tag of an image with the width of the copy that it shows.

    Its original, which is shown here in place of the copy, may be much larger.
    """
    width = _WIDTH_IN_URL.search(image[0])
    return f'<img width="{width["copy"] or width["resized"]}"{image[0][4:]}' if width else image[0]


def _in_language(html: str, language: str) -> str:
    return f'<div lang="{language}" dir="auto">{html}</div>\n' if language else html


class _OpenBlock(NamedTuple):
    """An open block with content.

    `link` is shown if its content has no URL. `urls` is the number of URLs before the block.
    """

    name: str
    link: str = ""
    urls: int = 0


def _blocks(source: str, origin: Origin, notes: dict[str, str]) -> list[str]:
    """Return the HTML of all blocks. Anything between blocks is classic content. Footnotes are added to `notes`."""
    html: list[str] = []
    # The first one stands for content outside of blocks.
    open_blocks = [_OpenBlock("")]
    has_footnotes = False
    # The number of URLs in the first `counted` parts of the HTML.
    urls = counted = 0
    done = 0
    # There is nothing to find after the end of the last comment.
    for comment in _BLOCK_COMMENT.finditer(source, 0, source.rfind("-->") + 3):
        block = open_blocks[-1]
        html.append(_content(block.name, source[done : comment.start()], notes))
        urls += sum(part.count("://") for part in html[counted:])
        counted, done = len(html), comment.end()
        # Blocks inside a hidden one are hidden too.
        is_hidden = block.name == "hidden" or comment["name"] in _NEVER_SHOWN or HIDDEN.search(comment[0])
        if comment["is_end"]:
            if len(open_blocks) > 1:
                open_blocks.pop()
                html.append(block.link if urls == block.urls else "")
        elif not comment["is_empty"] and is_hidden:
            open_blocks.append(_OpenBlock("hidden"))
        elif not comment["is_empty"]:
            html.append(replaced := in_place_of_content(comment["name"], comment[0]))
            html.append(before_content(comment["name"], comment[0]))
            link = link_without_content(comment["name"], comment[0])
            open_blocks.append(_OpenBlock("hidden" if replaced else comment["name"], link, urls))
        elif comment["name"] == "footnotes" and not is_hidden:
            # WordPress allows only one such block, but a hostile text might repeat it.
            html.append("" if has_footnotes else _footnotes(source, origin))
            has_footnotes = True
        elif not is_hidden:
            html.append(empty_block(comment["name"], comment[0]))
    return [*html, _content(open_blocks[-1].name, source[done:], notes)]


def _content(block: str, text: str, notes: dict[str, str]) -> str:
    """Return the HTML of text directly inside a block with this name, or in no block. Add footnotes to `notes`."""
    if block == "hidden":
        return ""
    text = take_notes(text, notes)
    if block == "file":
        # The file block embeds the document in an <object> above the link to it.
        text = _OBJECT.sub("", text)
    if block in _COVERS:
        text = _show_background(text)
    if block in _GALLERIES and (pictures := _FIGURE.findall(text)):
        items = "".join(f"<li>{picture}</li>" for picture in pictures)
        text = f'<figure class="wp-block-gallery columns-3"><ul>{items}</ul></figure>'
    if block == "jetpack/event-countdown":
        text = _COUNTDOWN_END.sub(r"\1 \2", _COUNTDOWN.sub("", text))
    if block == "accordion-heading":
        text = _TOGGLE_ICON.sub("", text)
    if block == "button":
        text = _BUTTON.sub("", text)
    if block.startswith(_PODCAST_PLAYER):
        text = "".join(_AUDIO.findall(text))
    if block.startswith("jetpack/"):
        text = _EMPTY_LINK.sub(r"<p>\1</p>", text)
    if block not in _CLASSIC:
        return _texturize_html(text)
    return autop(text) + "\n" if text.strip() else "\n"


def _footnotes(source: str, origin: Origin) -> str:
    """Return the list of the block editor's footnotes; empty if none of them is known."""
    known = find_footnotes(source, origin)
    # The footnotes of a text may not be longer in total than a text may be.
    lengths = accumulate(map(len, known.values()))
    shown = {
        name: _texturize_html(text)
        for (name, text), length in zip(known.items(), lengths, strict=True)
        if length <= MAX_SOURCE_LENGTH
    }
    return list_of_notes(shown).lstrip()


def _show_background(source: str) -> str:
    """Return the HTML of a cover block with its picture as an element.

    Old covers, and those with a fixed or repeated background, refer to the picture only in a style attribute, which is
    not allowed here.
    """
    return "".join(
        token.source
        + (_background_picture(token.source) if token.kind == "start" and token.name in {"div", "section"} else "")
        for token in tokenise(source)
    )


def _background_picture(tag: str) -> str:
    """Return the background picture of the cover block's element with the start tag `tag`; empty if it has none."""
    values = {match[1].lower(): unescape(match[2] or match[3] or "") for match in _COVER_ATTRIBUTE.finditer(tag)}
    if _COVER_CLASSES.isdisjoint(values.get("class", "").split()):
        return ""
    background = _BACKGROUND.search(values.get("style", ""))
    url = (background[1] or background[2] or background[3] or "").strip() if background else ""
    return f'<img src="{escape(url)}" alt="{escape(values.get("aria-label", ""))}">' if url else ""


def _texturize_html(source: str) -> str:
    """Return the HTML `source` with curly quotes, dashes and ellipses in its text."""
    html: list[str] = []
    before = ""
    for token, is_code in tokenise_with_code(source):
        if token.kind == "text":
            text = token.source.replace("<", "&lt;")
            html.append(text if is_code else texturize(text, before))
            before = text[-1]
        else:
            html.append(token.source)
            if token.kind == "start" or token.name in BLOCKS:
                before = ""
    return "".join(html)
