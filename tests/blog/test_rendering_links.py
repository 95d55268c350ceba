"""Links: bare URLs, PDFs alone on a line, links that leave the site."""

import pytest
from django.test import override_settings
from django.utils import translation

from blog.rendering import render

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def body(source: str, markup: str = "html") -> str:
    return render(source, markup).body_html


def link(url: str, text: str = "") -> str:
    url = url.replace("&", "&amp;")
    # Square brackets are shown as typed, but are not valid in a URL.
    href = url.replace("[", "%5B").replace("]", "%5D")
    return f'<a href="{href}" rel="noopener">{text or url}</a>'


class TestBareUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org",
            "http://example.org/a/b.html",
            "https://example.org:8443/a?b=c&d=e#f",
            "https://example.org/a_(b)",
            "https://example.org/?tx_news[id]=5",
            "https://münchen.example/straße?q=ö",
            "https://ar.wikipedia.org/wiki/حقوق_الإنسان",
            "https://example.org/l’homme",
            "https://example.org/2021/01/18/%e2%80%8b%e2%80%8bmartin-ennals/",
            "https://example.org/a,b;c:d!e'f",
        ],
    )
    def test_become_links_that_show_them_as_typed(self, url: str) -> None:
        assert body(f"<p>See {url.replace('&', '&amp;')} there</p>") == f"<p>See {link(url)} there</p>"
        assert link(url) in body(f"See {url} there", "markdown")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "."),
            ("", "..."),
            ("", "…"),
            ("", "?!"),
            ("(", ")."),
            ("(see ", ") there"),
            ("“", "”"),
            ("‘", "’"),
            ("«", "»"),
            ("„", "“"),
            ("[", "]"),
            ("'", "'"),
            ("见", "。然后"),
            ("（", "）"),
        ],
    )
    def test_do_not_include_the_punctuation_around_them(self, before: str, after: str) -> None:
        url = "https://example.org/a_(b)/c"
        assert body(f"<p>{before}{url}{after}</p>") == f"<p>{before}{link(url)}{after}</p>"

    def test_end_at_quotes_and_angle_brackets(self) -> None:
        url = "https://example.org/a"
        assert body(f'"{url}" &lt;{url}&gt;') == f'"{link(url)}" &lt;{link(url)}&gt;'

    def test_in_angle_brackets_are_not_an_element(self) -> None:
        assert body("<https://example.org/a>") == f"&lt;{link('https://example.org/a')}&gt;"

    @pytest.mark.parametrize("tag", ["code", "pre", "kbd", "samp", "var"])
    def test_in_code_stay_text(self, tag: str) -> None:
        source = f"<{tag}>x <b>https://example.org</b></{tag}>"
        assert body(source) == source

    def test_in_the_text_of_a_link_stay_text(self) -> None:
        source = '<a href="/a">x <b>https://example.org</b></a>'
        assert body(source) == source

    @pytest.mark.parametrize(
        "text",
        ["www.example.org", "https://", "https://.", "https:///a", "ftp://example.org", "xhttps://example.org"],
    )
    def test_need_a_scheme_and_a_host(self, text: str) -> None:
        assert body(text) == text

    def test_with_an_impossible_host_stay_text(self) -> None:
        assert body("https://example.org:99999/") == "https://example.org:99999/"

    def test_are_joined_when_markup_inside_them_is_removed(self) -> None:
        assert body("https:<font>//example.org/<!-- x -->a</font>") == link("https://example.org/a")

    def test_of_this_site_become_plain_links(self) -> None:
        assert body("http://testserver/a") == '<a href="http://testserver/a">http://testserver/a</a>'


class TestPdfsAloneOnALine:
    ADDRESS = "https://example.org/x/A-HRC-21-18_en.pdf"
    NAMED = link(ADDRESS, "Click to access A-HRC-21-18_en.pdf").replace(" rel", ' class="wp-block-file" rel')

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("<p>{0}</p>", "<p>{1}</p>"),
            ("<p> {0}\n</p>", "<p> {1}\n</p>"),
            ("<p>one<br>{0}<br>two</p>", "<p>one<br>{1}<br>two</p>"),
            ("<p>one<br>\n{0}</p>", "<p>one<br>\n{1}</p>"),
            ('<p><a href="{0}">{0}</a></p>', "<p>{1}</p>"),
            ("<blockquote><p>{0}</p></blockquote>", "<blockquote><p>{1}</p></blockquote>"),
        ],
    )
    def test_show_their_name(self, source: str, expected: str) -> None:
        assert body(source.format(self.ADDRESS)) == expected.format(self.ADDRESS, self.NAMED)

    @pytest.mark.parametrize("source", ["{0}", "<{0}>", "one\\\n{0}", "one  \n{0}\\\ntwo"])
    def test_show_their_name_in_markdown(self, source: str) -> None:
        assert self.NAMED in body(source.format(self.ADDRESS), "markdown")

    @pytest.mark.parametrize(
        "source",
        ["<p>See {0}</p>", "<p>{0}.</p>", "<p>{0} {0}</p>", "<ul><li>{0}</li></ul>", "<ul><li><p>{0}</p></li></ul>"],
    )
    def test_in_a_sentence_or_a_list_stay_as_typed(self, source: str) -> None:
        assert body(source.format(self.ADDRESS)) == source.format(link(self.ADDRESS))

    def test_with_a_link_text_keep_it(self) -> None:
        assert body(f'<p><a href="{self.ADDRESS}">The report</a></p>') == f"<p>{link(self.ADDRESS, 'The report')}</p>"

    def test_only_pdfs_show_their_name(self) -> None:
        for url in ("https://example.org/pdf", "https://example.org/a.doc", "https://example.pdf"):
            assert body(f"<p>{url}</p>") == f"<p>{link(url)}</p>"

    @pytest.mark.parametrize(
        ("file", "name"),
        [
            ("R%C3%A9sum%C3%A9%20final.pdf", "Résumé final.pdf"),
            ("A.PDF", "A.PDF"),
            ("a.pdf?download=1#page=3", "a.pdf"),
            ("%FF%FE.pdf", "%FF%FE.pdf"),
            ("a%2Fb.pdf", "a%2Fb.pdf"),
            ("a%E2%80%AEfdp.exe.pdf", "a%E2%80%AEfdp.exe.pdf"),
            ("%3Cscript%3E.pdf", "&lt;script&gt;.pdf"),
        ],
    )
    def test_names_are_decoded_where_that_is_safe(self, file: str, name: str) -> None:
        assert body(f"<p>https://example.org/{file}</p>").endswith(f">Click to access {name}</a></p>")

    def test_are_labelled_in_the_language_of_the_site(self) -> None:
        with translation.override("ar"), override_settings(LANGUAGE_CODE="en"):
            assert self.NAMED in body(f"<p>{self.ADDRESS}</p>")


class TestRelations:
    def test_a_link_that_leaves_the_site_has_noopener(self) -> None:
        assert body('<a href="https://example.org/">x</a>') == link("https://example.org/", "x")

    @pytest.mark.parametrize("url", ["/a", "a", "#a", "?a", "http://testserver/a", "mailto:a@example.org", "tel:+1"])
    def test_other_links_have_no_relation(self, url: str) -> None:
        assert body(f'<a href="{url}">x</a>') == f'<a href="{url}">x</a>'

    def test_harmless_relations_that_an_author_sets_are_kept(self) -> None:
        assert body('<a href="https://example.org/" rel="opener nofollow License noreferrer">x</a>') == (
            '<a href="https://example.org/" rel="license nofollow noopener">x</a>'
        )

    def test_the_host_of_this_site_is_a_setting(self) -> None:
        with override_settings(SITE_HOST="example.org"):
            assert body('<a href="https://EXAMPLE.org./">x</a>') == '<a href="https://EXAMPLE.org./">x</a>'


class TestUrlsAsBrowsersReadThem:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("//example.org/a", "https://example.org/a"),
            ("/\\example.org/a", "https://example.org/a"),
            ("\\\\example.org/a", "https://example.org/a"),
            ("///example.org/a", "https://example.org/a"),
            ("/\t/example.org/a", "https://example.org/a"),
            ("https:example.org/a", "https://example.org/a"),
            ("HTTPS:\\example.org/a", "https://example.org/a"),
            (" https://example.org/a ", "https://example.org/a"),
            ("feed:https://example.org/feed/", "https://example.org/feed/"),
            ("feed://example.org/feed/", "https://example.org/feed/"),
        ],
    )
    def test_are_normalised(self, written: str, meant: str) -> None:
        assert body(f'<a href="{written}">x</a>') == link(meant, "x")

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://ftp.example.org/pub/x.iso",
            "geo:52.1,4.3",
            "irc://irc.example.org/#room",
            "magnet:?xt=urn:btih:abc",
            "mailto:a@example.org?subject=x",
            "sms:+31201234567",
            "tel:+31201234567",
            "xmpp:room@example.org?join",
        ],
    )
    def test_may_open_other_programs_that_wordpress_links_to(self, url: str) -> None:
        assert body(f'<a href="{url}">x</a> <img src="{url}" alt="y">') == f'<a href="{url}">x</a> y'

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "&#1;javascript:alert(1)",
            "java&Tab;script&colon;alert(1)",
            "&#106avascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:x",
            "feed:javascript:alert(1)",
            "feed:feed:data:text/html,x",
        ],
    )
    def test_with_other_schemes_are_removed(self, url: str) -> None:
        assert body(f'<a href="{url}">x</a>') == "<span>x</span>"
