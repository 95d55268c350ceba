"""Shortcodes in bodies: `[caption …]…[/caption]` becomes a figure, all others stay as text."""

import re
from html import escape, unescape

from wordpress.tokens import tokenise

# Those that WordPress puts something of its own in place of: alone on a line they are no paragraph.
_OWN_BLOCK = re.compile(
    r"\[(?P<name>audio|embed|gallery|playlist|slideshow|video|vimeo|youtube|dailymotion|soundcloud)\b[^\[\]]*\]"
    r"(?:[^\[\]]*\[/(?P=name)\])?"
)
_CAPTION = re.compile(r"(?<!\[)\[(caption|wp_caption)(?=[\s\]])([^\[\]]*+)\]")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++))""")
_ALIGNMENTS = {"alignleft", "alignright", "aligncenter", "alignnone"}


def is_block(text: str) -> bool:
    """Whether `text` is one shortcode that stands for something of its own, like `[gallery]`."""
    return text.startswith("[") and text.endswith("]") and _OWN_BLOCK.fullmatch(text) is not None


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
    values = {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)}
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
