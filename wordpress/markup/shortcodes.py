"""Shortcodes, such as `[gallery]`, which WordPress replaces with generated content."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape, unescape

from django.conf.locale import LANG_INFO

from blog.rendering.providers import find_embed
from wordpress.markup.galleries import UploadFinder, gallery_html, playlist_html
from wordpress.markup.note_shortcodes import take_notes
from wordpress.markup.page_builders import count_builders, expand_builders
from wordpress.markup.tokenizer import change_texts, find_in_texts, tokenise

# These patterns match a character first and then look behind it, which is much faster than the other way round.
# A shortcode and, if it is text without brackets, the content up to its end tag.
_SHORTCODE = re.compile(
    r"\[(?P<escaped>\[)?(?P<name>[A-Za-z][\w-]*+)(?P<attributes>(?:[\s=:][^\[\]]*+)?)\]"
    r"(?:(?P<content>[^\[\]]*+)\[/(?P=name)\])?(?P<escape_end>\])?"
)
_MAY_BE_SHORTCODE = re.compile(r"\[[A-Za-z]")
_END_TAG = re.compile(r"\[/([A-Za-z][\w-]*+)\]")
_URL = re.compile(r"""https?://[^\s<>"'\[\]|]+""", re.IGNORECASE)
# Shortcodes of WordPress and WordPress.com that embed content of another site by its URL, and URL templates for those
# that take other attributes. The unnamed field of a template is the attribute `id` or the unnamed attribute.
_EMBEDS: dict[str, tuple[str, ...]] = {
    "archiveorg": ("https://archive.org/details/{}",),
    "archiveorg-book": ("https://archive.org/details/{}",),
    "bandcamp": (
        "https://bandcamp.com/EmbeddedPlayer/album={album}/",
        "https://bandcamp.com/EmbeddedPlayer/track={track}/",
    ),
    "crowdsignal": ("https://poll.fm/{poll}", "https://{domain}.survey.fm/{}", "https://survey.fm/{survey}"),
    "dailymotion": ("https://www.dailymotion.com/video/{}",),
    "flickr": (
        "https://{photo}",
        "https://{video}",
        "https://www.flickr.com/photo.gne?id={photo}",
        "https://www.flickr.com/photo.gne?id={video}",
    ),
    "gist": ("https://gist.github.com/{}",),
    "googleapps": ("https://{domain}.google.com/{dir}?{query}", "https://{domain}.google.com/{dir}"),
    "instagram": ("https://www.instagram.com/p/{}/",),
    "mixcloud": ("https://www.mixcloud.com/{}",),
    "polldaddy": ("https://poll.fm/{poll}", "https://{domain}.survey.fm/{}", "https://survey.fm/{survey}"),
    "scribd": ("https://www.scribd.com/document/{}?secret_password={key}", "https://www.scribd.com/document/{}"),
    "slideshare": ("https://www.slideshare.net/slideshow/embed_code/{}",),
    "spotify": ("https://embed.spotify.com/?uri={}",),
    "ted": ("https://www.ted.com/talks/view/id/{}",),
    "tweet": ("https://x.com/i/web/status/{}",),
    "twitter-timeline": ("https://x.com/{username}", "https://x.com/{}"),
    "videopress": ("https://videopress.com/v/{}",),
    "vimeo": ("https://vimeo.com/{}",),
    "wpvideo": ("https://videopress.com/v/{}",),
    "wufoo": ("https://{username}.wufoo.com/forms/{formhash}",),
    "youtube": ("https://youtu.be/{}",),
    **dict.fromkeys(
        ("codepen", "embed", "facebook", "getty", "googlemaps", "googlevideo", "kickstarter", "medium"), ()
    ),
    **dict.fromkeys(("pinterest", "reddit", "soundcloud", "tiktok", "tumblr", "twitch", "twitchtv", "twitter"), ()),
    **dict.fromkeys(("ustream", "vine"), ()),
}
_MEDIA_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "audio": ("src", "mp3", "m4a", "ogg", "oga", "opus", "flac", "wav", "wma"),
    "video": ("src", "mp4", "m4v", "webm", "ogv", "mov", "flv", "wmv"),
}
_GALLERIES = {"gallery", "slideshow"}
# Forms of WordPress.com, which would reveal the e-mail address they send to, and of plugins. As in WordPress, they end
# at the first closing bracket, which opening ones may precede: many have a subject such as `[My blog`. If
# their names are in capitals, WordPress shows them as text, with the address; here they are hidden too.
FORMS = {
    *("blog_subscription_form", "caldera_form", "contact-field", "contact-form", "contact-form-7", "everest_form"),
    *("fluentform", "forminator_form", "gravityform", "gravityforms", "jetpack_subscription_form", "mailpoet_form"),
    *("mc4wp_form", "ninja_form", "ninja_forms", "ninja_forms_display_form", "simple-payment", "wpforms"),
    "wysija_form",
}
_FORM_NAME = rf"(?P<end>/?)(?P<name>{'|'.join(sorted(FORMS))})(?=[\s/\]])"
_FORM = re.compile(rf"\[(?<!\[\[){_FORM_NAME}(?:[^\[\]]++|\[(?!/?(?:{'|'.join(sorted(FORMS))})))*+\]", re.IGNORECASE)
# Shortcodes that show the site's own files. Without a file, they show nothing.
SHOWING_FILES = _MEDIA_ATTRIBUTES.keys() | _GALLERIES | {"playlist"}
_KNOWN = _EMBEDS.keys() | SHOWING_FILES | {"caption", "wp_caption"}
# Text in brackets need not be a shortcode. These names, some of which belong to plugins, always are.
_CERTAIN = _KNOWN | {
    *("archives", "blip", "ez-toc", "portfolio", "sitemap", "subscribe", "testimonials", "toc", "top-posts"),
    "upcomingevents",
}
_CERTAIN_PREFIXES = ("bbp-", "jetpack-")
# WordPress.com's shortcode for source code, and its aliases, most of which are names of languages. Some are also
# ordinary words, so only those with an end tag count. Inside elements for code, the shortcode itself is shown.
_CODE_NAMES = (
    *("as3", "actionscript3", "arduino", "bash", "c", "c-sharp", "cf", "clj", "clojure", "code", "coldfusion", "cpp"),
    *("csharp", "css", "delphi", "diff", "erl", "erlang", "fsharp", "go", "golang", "groovy", "haskell", "html"),
    *("java", "javafx", "javascript", "jfx", "js", "jscript", "matlab", "matlabkey", "obj-c", "objc", "pas", "pascal"),
    *("patch", "perl", "php", "pl", "plain", "powershell", "ps", "py", "python", "rails", "rb", "ror", "ruby", "scala"),
    *("shell", "source", "sourcecode", "splus", "sql", "swift", "tex", "text", "vb", "vbnet", "xhtml", "xml", "xslt"),
    *("yaml", "yml"),
)
_CODE_SHORTCODE = re.compile(
    rf"\[(?<!\[\[)(?<!<code>\[)(?<!<pre>\[)({'|'.join(_CODE_NAMES)})((?:\s[^\[\]]*+)?)\](?!\])"
)
# Formulas on WordPress.com: `$latex x^2&s=2$`, or a shortcode.
_FORMULA_SHORTCODE = re.compile(r"\[(?<!\[\[)(latex)((?:\s[^\[\]]*+)?)\](?!\])")
_FORMULA = re.compile(r"\$latex(?:=|\s)((?:[^$\\]++|\\.)++)\$", re.DOTALL)
_FORMULA_OPTION = re.compile(r"&(?:amp;|#0?38;)?(?:s|bg|fg)=[\w.-]*+")
# The plugin WP-Syntax shows the content of these elements as it was typed.
_TYPED_CODE = re.compile(
    r"""<pre\s(?=[^<>]*?\blang\s*+=\s*+["']?(?P<language>[\w-]++))(?![^<>]*?\bescaped\s*+=)[^<>]*+>""", re.IGNORECASE
)
# Tags that are more likely to be markup than part of the code.
_FORMATTING = re.compile(r"</?(?:a|b|br|code|em|font|i|mark|span|strong|u)(?:\s[^<>]*+)?/?>", re.IGNORECASE)
_CAPTION = re.compile(r"\[(?<!\[\[)(caption|wp_caption)(?=[\s\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++))""")
_ALIGNMENTS = {"alignleft", "alignright", "aligncenter", "alignnone"}


def expand(source: str, find_uploads: UploadFinder) -> str:
    """Replace all known shortcodes in `source`. Unknown ones, and those inside code, stay as text.

    Embedded content becomes its URL on a line of its own, which blog.rendering turns into a card or a link.
    `find_uploads` finds the files of galleries and playlists.
    """
    source = _replace_code_and_captions(expand_builders(source, find_uploads))
    if not _MAY_BE_SHORTCODE.search(source):
        return source
    expected_ends: Counter[str] = Counter()

    def expand_in(text: str) -> str:
        if "[" not in text:
            return text
        text = _SHORTCODE.sub(lambda shortcode: _replace(shortcode, find_uploads, expected_ends), _FORM.sub("", text))
        return _END_TAG.sub(lambda end: _remove_end(end, expected_ends), text) if expected_ends else text

    return change_texts(source, expand_in)


def count_unknown(source: str) -> Counter[str]:
    """Count the shortcodes in `source` that stay as text or are forms, by name, for the report of an import.

    Text in brackets such as `[sic]` is not a shortcode: that needs an attribute, an end tag or an unmistakable name.
    """
    names: Counter[str] = Counter()
    if not _MAY_BE_SHORTCODE.search(source):
        return names
    names.update(count_builders(source))
    source = take_notes(_replace_code_and_captions(expand_builders(source, _any_upload)), {})
    ends = set(_END_TAG.findall(source))
    for shortcode in find_in_texts(_SHORTCODE, _FORM.sub("", source)):
        name = shortcode["name"]
        is_shortcode = "=" in shortcode["attributes"] or "_" in name or name in ends or name in _CERTAIN
        if (is_shortcode or name.startswith(_CERTAIN_PREFIXES)) and _replace(
            shortcode, _any_upload, Counter()
        ) == shortcode[0]:
            names[name] += 1
    names.update(form["name"] for form in find_in_texts(_FORM, source) if not form["end"])
    return names


def find_empty(source: str, find_uploads: UploadFinder) -> set[str]:
    """Return the names of the shortcodes in `source` that show nothing, because their files are not here."""
    return {
        shortcode["name"]
        for shortcode in find_in_texts(_SHORTCODE, _replace_code_and_captions(source))
        if shortcode["name"] in SHOWING_FILES
        and not (shortcode["escaped"] and shortcode["escape_end"])
        and _html(shortcode, find_uploads) == ""
    }


def _any_upload(ids: Sequence[int], parent: int) -> dict[int, None]:
    """Return a placeholder for each ID, to find out which shortcodes show files."""
    return dict.fromkeys(ids or [1])


def _remove_end(end: re.Match[str], expected: Counter[str]) -> str:
    """Remove the end tag of a shortcode that was replaced and whose content is markup."""
    if not expected[end[1]]:
        return end[0]
    expected[end[1]] -= 1
    return ""


def _replace(shortcode: re.Match[str], find_uploads: UploadFinder, expected_ends: Counter[str]) -> str:
    """Return the replacement of a shortcode, or the shortcode itself. Count the end tags expected later."""
    name = shortcode["name"]
    before, after = shortcode["escaped"] or "", shortcode["escape_end"] or ""
    if before and after:
        # Double brackets show a shortcode as an example.
        return shortcode[0][1:-1] if name in _KNOWN else shortcode[0]
    html = _html(shortcode, find_uploads)
    if html is None:
        return shortcode[0]
    if shortcode["content"] is None:
        expected_ends[name] += 1
    return f"{before}\n\n{html}\n\n{after}"


def _html(shortcode: re.Match[str], find_uploads: UploadFinder) -> str | None:
    """Return the HTML of a shortcode, which may be empty, or None if it stays as text."""
    name = shortcode["name"]
    attributes, content = unescape(shortcode["attributes"]), unescape(shortcode["content"] or "")
    # WordPress's names are in lower case, but `[YouTube URL]` can only mean the video.
    if (site := name.lower()) in _EMBEDS:
        return escape(_embedded_url(site, attributes, content)) or None
    if name in _MEDIA_ATTRIBUTES:
        return _media_element(name, attributes, content)
    if name in _GALLERIES:
        return gallery_html(parse_attributes(attributes), find_uploads)
    if name == "playlist":
        return playlist_html(parse_attributes(attributes), find_uploads)
    return None


def parse_attributes(attributes: str) -> dict[str, str]:
    """Return the named attributes of a shortcode, by name in lower case."""
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)}


def _embedded_url(name: str, attributes: str, content: str) -> str:
    """Return the URL of an embedding shortcode; empty if there is none."""
    if match := _URL.search(content) or _URL.search(attributes):
        embed = find_embed(match[0])
        return embed.page if embed else match[0]
    # An ID instead of a URL, alone or as an attribute: `[vimeo 12345 w=400]`, `[slideshare id=12345&w=400]`.
    values = parse_attributes(attributes)
    parts = attributes.lstrip("=: ").replace('"', " ").replace("'", " ").split()
    id_ = (values.get("id") or (parts[0] if parts else "") or content.strip()).partition("&")[0].strip("/")
    for template in _EMBEDS[name]:
        try:
            embed = find_embed(template.format(id_, **values))
        except (KeyError, IndexError):
            continue
        if embed:
            return embed.page
    return ""


def _media_element(name: str, attributes: str, content: str) -> str:
    """Return the element for `[audio]` or `[video]`; empty if it gives no file."""
    values = parse_attributes(attributes)
    sources = [values[key] for key in _MEDIA_ATTRIBUTES[name] if values.get(key)]
    # An early form: `[audio https://example.org/a.mp3|titles=A]`.
    if not sources and (match := _URL.search(attributes)):
        sources = [match[0]]
    if not sources and (match := _URL.search(content)):
        sources, content = [match[0]], ""
    if not sources:
        return ""
    if embed := find_embed(sources[0]):
        return "\n\n".join([escape(embed.page), *filter(None, [content.strip()])])
    size = "".join(
        f' {key}="{values[key]}"' for key in ("width", "height") if name == "video" and values.get(key, "").isdecimal()
    )
    children = "".join(f'<source src="{escape(source)}">' for source in sources)
    # As in WordPress, the content is for browsers that can't play the file.
    return f"<{name}{size}>{children}{content.strip()}</{name}>"


def _replace_code_and_captions(source: str) -> str:
    """Turn source code into `<pre>` elements, formulas into `<code>`, and captions into `<figure>` elements."""
    source = _replace_enclosing(_with_escaped_code(source), _CODE_SHORTCODE, _pre)
    source = _replace_enclosing(source, _FORMULA_SHORTCODE, _formula)
    if "$latex" in source:
        source = change_texts(source, lambda text: _FORMULA.sub(lambda tex: _formula("", tex[1]), text))
    return _replace_enclosing(source, _CAPTION, _figure)


def _replace_enclosing(source: str, pattern: re.Pattern[str], replace: Callable[[str, str], str]) -> str:
    """Replace the shortcodes that match `pattern` and have an end tag with `replace(attributes, content)`."""
    parts: list[str] = []
    done = 0
    # Searching for each end tag from the end only once keeps the time proportional to the length of `source`.
    last_ends: dict[str, int] = {}
    for start_tag in pattern.finditer(source):
        end_tag = f"[/{start_tag[1]}]"
        if end_tag not in last_ends:
            last_ends[end_tag] = source.rfind(end_tag)
        if not done <= start_tag.start() <= last_ends[end_tag]:
            continue
        end = source.find(end_tag, start_tag.end())
        parts += [source[done : start_tag.start()], replace(start_tag[2], source[start_tag.end() : end])]
        done = end + len(end_tag)
    return "".join([*parts, source[done:]])


def _with_escaped_code(source: str) -> str:
    """Return `source` with code in `<pre lang="c">` escaped, unless it contains nothing but formatting."""
    parts: list[str] = []
    done = 0
    for start_tag in _TYPED_CODE.finditer(source):
        # `<pre lang="ar">` may be a poem in Arabic, not code.
        if start_tag.start() < done or start_tag["language"].lower() in LANG_INFO:
            continue
        end = source.find("</pre>", start_tag.end())
        if end < 0:
            break
        code = source[start_tag.end() : end]
        if "<" in _FORMATTING.sub("", code):
            parts += [source[done : start_tag.end()], code.replace("<", "&lt;").replace(">", "&gt;")]
            done = end
    return "".join([*parts, source[done:]])


def _pre(_attributes: str, content: str) -> str:
    """Return source code as an element in which no markup is interpreted."""
    # Entities in the code are already those of HTML.
    code = content.strip("\r\n").replace("[", "&#91;").replace("<", "&lt;").replace(">", "&gt;")
    return f"\n\n<pre><code>{code}</code></pre>\n\n"


def _formula(_attributes: str, content: str) -> str:
    """Return a formula in TeX as code, without its size and colours."""
    options = _FORMULA_OPTION.search(content)
    if options and not _FORMULA_OPTION.sub("", content[options.start() :]).strip():
        content = content[: options.start()]
    tex = " ".join(content.split()).replace("[", "&#91;").replace("<", "&lt;")
    return f"<code>{tex}</code>" if tex else ""


def _picture_end(content: str) -> int:
    """Return the end of the picture, including the link around it, at the start of `content`; 0 if there is none."""
    position = end = 0
    for kind, text, name in tokenise(content):
        position += len(text)
        if kind == "start" and name == "img" and not end:
            end = position
        elif kind == "end" and name == "a" and end:
            return position
        elif not (kind == "text" and not text.strip()) and not (kind == "start" and name == "a" and not end):
            break
    return end


def _figure(attributes: str, content: str) -> str:
    values = parse_attributes(attributes)
    end = _picture_end(content)
    shown = content[:end].strip() or content
    # Before WordPress 3.4, the caption was an attribute.
    caption = (content[end:].strip() if end else "") or unescape(values.get("caption", ""))
    if not caption:
        return shown
    align = values.get("align", "")
    classes = f"wp-caption {align}" if align in _ALIGNMENTS else "wp-caption"
    name = f' id="{escape(values["id"])}"' if values.get("id") else ""
    return (
        f'\n\n<figure{name} class="{classes}">{shown}'
        f'<figcaption class="wp-caption-text">{caption}</figcaption></figure>\n\n'
    )
