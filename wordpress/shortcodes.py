"""Shortcodes in bodies: what WordPress puts something of its own in place of."""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape, unescape

from blog.rendering.players import film_page
from wordpress.galleries import AnyPicture, Pictures, gallery
from wordpress.tokens import TYPED, Token, tokenise

# All of these begin with the sign itself and look at what stands before it afterwards: that is much faster.
# Brackets that hold none: a shortcode, and what stands between it and its end if that is text.
_SHORTCODE = re.compile(
    r"\[(?P<escaped>\[)?(?P<name>[A-Za-z][\w-]*+)(?P<attributes>(?:[\s=:][^\[\]]*+)?)\]"
    r"(?:(?P<content>[^\[\]]*+)\[/(?P=name)\])?(?P<escape_ends>\])?"
)
_MAY_BE_SHORTCODE = re.compile(r"\[[A-Za-z]")
_END = re.compile(r"\[/([A-Za-z][\w-]*+)\]")
_ADDRESS = re.compile(r"""https?://[^\s<>"'\[\]|]+""", re.IGNORECASE)
# They stand for something of another site whose address they hold.
_EMBEDS = frozenset(
    {"dailymotion", "embed", "facebook", "googlevideo", "instagram", "soundcloud", "spotify", "ted", "tiktok"}
    | {"tweet", "twitter", "vimeo", "youtube"}
)
_RECORDINGS: dict[str, tuple[str, ...]] = {
    "audio": ("src", "mp3", "m4a", "ogg", "oga", "opus", "flac", "wav", "wma"),
    "video": ("src", "mp4", "m4v", "webm", "ogv", "mov", "flv", "wmv"),
}
_KNOWN = _EMBEDS | _RECORDINGS.keys() | {"caption", "gallery", "wp_caption"}
# Not all that stands in brackets is a shortcode: these are even if nothing else tells.
_OF_PLUGINS = frozenset({"archives", "blip", "playlist", "polldaddy", "slideshow", "subscribe", "wpvideo"})
_TELLING = _OF_PLUGINS | _KNOWN
# WordPress.com's own, for programs; the languages are names of it too.
_PROGRAM = re.compile(
    r"\[(?<!\[\[)(sourcecode|code|bash|cpp|csharp|css|diff|html|java|javascript|js|perl|php|powershell|python|ruby|shell"
    r"|sql|xml)((?:\s[^\[\]]*+)?)\](?!\])"
)
_CAPTION = re.compile(r"\[(?<!\[\[)(caption|wp_caption)(?=[\s\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++))""")
_ALIGNMENTS = {"alignleft", "alignright", "aligncenter", "alignnone"}


def expand(source: str, pictures: Pictures) -> str:
    """`source` with every shortcode replaced that we know; all others, and those in code, stay as text.

    What is a player or a page elsewhere becomes its address on a line of its own: blog.rendering makes
    a player or a link of that. `pictures` knows those that galleries name.
    """
    source = captions_to_figures(programs_to_pre(source))
    if not _MAY_BE_SHORTCODE.search(source):
        return source
    parts: list[str] = []
    ends_expected: Counter[str] = Counter()
    for token, is_code in _tokens(source):
        if token.kind != "text" or is_code or "[" not in token.source:
            parts.append(token.source)
            continue
        text = _SHORTCODE.sub(lambda shortcode: _replaced(shortcode, pictures, ends_expected), token.source)
        parts.append(_END.sub(lambda end: _end(end, ends_expected), text) if ends_expected else text)
    return "".join(parts)


def unknown(source: str) -> Counter[str]:
    """How often each shortcode is in `source` that stays as text, by name, for the report of an import.

    Prose in brackets such as `[sic]` is none: there must be an attribute, an end or a plug-in's name.
    """
    names: Counter[str] = Counter()
    if "[" not in source or all(map(_is_shown, _SHORTCODE.finditer(source))):
        return names
    source = captions_to_figures(programs_to_pre(source))
    if not _MAY_BE_SHORTCODE.search(source):
        return names
    ends = {end.lower() for end in _END.findall(source)}
    ignored: Counter[str] = Counter()
    for token, is_code in _tokens(source):
        if token.kind != "text" or is_code:
            continue
        for shortcode in _SHORTCODE.finditer(token.source):
            name = shortcode["name"].lower()
            tells = "=" in shortcode["attributes"] or "_" in name or name in ends or name in _TELLING
            if tells and _replaced(shortcode, AnyPicture(), ignored) == shortcode[0]:
                names[name] += 1
    return names


def _is_shown(shortcode: re.Match[str]) -> bool:
    """Whether it is replaced wherever it stands, if it does not stand in code."""
    if shortcode["name"] in {"caption", "wp_caption"}:
        return shortcode["content"] is not None
    return _replaced(shortcode, AnyPicture(), Counter()) != shortcode[0]


def _tokens(source: str) -> Iterator[tuple[Token, bool]]:
    """The tokens of `source`, each with whether it stands in code."""
    code: list[str] = []
    for token in tokenise(source):
        yield token, bool(code)
        if token.kind == "start" and token.name in TYPED:
            code.append(token.name)
        elif token.kind == "end" and code and code[-1] == token.name:
            code.pop()


def _end(end: re.Match[str], expected: Counter[str]) -> str:
    """Nothing in place of the end of a shortcode that was replaced and whose content was markup."""
    if not expected[end[1].lower()]:
        return end[0]
    expected[end[1].lower()] -= 1
    return ""


def _replaced(shortcode: re.Match[str], pictures: Pictures, ends_expected: Counter[str]) -> str:
    name = shortcode["name"].lower()
    before, after = shortcode["escaped"] or "", shortcode["escape_ends"] or ""
    if before and after:
        # Two brackets show one, as an example.
        return shortcode[0][1:-1] if name in _KNOWN else shortcode[0]
    attributes = unescape(shortcode["attributes"])
    content = shortcode["content"] or ""
    html = ""
    if name in _EMBEDS:
        html = escape(_embedded(name, attributes, unescape(content)))
    elif name in _RECORDINGS:
        html = _recording(name, attributes, unescape(content))
    elif name == "gallery":
        html = gallery(_values(attributes), pictures)
    if not html:
        return shortcode[0]
    if shortcode["content"] is None:
        ends_expected[name] += 1
    return f"{before}\n\n{html}\n\n{after}"


def _values(attributes: str) -> dict[str, str]:
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)}


def _embedded(name: str, attributes: str, content: str) -> str:
    """The address that an embedding shortcode means; nothing if it holds none."""
    if found := _ADDRESS.search(content) or _ADDRESS.search(attributes):
        return film_page(found[0]) or found[0]
    # Instead of an address a bare id, alone or as an attribute: `[vimeo 12345 w=400]`.
    words = attributes.lstrip("=: ").replace('"', " ").replace("'", " ").split()
    id_ = _values(attributes).get("id") or (words[0].partition("&")[0] if words else "") or content.strip()
    page = {"youtube": "https://youtu.be/", "vimeo": "https://vimeo.com/"}.get(name)
    return (film_page(f"{page}{id_}") or "") if page else ""


def _recording(name: str, attributes: str, content: str) -> str:
    """The element of `[audio]` or `[video]`; nothing if no recording is named."""
    values = _values(attributes)
    sources = [values[key] for key in _RECORDINGS[name] if values.get(key)]
    if not sources:
        # `[audio https://example.org/a.mp3|titles=A]` of the first years.
        found = _ADDRESS.search(attributes) or _ADDRESS.search(content)
        sources = [found[0]] if found else []
    if not sources:
        return ""
    if page := film_page(sources[0]):
        return escape(page)
    measures = "".join(
        f' {key}="{values[key]}"' for key in ("width", "height") if name == "video" and values.get(key, "").isdecimal()
    )
    inside = "".join(f'<source src="{escape(source)}">' for source in sources)
    return f"<{name}{measures}>{inside}</{name}>"


def programs_to_pre(source: str) -> str:
    """`source` with each program in a shortcode made a `<pre>`, in which nothing means anything."""
    if "[/" not in source:
        return source
    parts: list[str] = []
    done = 0
    last_end: dict[str, int] = {}
    for opening in _PROGRAM.finditer(source):
        closing = f"[/{opening[1]}]"
        start = opening.start()
        if start < done or start > last_end.setdefault(closing, source.rfind(closing)):
            continue
        if source.endswith(("<code>", "<pre>"), 0, start):
            # An example, not a program.
            continue
        end = source.find(closing, opening.end())
        program = source[opening.end() : end].strip("\r\n").replace("[", "&#91;")
        # Entities in it stand for their signs already.
        program = program.replace("<", "&lt;").replace(">", "&gt;")
        parts += [source[done:start], f"\n\n<pre><code>{program}</code></pre>\n\n"]
        done = end + len(closing)
    return "".join([*parts, source[done:]])


def captions_to_figures(source: str) -> str:
    """`source` with each picture in a caption shortcode made a `<figure>` with its caption below."""
    if "caption" not in source:
        return source
    parts: list[str] = []
    done = 0
    last_end = {name: source.rfind(f"[/{name}]") for name in ("caption", "wp_caption")}
    for opening in _CAPTION.finditer(source):
        if opening.start() < done or opening.start() > last_end[opening[1]]:
            continue
        closing = f"[/{opening[1]}]"
        end = source.find(closing, opening.end())
        parts += [source[done : opening.start()], _figure(opening[2], source[opening.end() : end])]
        done = end + len(closing)
    return "".join([*parts, source[done:]])


def _picture_end(content: str) -> int:
    """Where the picture ends that `content` begins with, its link included; 0 if it begins with something else."""
    position = end = 0
    for kind, written, name in tokenise(content):
        position += len(written)
        if kind == "start" and name == "img" and not end:
            end = position
        elif kind == "end" and name == "a" and end:
            return position
        elif not (kind == "text" and not written.strip()) and not (kind == "start" and name == "a" and not end):
            break
    return end


def _figure(attributes: str, content: str) -> str:
    values = _values(attributes)
    end = _picture_end(content)
    shown = content[:end].strip() or content
    # Before WordPress 3.4 the caption was an attribute.
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
