"""Captions and galleries in Markdown."""

import re

import pytest

from blog.rendering import render

GALLERY = '<figure class="wp-block-gallery">{}</figure>'


def html_of(source: str) -> str:
    """Return the HTML of a Markdown source, without what only concerns loading."""
    return re.sub(r' (?:loading|decoding|fetchpriority)="\w+"', "", render(source, "markdown").body_html).strip()


@pytest.mark.parametrize(
    ("source", "html"),
    [
        (
            '![A](/media/a.jpg "R. & <b>S</b>")',
            '<figure><img src="/media/a.jpg" alt="A"><figcaption>R. &amp; &lt;b&gt;S&lt;/b&gt;</figcaption></figure>',
        ),
        (
            '![A](/media/a.jpg "One")\n![B](/media/b.jpg?x=1&y=2)',
            GALLERY.format(
                '<figure class="is-cropped"><a href="/media/a.jpg"><img src="/media/a.jpg" alt="A"></a>'
                "<figcaption>One</figcaption></figure>"
                '<figure class="is-cropped"><a href="/media/b.jpg?x=1&amp;y=2">'
                '<img src="/media/b.jpg?x=1&amp;y=2" alt="B"></a></figure>'
            ),
        ),
        (
            # A link needs a name.
            '![](/media/a.jpg "One")\n![](/media/b.jpg)',
            GALLERY.format(
                '<figure><img src="/media/a.jpg" alt=""><figcaption>One</figcaption></figure>'
                '<figure><img src="/media/b.jpg" alt=""></figure>'
            ),
        ),
        (
            '- ![A](/media/a.jpg "One")',
            '<ul>\n<li>\n<figure><img src="/media/a.jpg" alt="A"><figcaption>One</figcaption></figure>\n</li>\n</ul>',
        ),
    ],
)
def test_paragraphs_of_images_become_figures_and_galleries(source: str, html: str) -> None:
    assert html_of(source) == html


@pytest.mark.parametrize(
    "source",
    [
        "![A](/media/a.jpg)",
        'Words ![A](/media/a.jpg "One")',
        '![A](/media/a.jpg "One") words',
        '[![A](/media/a.jpg "One")](/media/b.jpg)',
        '**![A](/media/a.jpg "One")**',
        '![A](/media/a.jpg "One") <!--more-->',
        '| ![A](/media/a.jpg "One") |\n|---|\n| b |',
    ],
)
def test_other_paragraphs_stay_paragraphs(source: str) -> None:
    assert "<fig" not in html_of(source)
