"""Source code in the shortcodes of plugins is shown as readers of the old blog saw it."""

from functools import partial

import pytest

from blog.rendering import render
from tests.factories.types import GrowsWithLength
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.markup.galleries import find_uploads
from wordpress.markup.shortcodes import count_unknown, expand

# URLs are looked up among the files of old sites.
pytestmark = pytest.mark.django_db

CODE = 'if (a < b && !c) {\n\n    print("--");  // <i>[caption] [sic]\n}'
ESCAPED = CODE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def body(source: str) -> str:
    return render(source, "wordpress").body_html.strip()


class TestBlocksOfCode:
    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ('[cc lang="php"]', "[/cc]"),
            ("[cc]", "[/cc]"),
            ("[cc lang='php' tab_size='2' lines='40']", "[/cc]"),
            ("[cc_php]", "[/cc_php]"),
            ("[ccN_c-sharp]", "[/ccN_c-sharp]"),
            ('[ccWl_ruby tab_size="4"]', "[/ccWl_ruby]"),
            ("[CC lang='php']", "[/CC]"),
            ('[crayon lang="php" title="x" highlight="2-3"]', "[/crayon]"),
            ("[crayon-5f0c]", "[/crayon]"),
            ('[enlighter lang="js"]', "[/enlighter]"),
            ('[codesyntax lang="php" lines="normal"]', "[/codesyntax]"),
            ("[prettify]", "[/prettify]"),
        ],
    )
    def test_are_shown_as_typed(self, start: str, end: str) -> None:
        html = body(f"Before\n\n{start}\n{CODE}\n{end}\n\nAfter")
        assert f"<p>Before</p>\n<pre><code>{ESCAPED}</code></pre>" in html
        assert "<p>After</p>" in html
        assert not count_unknown(f"{start}{CODE}{end}")

    @pytest.mark.parametrize("name", ["code:php", "code=php", "source:java", "json", "lua"])
    def test_may_have_other_languages_and_separators(self, name: str) -> None:
        end = name.partition(":")[0].partition("=")[0]
        assert "<pre><code>a [b] &lt; 1</code></pre>" in body(f"[{name}]a [b] < 1[/{end}]")

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ('[cc lang="html" escaped="true"]', "[/cc]"),
            ("[cce]", "[/cce]"),
            ("[cceN_html]", "[/cceN_html]"),
            ('[crayon decode="true"]', "[/crayon]"),
            ("[html]", "[/html]"),
        ],
    )
    def test_that_were_escaped_are_unescaped(self, start: str, end: str) -> None:
        assert "<pre><code>&lt;b&gt;&amp;&lt;/b&gt;</code></pre>" in body(f"{start}&lt;b&gt;&amp;&lt;/b&gt;{end}")

    def test_keep_entities_otherwise(self) -> None:
        assert "<pre><code>&amp;lt;b&amp;gt;</code></pre>" in body('[cc lang="html"]&lt;b&gt;[/cc]')

    def test_in_blocks_are_shown_as_typed(self) -> None:
        html = body(f"<!-- wp:shortcode -->\n[cc_php]\n{CODE}\n[/cc_php]\n<!-- /wp:shortcode -->")
        assert html == f"<pre><code>{ESCAPED}</code></pre>"

    @pytest.mark.parametrize("name", ["cc", "code", "php"])
    def test_keep_the_shortcodes_in_them(self, name: str) -> None:
        code = '[vc_row][one_half]a[/one_half][su_box title="b"]c[/su_box][caption]d[/caption][/vc_row]'
        source = f"[{name}]{code}[/{name}] [one_half]e[/one_half]"
        assert f"<pre><code>{code}</code></pre>\n<p>e</p>" in body(source)
        assert count_unknown(source) == {"one_half": 1}

    def test_in_elements_of_codecolorer_are_shown_as_typed(self) -> None:
        html = body(f'Before\n\n<code lang="php" lines="9">\n{CODE}\n</code>\n\nAfter')
        assert f"<p>Before</p>\n<pre><code>{ESCAPED}</code></pre>\n<p>After</p>" in html

    @pytest.mark.parametrize(
        "code", ['<code lang="php">a()</code>', '<code lang="ar">a\nb</code>', "<code>a\nb</code>"]
    )
    def test_other_elements_stay_inline(self, code: str) -> None:
        assert "<pre>" not in body(f"Call {code} now.")


class TestCodeInSentences:
    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("[cci]", "[/cci]"),
            ('[cci lang="php"]', "[/cci]"),
            ("[cciN_php]", "[/cciN_php]"),
            ('[cc inline="true"]', "[/cc]"),
            ('[crayon inline="true" lang="c"]', "[/crayon]"),
        ],
    )
    def test_stays_in_its_sentence(self, start: str, end: str) -> None:
        assert body(f'Call {start}a < "--"{end} now.') == '<p>Call <code>a &lt; "--"</code> now.</p>'

    def test_is_a_block_if_inline_is_turned_off(self) -> None:
        assert "<pre><code>a</code></pre>" in body('[cc inline="false"]a[/cc] [ccI]b[/ccI]')


class TestOtherText:
    @pytest.mark.parametrize(
        "source",
        ["Add [cc] to it", "[[cc]x[/cc]]", "<code>[cc]x[/cc]</code>", "[ccx]y[/ccx]", "[cc_php]x[/cc]", "[crayon]"],
    )
    def test_is_kept(self, source: str) -> None:
        assert "<pre>" not in body(source)
        assert "[c" in body(source)

    def test_a_file_of_code_becomes_a_link(self) -> None:
        html = body('[crayon lang="php" url="https://example.org/a.php" /]')
        assert '<a href="https://example.org/a.php"' in html
        assert "[crayon" not in html

    @pytest.mark.parametrize(
        ("source", "page"),
        [
            ('[github file="/a/b-c/blob/master/d/e.py"]', "https://github.com/a/b-c/blob/master/d/e.py"),
            ('[github repo="a/b.c"]', "https://github.com/a/b.c"),
            ('[github user="a" repo="b"]', "https://github.com/a/b"),
            ("[github]https://github.com/a/b[/github]", "https://github.com/a/b"),
            ('[github_readme repo="a/b"]', "https://github.com/a/b"),
        ],
    )
    def test_code_on_github_becomes_a_link(self, source: str, page: str) -> None:
        html = body(source)
        assert f'<a href="{page}"' in html
        assert "[" not in html
        assert not count_unknown(source)

    @pytest.mark.parametrize("source", ['[github repo="../x"]', "[github]", '[github repo="javascript:alert(1)"]'])
    def test_hostile_names_on_github_stay_as_text(self, source: str) -> None:
        assert body(source).startswith("<p>[github")

    @pytest.mark.parametrize("part", ["[cc_", "[cc]", "[crayon ", '<code lang="c">', '<code lang="c">\n', "[cciiii"])
    def test_many_start_tags_take_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        find = partial(find_uploads, Origin())
        assert grows_with_length(lambda text: expand(text, find), part * 5_000)
