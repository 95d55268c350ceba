"""Captions and galleries in Markdown: `![description](image.jpg "Caption")`, alone or with others in a paragraph.

CommonMark shows the title of an image only to people with a mouse. A paragraph that consists of one image with a title
becomes a figure, and a paragraph of several images becomes a gallery, with or without captions. Each image of a gallery
is small, so it leads to its file.
"""

from html import escape

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_BREAKS = ("softbreak", "hardbreak")


def make_figures(state: StateCore) -> None:
    """Turn paragraphs of images into figures and galleries."""
    for opening, inline, closing in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if opening.type != "paragraph_open":
            continue
        images = _images(inline)
        if len(images) > 1:
            opening.attrSet("class", "wp-block-gallery")
            inline.children = [
                part
                for image in images
                for part in (_html("<figure>"), *_captioned(image, linked=True), _html("</figure>"))
            ]
        elif images and images[0].attrGet("title"):
            inline.children = _captioned(images[0])
        else:
            continue
        opening.tag = closing.tag = "div" if len(images) > 1 else "figure"
        # In a tight list, paragraphs have no element of their own.
        opening.hidden = closing.hidden = False


def _images(inline: Token) -> list[Token]:
    """Return the images of a paragraph; an empty list if there is anything else in it."""
    children = inline.children or []
    images = [child for child in children if child.type == "image"]
    others = [child for child in children if child.type not in ("image", *_BREAKS) and child.content.strip()]
    marks = [child for child in children if child.nesting]
    return [] if others or marks else images


def _captioned(image: Token, *, linked: bool = False) -> list[Token]:
    caption = str(image.attrs.pop("title", ""))
    shown = [image]
    # The image's alternative text names the link, and without a name there is none.
    if linked and image.content:
        shown = [_html(f'<a href="{escape(str(image.attrs["src"]))}">'), image, _html("</a>")]
    return [*shown, _html(f"<figcaption>{escape(caption)}</figcaption>")] if caption else shown


def _html(code: str) -> Token:
    return Token("html_inline", "", 0, content=code)
