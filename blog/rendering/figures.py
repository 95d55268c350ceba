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
            inline.children = [part for image in images for part in _cell(image)]
        elif images and images[0].attrGet("title"):
            inline.children = _captioned(images[0])
        else:
            continue
        # Reader modes of browsers keep the images of a figure, but remove a `div` of images.
        opening.tag = closing.tag = "figure"
        # In a tight list, paragraphs have no element of their own.
        opening.hidden = closing.hidden = False


def _images(inline: Token) -> list[Token]:
    """Return the images of a paragraph; an empty list if there is anything else in it."""
    children = inline.children or []
    images = [child for child in children if child.type == "image"]
    others = [child for child in children if child.type not in ("image", *_BREAKS) and child.content.strip()]
    marks = [child for child in children if child.nesting]
    return [] if others or marks else images


def _cell(image: Token) -> list[Token]:
    """Return an image of a gallery. It is only cropped if it leads to the whole image."""
    # The image's alternative text names the link, and without a name there is none.
    if not image.content:
        return [_html("<figure>"), *_captioned(image), _html("</figure>")]
    link = _html(f'<a href="{escape(str(image.attrs["src"]))}">')
    return [_html('<figure class="is-cropped">'), link, *_captioned(image, _html("</a>")), _html("</figure>")]


def _captioned(image: Token, *end_of_link: Token) -> list[Token]:
    caption = str(image.attrs.pop("title", ""))
    shown = [image, *end_of_link]
    return [*shown, _html(f"<figcaption>{escape(caption)}</figcaption>")] if caption else shown


def _html(code: str) -> Token:
    return Token("html_inline", "", 0, content=code)
