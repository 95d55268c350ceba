"""Control characters that an export contains as references, such as `&#1;`, which a strict parser never sees."""

import re

import pytest
from django.test import Client
from lxml import etree

from blog.models import Category, Post
from comments.models import Comment
from tags.models import Tag
from tests.factories.types import ImportParts
from tests.factories.wxr import category, comment, filed, item, tag

pytestmark = pytest.mark.django_db

NOT_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


@pytest.mark.parametrize("reference", ["&#1;", "&#x1;", "&#1", "&#12;", "&#x1b;", "&#127;", "&#129;", "&#xfffe;"])
def test_control_characters_are_removed_from_imported_texts(
    import_parts: ImportParts, client: Client, reference: str
) -> None:
    text = f"a{reference}-<b>b</b>"
    import_parts(
        category("c", text, description=text),
        tag("t", text, description=text),
        item(
            7,
            title=text,
            excerpt=text,
            content=f"{text} <!--more--> c",
            inside=[
                filed("category", "c", text),
                filed("post_tag", "t", text),
                comment(1, author=text, author_url=f"http://a.example/{reference}", content=text),
            ],
        ),
    )
    post, first = Post.objects.get(), Comment.objects.get()
    terms = [(term.name, term.description) for term in (Category.objects.get(slug="c"), Tag.objects.get(slug="t"))]
    stored = [post.title, post.excerpt, first.name, first.website, first.html, *terms[0], *terms[1]]
    assert [value for value in stored if NOT_IN_TEXT.search(value)] == []
    # A form feed ends a line, which becomes a space.
    assert post.title.replace(" ", "") == first.name.replace(" ", "") == "a-b"
    assert first.html == '<p dir="auto">a-<b>b</b></p>'
    for path in ("/feed/", "/comments/feed/", f"{post.get_absolute_url()}feed/", "/tag/t/feed/"):
        etree.fromstring(client.get(path).content)
