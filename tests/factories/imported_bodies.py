"""Posts with the content of WordPress blogs: blocks and shortcodes of every kind, and content that is too wide."""

import io
from collections.abc import Sequence
from pathlib import Path
from string import Template

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from accounts.models import User
from media.documents import store_document
from media.pictures import store_picture
from tests.factories.files import pdf_file
from tests.factories.models import PostFactory, at
from tests.factories.recordings import encode
from wordpress.models import Attachment

# The size of each picture: wide, upright, square, very wide, very tall, small.
_SIZES = ((1200, 800), (800, 1200), (900, 900), (1600, 500), (400, 1400), (160, 120))
_CAPTIONS = ("The square", "", "A caption that is much longer than its image is wide, as many are, with a full stop.")
_COLUMNS = 9
_TEXTS = Path(__file__).parent / "imported_texts"
# The title and language of each post, by slug.
_POSTS = {
    "blocks": ("Every block", ""),
    "classic": ("The classic editor", ""),
    "wide": ("What is too wide", ""),
    "galleries": ("Galleries", ""),
    "imported-arabic": ("كل شيء بالعربية", "ar"),
}
IMPORTED = {slug: f"/2018/05/02/{slug}/" for slug in _POSTS}


def make_imported_posts(author: User) -> None:
    """Make the posts whose paths are in IMPORTED."""
    urls = [_picture(number, size) for number, size in enumerate(_SIZES)]
    names = ("wide", "tall", "square", "panorama", "tower", "small")
    values = dict(zip(names, urls, strict=True))
    document = store_document(pdf_file(name="field-guide.pdf"), by=author).file.url
    values |= {"document": document, "document_url": f"http://localhost:8000{document}"}
    values |= {"audio": _recording("radio.mp3", "mp3", audio="mp3"), "video": _recording("evening.webm", "webm", "vp8")}
    values |= {"words": "A sentence of some words that goes on, and then another one beside it. " * 6}
    values |= {"word": "unbroken" * 60, "line": "wide " * 120, "cells": "<td>a-cell-that-is-wide</td>" * 30}
    galleries = "\n\n".join(_gallery(columns, urls) for columns in range(1, _COLUMNS + 1))
    galleries += '\n\n[gallery ids="1,2,3,4,5,6,7" columns="3"]'
    sources = {"galleries": galleries}
    for file in _TEXTS.iterdir():
        sources[file.stem] = Template(file.read_text("utf-8")).substitute(values)
    for slug, (title, language) in _POSTS.items():
        fields = {"slug": slug, "title": title, "language": language, "author": author}
        PostFactory(source=sources[slug], markup="wordpress", published_at=at(2018, 5, 2), **fields)


def _picture(number: int, size: tuple[int, int]) -> str:
    """Store a picture that looks like no other, and return its URL. Galleries can refer to it by its number."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    width, height = size
    box = [(width // 8, height // 4), (width // (2 + number), height - height // 5)]
    draw.rectangle(box, fill=(40 * number, 90, 255 - 40 * number))
    draw.ellipse([(width // 2, height // 5), (width - 9, height // 5 + height // 2)], fill=(200, 30 * number, 80))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=60)
    upload = SimpleUploadedFile(f"picture-{number}.jpg", written.getvalue(), content_type="image/jpeg")
    picture = store_picture(upload)
    picture.caption = _CAPTIONS[number % len(_CAPTIONS)]
    picture.save()
    Attachment.objects.create(wordpress_id=number + 1, picture=picture, url=f"https://blog.example.org/{number}.jpg")
    return picture.file.url


def _recording(name: str, container: str, video: str = "", audio: str = "") -> str:
    upload = SimpleUploadedFile(name, encode(container, video, audio))
    return store_document(upload).file.url


def _gallery(columns: int, urls: Sequence[str]) -> str:
    """Return a gallery block with one more picture than columns."""
    figures = []
    for number in range(columns + 1):
        caption = _CAPTIONS[number % len(_CAPTIONS)]
        figures.append(
            '<!-- wp:image --><figure class="wp-block-image size-large">'
            f'<img src="{urls[number % len(urls)]}" alt="Picture {number + 1}"/>'
            f"{caption and f'<figcaption class="wp-element-caption">{caption}</figcaption>'}</figure><!-- /wp:image -->"
        )
    classes = f"wp-block-gallery has-nested-images columns-{columns} is-cropped"
    caption = f'<figcaption class="blocks-gallery-caption wp-element-caption">In {columns} columns</figcaption>'
    return (
        f'<!-- wp:gallery {{"columns":{columns},"linkTo":"none"}} -->\n'
        f'<figure class="{classes}">{"".join(figures)}{caption}</figure>\n<!-- /wp:gallery -->'
    )
