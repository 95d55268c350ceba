"""Text that is pasted into the editor becomes Markdown, without anything that is not allowed."""

import base64
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page, expect

from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, render
from blog.rendering.sanitising import ALLOWED_ATTRIBUTES, ALLOWED_TAGS, allowed_value
from media.models import Picture
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.files import picture
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)

# Pastes HTML and plain text over the selection, which is marked by bars.
PASTE = """([before, html, text]) => {
  const source = document.querySelector("#id_source");
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  data.setData("text/plain", text);
  source.value = before.replaceAll("|", "");
  source.setSelectionRange(before.indexOf("|"), before.lastIndexOf("|") - (before.split("|").length > 2 ? 1 : 0));
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  return source.dispatchEvent(paste) ? "(plain text)" : source.value;
}"""
# Pastes at the caret.
PASTE_DOCUMENT = """([html, rtf]) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  data.setData("text/plain", "…");
  data.setData("text/rtf", rtf);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""
# Pastes with or without an image.
PASTE_COPIED = """([html, text, isImage]) => {
  const data = new DataTransfer();
  data.setData("text/html", html.replace("/media/", `${location.origin}/media/`));
  data.setData("text/plain", text);
  if (isImage) data.items.add(new File(["x"], "image.png", { type: "image/png" }));
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""
CONVERT = """async (htmls) => {
  const { toParts } = await import("/static/admin-broadside/editor/rich_text.js");
  return htmls.map((html) => toParts(html).parts.join("\\n\\n"));
}"""

GOOGLE_DOCS = """<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-1"><h1 dir="ltr">
<span style="font-size:20pt;font-weight:700;">Title</span></h1><p dir="ltr"><span style="font-weight:400">Some </span>
<span style="font-weight:700">bold</span><span style="font-weight:400"> and </span><span style="font-style:italic">
slanted</span> words, <a href="https://www.google.com/url?q=https://example.org/a?b%3Dc&amp;sa=D" title="t">
<span style="text-decoration:underline">a link</span></a>.</p><ul><li style="list-style-type:disc"><p>one</p>
</li><li><p>two</p><ul><li><p>deeper</p></li></ul></li></ul><h2>Smaller</h2></b>"""
GOOGLE_DOCS_MARKDOWN = """## Title

Some **bold** and *slanted* words, [a link](https://example.org/a?b=c).

- one
- two
  - deeper

### Smaller"""
WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!-- p.MsoNormal {margin:0} --></style>
</head><body lang=EN-US style='tab-interval:36.0pt'><!--StartFragment--><p class=MsoNormal>Hello <b
style='mso-bidi-font-weight:normal'>World</b>&nbsp;&lt;b&gt; *star* &amp;amp;<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span></span><![endif]>
First<o:p></o:p></p>
<p class=MsoListParagraphCxSpMiddle style='mso-list:l0 level2 lfo1'>
<span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>Nested</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'>
<span style='mso-list:Ignore'>·</span>Second</p>
<p>After</p><img src="file:///C:/x.png"><!--EndFragment--></body></html>"""
WORD_MARKDOWN = """Hello **World** \\<b> \\*star\\* \\&amp;

- First
  1. Nested
- Second

After"""
WORD_NOTES = """<p class=MsoNormal>One<a style='mso-footnote-id:ftn1' href="#_ftn1" name="_ftnref1" title=""><span
class=MsoFootnoteReference>[1]</span></a> and two<a href="#_ftn2" name="_ftnref2">[2]</a>.</p>
<div style='mso-element:footnote-list'><br clear=all><hr align=left size=1 width="33%">
<div style='mso-element:footnote' id=ftn1><p class=MsoFootnoteText><a href="#_ftnref1" name="_ftn1"><span
class=MsoFootnoteReference>[1]</span></a> The <i>first</i> note.</p></div>
<div style='mso-element:footnote' id=ftn2><p class=MsoFootnoteText><a href="#_ftnref2" name="_ftn2">[2]</a> Second.</p>
</div></div>"""
# A list that continues, one that follows another, numbers and letters of other scripts, numbered headings, and
# italics that Word writes with a style for other scripts.
WORD_LISTS = """<h1 style='mso-list:l0 level1 lfo1'><![if !supportLists]><span style='mso-list:Ignore'>2.<span>&nbsp;
</span></span><![endif]>Votes</h1><p><i style='mso-bidi-font-style:normal'>Again</i>:</p>
<p style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>3.</span>three</p>
<p style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>4.</span>four</p>
<p style='mso-list:l2 level1 lfo3'><span style='mso-list:Ignore'>·</span>bullet</p>
<p>Text</p><p dir=RTL style='mso-list:l3 level1 lfo4'><span style='mso-list:Ignore'>أ.</span>حرف</p>
<p dir=RTL style='mso-list:l3 level2 lfo4'><span style='mso-list:Ignore'>١.</span>رقم</p>
<p class=MsoQuote>Said</p><p class=MsoQuote>twice</p>"""
WORD_LISTS_MARKDOWN = r"""## 2\. Votes

*Again*:

3. three
4. four

- bullet

Text

1. حرف
   1. رقم

> Said
>
> twice"""
# Comments on the text, and what was deleted while changes were tracked.
WORD_COMMENTS = """<p>New <del cite="mailto:Ruth" datetime="2026-01-01">secret</del>text<span
class=MsoCommentReference><a class=msocomanchor href="#_msocom_1" name="_msoanchor_1">[R1]</a></span>.</p>
<div style='mso-element:comment-list'><hr><div style='mso-element:comment'><p class=MsoCommentText><a class=msocomanchor
href="#_msoanchor_1" name="_msocom_1">[R1]</a>Names her source</p></div></div>"""
WORD_ENDNOTE = """<p>One<a href="#_edn1" name="_ednref1">[i]</a>.</p><div style='mso-element:endnote-list'><hr>
<div style='mso-element:endnote'><p><a href="#_ednref1" name="_edn1">[i]</a> Note.</p><p>More of it.</p></div></div>"""
GOOGLE_DOCS_NOTE = """<p>One<sup><a href="#ftnt1" id="ftnt_ref1">[1]</a></sup></p>
<div><p><a href="#ftnt_ref1" id="ftnt1">[1]</a> Note.</p></div>"""
# Parts of a word, and punctuation next to one.
EMPHASIS = """<p><span lang=EN><b>Two</b></span><b> parts</b>, x<i>, y</i>, <b>“z”</b>w, <b>bo</b>ld,
<span style="vertical-align:super">up</span> H<sub class="a" id="b">2</sub>O</p>"""
LIBREOFFICE_NOTE = """<p>One<sup><a class="sdfootnoteanc" name="sdfootnote1anc" href="#sdfootnote1sym">1</a></sup>.</p>
<div id="sdfootnote1"><p><a class="sdfootnotesym" name="sdfootnote1sym" href="#sdfootnote1anc">1</a> Note.</p></div>"""
WEB_PAGE = """<script>alert(1)</script><h3 onclick="x()">News</h3><p>Line<br>break <a href="javascript:alert(1)">bad</a>
<a href="#top">jump</a></p><blockquote><p>Said</p></blockquote><table><thead><tr><th>a</th><th>b|c</th></tr></thead>
<tbody><tr><td><p>1</p></td><td>2<br>3</td></tr></tbody></table><pre><code>x &lt; y</code></pre>"""
WEB_PAGE_MARKDOWN = """### News

Line\\
break bad jump

> Said

| a | b\\|c |
| --- | --- |
| 1 | 2 3 |

```
x < y
```"""

# Google Docs separates paragraphs by line breaks between them, and puts lists directly into lists.
GOOGLE_DOCS_BREAKS = """<b style="font-weight:normal;" id="docs-internal-guid-2"><p><span>One <i>word</i></span></p>
<br /><p><span>Two</span></p><br /><br /><ul><li><p>a</p></li><ul><li><p>deeper</p></li></ul><li><p>b</p></li></ul>
</b>"""
E_MAIL = """<div>Dear <b>all</b>,<div><br></div><div><span><br></span></div>the report<br>of today:<br><br><br>
Amina<br></div><div>Ruth wrote:<br><blockquote>One<br>two<br><br>three</blockquote></div>"""
E_MAIL_MARKDOWN = """Dear **all**,

the report\\
of today:

Amina

Ruth wrote:

> One\\
> two
>
> three"""
# Its cells are preceded by columns, and some extend into others.
LIBREOFFICE_TABLE = """<table><caption>Votes</caption><col width="64*"/><col width="64*"/>
<tr><td><p>Name</p></td><td><p>Year</p></td><td><p>Votes</p></td></tr>
<tr><td rowspan="2"><p>Amina</p></td><td><p>2025</p></td><td><p>7</p></td></tr>
<tr><td colspan="2"><p>none</p></td></tr></table>"""
LIBREOFFICE_TABLE_MARKDOWN = """Votes

| Name | Year | Votes |
| --- | --- | --- |
| Amina | 2025 | 7 |
|  | none |  |"""
# Newsletters use tables to arrange their parts.
NEWSLETTER = """<table><tr><td><table><tr><td><p>Dear friends,</p><p>join <b>us</b>.</p></td></tr></table></td></tr>
<tr><td><table><tr><td>Day</td><td>Place</td></tr><tr><td>1</td><td>Oslo</td></tr></table></td></tr></table>"""
NEWSLETTER_MARKDOWN = """Dear friends,

join **us**.

| Day | Place |
| --- | --- |
| 1 | Oslo |"""

# A caption with a link stays a paragraph, because captions in Markdown have none.
FIGURES = r"""<figure><img src="https://example.org/a.png" alt="A lamp"><figcaption>The &amp;lt; "first" \
one\</figcaption></figure><figure><img src="https://example.org/b.png" alt="B"><figcaption><a
href="https://example.org/">Credit</a></figcaption></figure>"""
FIGURES_MARKDOWN = r"""![A lamp](https://example.org/a.png "The \&lt; \"first\" \\ one\\")

![B](https://example.org/b.png)

[Credit](https://example.org/)"""

# Redirects in place of links. Outlook's contains the address of the person who got the e-mail.
SAFE_LINK = (
    "https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fa&data=05%7Camina%40example.org"
)
FACEBOOK_LINK = "https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org%2Fb&amp;h=AT0x"
REDIRECTS = f'<p><a href="{SAFE_LINK}">{SAFE_LINK}</a> and <a href="{FACEBOOK_LINK}">b</a></p>'

# The text with its selection, the HTML and the plain text that are pasted, and the expected text.
CASES = [
    ("Before|", GOOGLE_DOCS, "…", f"Before\n\n{GOOGLE_DOCS_MARKDOWN}"),
    ("|", WORD, "…", WORD_MARKDOWN),
    ("|", WORD_NOTES, "…", "One[^1] and two[^2].\n\n[^1]: The *first* note.\n\n[^2]: Second."),
    ("Old[^4]|", LIBREOFFICE_NOTE, "…", "Old[^4]\n\nOne[^5].\n\n[^5]: Note."),
    ("|", WORD_LISTS, "…", WORD_LISTS_MARKDOWN),
    ("|", WORD_COMMENTS, "…", "New text."),
    ("|", WORD_ENDNOTE, "…", "One[^1].\n\n[^1]: Note.\n\n    More of it."),
    ("|", GOOGLE_DOCS_NOTE, "…", "One[^1]\n\n[^1]: Note."),
    ("|", EMPHASIS, "…", "**Two parts**, x, *y*, **“z**”w, **bo**ld, <sup>up</sup> H<sub>2</sub>O"),
    ("|", WEB_PAGE, "…", WEB_PAGE_MARKDOWN),
    ("|", GOOGLE_DOCS_BREAKS, "…", "One *word*\n\nTwo\n\n- a\n  - deeper\n- b"),
    ("|", E_MAIL, "…", E_MAIL_MARKDOWN),
    ("|", LIBREOFFICE_TABLE, "…", LIBREOFFICE_TABLE_MARKDOWN),
    ("|", NEWSLETTER, "…", NEWSLETTER_MARKDOWN),
    ("|", FIGURES, "…", FIGURES_MARKDOWN),
    ("|", REDIRECTS, "…", "[https://example.org/a](https://example.org/a) and [b](https://example.org/b)"),
    ("|", "", SAFE_LINK, "https://example.org/a"),
    ("|this|", "", SAFE_LINK, "[this](https://example.org/a)"),
    ("a |b| c", "<i>in</i> the <b>middle</b>", "…", "a *in* the **middle** c"),
    ("|", "<p>No</p><p>formatting</p>", "…", "(plain text)"),
    ("see |this page| now", "", "https://example.org/a_(b)", "see [this page](https://example.org/a_%28b%29) now"),
    ("|https://|", "", "https://example.org/", "(plain text)"),
    ("|", '<a href="https://example.org/">https://example.org/</a>', "https://example.org/", "(plain text)"),
]


@pytest.fixture
def new_post(log_in: LogIn) -> Page:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    return log_in("editor", "/admin/blog/post/add/")


def test_rich_text_becomes_markdown_and_urls_become_links(new_post: Page) -> None:
    found = [(*case[:3], new_post.evaluate(PASTE, case[:3])) for case in CASES]
    assert found == CASES
    # Each cell extends into all rows below it and a thousand columns.
    rows = "<tr><td rowspan=65534 colspan=1000>x</td><td>y</td></tr>" * 200
    hostile = new_post.evaluate(PASTE, ["|", f"<table>{rows}</table>", "…"])
    assert hostile.count("y") == 200
    assert hostile.count("|") < 201 * 105
    post = PostFactory(markup="html")
    new_post.goto(f"/admin/blog/post/{post.pk}/change/")
    assert new_post.evaluate(PASTE, ["", WEB_PAGE, "…"]) == "(plain text)"
    link = '<a href="https://example.org/?a&#38;b">x</a>'
    assert new_post.evaluate(PASTE, ["|x|", "", "https://example.org/?a&b"]) == link


@pytest.mark.parametrize("mode", ["Visual", "Markdown"])
def test_images_of_pasted_documents_are_uploaded_to_their_places(new_post: Page, mode: str) -> None:
    red, blue, green = (picture(size=(300, 200), colour=colour) for colour in ("red", "blue", "green"))
    url = f"data:image/png;base64,{base64.b64encode(red).decode()}"
    blank = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    first = f'''<h2>News</h2><p>One <img src="{url}" alt="A *red* field"> <b>bold</b>.<img src="{blank}"></p>
<ul><li>Two</li></ul>'''
    # Word adds each one again in an older format.
    pictures = "".join(
        rf"{{\*\shppict{{\pict{{\*\picprop}}\picw9\pngblip\bliptag-12{{\*\blipuid 00ff}} {image.hex(' ', 64)}}}}}"
        r"{\nonshppict{\pict\wmetafile8 0100}}"
        for image in (blue, green)
    )
    word = """<table><tr><td>a<img src="file:///C:/1.png"
alt="Blue&#10;&#10;Description automatically generated"></td><td>b</td></tr></table><p>Three</p>
<p><img src="file:///C:/2.png"></p><p><b>Four</b></p>"""
    new_post.fill("#id_source", "Intro.\n\nEnd.")
    new_post.get_by_role("button", name=mode).click()
    if mode == "Visual":
        new_post.get_by_text("Intro.").click()
    else:
        new_post.evaluate("document.querySelector('#id_source').setSelectionRange(6, 6)")
        new_post.focus("#id_source")
    new_post.keyboard.press("End")
    new_post.evaluate(PASTE_DOCUMENT, [first + word, rf"{{\rtf1 {pictures}}}"])

    source = new_post.locator("#id_source")
    expect(source).to_have_value(re.compile(r"(!\[.*\][^!]*){3}"))
    text = source.input_value()
    stored = [Picture.objects.get(file=name) for name in re.findall(r"/media/([^)]*)", text)]
    blocks = ["Intro.", "## News", "One **bold**.", "(image)", "- Two", "| a | b |\n| --- | --- |", "(image)", "Three"]
    assert re.sub(r"!\[.*\]\(.*\)", "(image)", text).split("\n\n") == [*blocks, "(image)", "**Four**", "End."]
    assert re.findall(r"!\[(.*)\]", text) == [r"A \*red\* field", "", ""]
    assert [image.alt for image in stored] == ["A *red* field", "", ""]
    assert [colour_of(each) for each in stored] == ["red", "blue", "green"]
    expect(new_post.locator(".editor-error")).to_have_count(0)

    # Without the RTF, the images of Word can't be had.
    new_post.evaluate(PASTE_DOCUMENT, [word, ""])
    expect(new_post.locator(".editor-error")).to_contain_text("Some images couldn't be pasted")
    expect(source).to_have_value(re.compile(r"Three[^!]*Four"))


def colour_of(image: Picture) -> str:
    with image.file.open() as file, Image.open(file) as opened:
        pixel = opened.convert("RGB").getpixel((150, 100))
    assert isinstance(pixel, tuple)
    return ["red", "green", "blue"][pixel.index(max(pixel))]


PLAIN_TEXTS = [
    ("two words", "two words"),
    (
        "The report was published in March by\r\nthe committee, which had met ten times be-\nfore May.\n\nIt is short.",
        "The report was published in March by the committee, which had met ten times be-fore May.\n\nIt is short.",
    ),
    (
        "What we would like to bring along:\n- a lamp for the way in the woods\n- bread\n \nThanks,\nRuth",
        "What we would like to bring along:\\\n\\- a lamp for the way in the woods\\\n\\- bread\n\nThanks,\\\nRuth",
    ),
    ("Roses are red,\nviolets are blue", "Roses are red,\n\nviolets are blue"),
    (f"{'Long ' * 40}one.\n{'Long ' * 41}two.", f"{'Long ' * 40}one.\n\n{'Long ' * 41}two."),
    (
        "يوم الأحد في المدينة القديمة البعيدة مع Ruth و\nسامي قبل الصيف.",
        "يوم الأحد في المدينة القديمة البعيدة مع Ruth و سامي قبل الصيف.",
    ),
]


def test_plain_text_becomes_paragraphs_without_the_line_ends_of_e_mails_and_pdfs(new_post: Page) -> None:
    new_post.get_by_role("button", name="Visual").click()
    expect(new_post.locator(".editor-visual")).to_be_focused()
    source = new_post.locator("#id_source")
    for text, expected in PLAIN_TEXTS:
        new_post.keyboard.press("Control+a")
        new_post.keyboard.press("Delete")
        expect(source).to_have_value("")
        new_post.evaluate(
            """(text) => {
              const data = new DataTransfer();
              data.setData("text/plain", text);
              const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
              document.activeElement.dispatchEvent(paste);
            }""",
            text,
        )
        expect(source).to_have_value(expected)


VS_CODE = """<meta charset='utf-8'><div style="font-family: 'Droid Sans Mono', 'monospace';white-space: pre;"><div>
<span style="color: #569cd6;">def</span><span> f(x):</span></div><div>&nbsp;&nbsp;&nbsp;&nbsp;return *x*</div></div>"""
CODE = "def f(x):\n    return *x*"
TERMINAL = "<pre style='font-family:monospace'>$ ls<br>&nbsp; total 4_0_1\n</pre>"


def test_code_keeps_its_indentation_and_a_copied_image_its_description(new_post: Page) -> None:
    source = new_post.locator("#id_source")
    assert new_post.evaluate(PASTE, ["|", VS_CODE, CODE]) == "(plain text)"
    terminal = new_post.evaluate(PASTE, ["|", TERMINAL, "…"])
    assert terminal == "```\n$ ls\n  total 4_0_1\n```"

    new_post.fill("#id_source", "Above.")
    new_post.get_by_role("button", name="Visual").click()
    new_post.get_by_text("Above.").click()
    for html, text in ((VS_CODE, CODE.replace("\n", "\r\n").replace("  ", "\u00a0 ")), (TERMINAL, "…")):
        new_post.evaluate(PASTE_COPIED, [html, text, False])
    expect(source).to_have_value(f"Above.\n\n```\n{CODE}\n```\n\n{terminal}")

    # Browsers copy an image with its HTML, and the visual mode copies its own.
    new_post.evaluate(PASTE_COPIED, ['<img src="/media/pictures/a.png" alt="A lamp" title="Lit">', "", True])
    image = '![A lamp](/media/pictures/a.png "Lit")'
    expect(source).to_have_value(re.compile(f"{re.escape(image)}$"))
    assert not Picture.objects.exists()
    copied = """<p data-pm-slice="0 0 []"><img src="https://example.org/a.png" alt="A" title="Caption"></p>
    <div class="visual-raw-block"><pre>&lt;p class="x"&gt;*raw*&lt;/p&gt;</pre></div>
    <pre data-params="python"><code>x = 1</code></pre>
    <div class="visual-more">Read more</div><p>a<span class="visual-raw">[^1]</span></p>"""
    markdown = """![A](https://example.org/a.png "Caption")\n\n<p class="x">*raw*</p>\n\n```python\nx = 1\n```

<!--more-->\n\na[^1]"""
    new_post.get_by_role("button", name="Markdown").click()
    assert new_post.evaluate(PASTE, ["|", copied, "…"]) == markdown


class Checker(HTMLParser):
    """A parser that fails on every element, attribute and value that is not on the allow-list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED_TAGS
        for name, value in attrs:
            assert name in ALLOWED_ATTRIBUTES["*"] | ALLOWED_ATTRIBUTES.get(tag, frozenset())
            assert allowed_value(tag, name, value or "") == value

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")


TAGS = st.sampled_from(
    re.findall(
        r"\S+",
        "a b base blockquote br code div em form h1 h3 i iframe img li link math ol p pre script span style sub svg"
        " table tbody td template textarea th tr ul xmp o:p",
    )
)
ATTRIBUTES = st.sampled_from(
    [
        *(' href="javascript:alert(1)"', ' href="https://example.org/ )\'"', " href='//x'", ' src="data:text/html,x"'),
        *(" src=x onerror=alert(1)", ' style="mso-list:l0 level9 lfo1"', ' style="font-weight:700"', ' alt="](x)"', ""),
    ]
)
TEXTS = st.sampled_from(
    ["words", "<script>alert(1)</script>", "&lt;img onerror=x&gt;", "[a](javascript:x)", "<!--", "`", "\\"]
)
PARTS = st.one_of(
    TEXTS, st.text(max_size=8), st.builds("<{}{}>".format, TAGS, ATTRIBUTES), st.builds("</{}>".format, TAGS)
)
HTML: st.SearchStrategy[str] = st.lists(PARTS, min_size=1, max_size=30).map("".join)


def test_readers_get_only_allowed_html_whatever_is_pasted(new_post: Page) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.lists(HTML, min_size=1, max_size=10))
    def check(htmls: list[str]) -> None:
        # Replaces what can't be encoded for the connection to the browser.
        htmls = [html.encode(errors="replace").decode() for html in htmls]
        markdown: list[Any] = new_post.evaluate(CONVERT, htmls)
        for text in markdown:
            body = render(text, "markdown").body_html
            checker = Checker()
            checker.feed(body.replace(PAGE_BREAK, "").replace(MORE_PLACEHOLDER, ""))
            checker.close()

    check()
