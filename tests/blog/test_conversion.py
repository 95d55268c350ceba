"""Conversion of texts to Markdown."""

import re
from html import unescape
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blog.editing.conversion import convert_to_markdown
from blog.rendering import render
from tests.factories.types import GrowsWithLength

# Files in texts are looked up.
pytestmark = pytest.mark.django_db

HTML = {
    "<p>Some <b>bold</b> and <em>slanted</em> <del>words</del>.</p>": "Some **bold** and *slanted* ~~words~~.",
    "<p>a<strong> b </strong>c</p>": "a<strong> b </strong>c",
    "<p>mid<strong>.word.</strong>mid</p>": "mid<strong>.word.</strong>mid",
    "<p>*_`[]&lt;b&gt;&amp;amp; 1 # ~</p>": r"\*\_\`\[\]\<b\>\&amp; 1 \# \~",
    "<p>- no list</p><p>1. no list</p>": "\\- no list\n\n1\\. no list",
    "<p># no heading</p><p>+<br>= x</p>": "\\# no heading\n\n\\+\\\n\\= x",
    "loose <i>text</i><p>x</p>tail": "loose *text*\n\nx\n\ntail",
    "<b>a</b> <i>b</i>": "**a** *b*",
    "<ul><li>a <b>b</b> <i>c</i><ul><li>d</li></ul></li></ul>": "- a **b** *c*\n  - d",
    "<h2>Title</h2>": "## Title",
    '<h2 id="own">Title</h2>': '<h2 id="own">Title</h2>',
    '<h2 id="title">Title</h2>': "## Title",
    "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>": "- a\n  - b\n- c",
    '<ol start="3"><li><p>a</p><p>b</p></li></ol>': "3. a\n\n   b",
    "<ul><li>a</li></ul><ul><li>b</li></ul>": "- a\n\n<!-- -->\n\n- b",
    "<blockquote><p>a</p><p>b</p></blockquote>": "> a\n>\n> b",
    '<pre><code class="language-python">a\n\n```\n</code></pre>': "````python\na\n\n```\n````",
    "<pre>a\n\n<b>b</b></pre>": "<pre>a&#10;&#10;<b>b</b></pre>",
    '<p><a href="/a_(b)" title="T">x</a> https://example.org/?a=1&amp;b_c</p>': (
        '[x](</a_(b)> "T") https://example.org/?a=1&b_c'
    ),
    '<p><img src="/media/a.png" alt="[x]"><img src="/media/b.png" alt="" width="3"></p>': (
        r'![\[x\]](/media/a.png)<img src="/media/b.png" alt="" width="3">'
    ),
    "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b|c</td></tr></tbody></table>": (
        "| a |\n| --- |\n| b\\|c |"
    ),
    "<p>lead</p><!--more--><p>rest</p><!--nextpage--><p>page</p>": (
        "lead\n\n<!--more-->\n\nrest\n\n<!--nextpage-->\n\npage"
    ),
    '<p class="has-text-align-center">x</p>': '<p class="has-text-align-center">x</p>',
    "<p>https://www.youtube.com/watch?v=dQw4w9WgXcQ</p>": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "": "",
}


def test_simple_markdown_is_written_and_the_rest_stays_html() -> None:
    conversions = {html: convert_to_markdown(html, "html") for html in HTML}
    assert {html: conversion.source for html, conversion in conversions.items()} == HTML
    assert {html for html, conversion in conversions.items() if not conversion.is_lossless} == set()


def test_wordpress_texts_keep_what_they_show() -> None:
    source = (
        'First line\nsecond &amp; "quoted"\n\n[caption id="a" align="alignleft" width="30"]'
        '<img src="/media/a.png" alt="x" width="30"> Words[/caption]\n\n<!--more-->\n\n<ul>\n<li>one</li>\n</ul>'
    )
    conversion = convert_to_markdown(source, "wordpress")
    assert conversion.is_lossless
    assert conversion.source.startswith("First line\\\nsecond \\& “quoted”\n\n<figure ")
    assert conversion.source.endswith("</figure>\n\n<!--more-->\n\n- one")


def test_files_of_other_sites_are_a_reason_to_refuse() -> None:
    conversion = convert_to_markdown('<p><img src="https://example.com/a.png" alt="x"></p>', "html")
    assert conversion.has_remote_media
    assert not conversion.is_lossless


def test_differences_are_shown_with_their_context() -> None:
    conversion = convert_to_markdown("<b><p>x</p></b>", "html")
    assert conversion.differences == [
        *("@@ -4 +4 @@", " <strong>", "-<p>", " x"),
        *("@@ -6 +5 @@", " x", "-</p>", " </strong>"),
    ]


def test_time_grows_with_the_length_of_a_text_that_differs_everywhere(grows_with_length: GrowsWithLength) -> None:
    text = "".join(f"<b><p>{letter}</p></b><hr>" for letter in ascii_lowercase * 20)
    assert grows_with_length(lambda html: convert_to_markdown(html, "html"), text)


def visible(html: str) -> list[str]:
    return unescape(re.sub(r"<[^>]*>", " ", html)).split()


TAGS = st.sampled_from(
    re.findall(r"\S+", "a b blockquote code div em h2 h3 i li ol p pre s section span strong sup table td th tr ul")
)
PARTS = st.one_of(
    st.text("ab 1.#*_-+>`[]()!|\\~&<=:\n", max_size=6),
    st.builds("<{}>".format, TAGS),
    st.builds("</{}>".format, TAGS),
    st.sampled_from(
        ["<br>", "<hr>", '<a href="/x y">', '<img src="/a.png" alt="*">', "<!--more-->", "<!--nextpage-->"]
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(PARTS, max_size=20).map("".join))
def test_no_word_of_any_text_is_lost_unless_it_is_refused(html: str) -> None:
    conversion = convert_to_markdown(html, "html")
    if conversion.is_lossless:
        before, after = render(html, "html"), render(conversion.source, "markdown")
        assert visible(after.body_html) == visible(before.body_html)
        assert after.has_more == before.has_more
