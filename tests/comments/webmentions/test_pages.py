"""Pages of other sites: where they accept Webmentions, their text around a link, and hostile ones."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.webmentions import pages
from comments.webmentions.pages import FetchedPage, Quotation, fetch, find_endpoint, find_link, links_in
from core import http
from core.http import FetchError, ForbiddenHostError, is_public
from tests.factories.servers import StubServer
from tests.factories.types import GrowsWithLength

URL = "https://other.example/post/?a=b"
TARGET = "https://blog.example/2024/05/06/%d9%85%d8%b1%d8%ad%d8%a8%d8%a7/"
HTML = "text/html"


def page(text: str, *links: str, media_type: str = HTML) -> FetchedPage:
    return FetchedPage(URL, links, media_type, text)


class TestEndpointsInHeaders:
    @pytest.mark.parametrize(
        ("links", "expected"),
        [
            (["</endpoint>; rel=webmention"], "https://other.example/endpoint"),
            (["<https://hub.example/1>; rel=webmention"], "https://hub.example/1"),
            (['<https://hub.example/2>; rel="webmention"'], "https://hub.example/2"),
            (['<https://hub.example/3>; rel="other webmention"'], "https://hub.example/3"),
            (
                ['<https://hub.example/no>; rel="other", <https://hub.example/4>; rel="webmention"'],
                "https://hub.example/4",
            ),
            (
                ["<https://hub.example/no>; rel=other", "<https://hub.example/5>; rel=webmention"],
                "https://hub.example/5",
            ),
            (
                ['<https://hub.example/6?query=yes>; title="a, b; c"; REL="Webmention"'],
                "https://hub.example/6?query=yes",
            ),
            (["<>; rel=webmention"], URL),
            (["<endpoint>; rel = webmention"], "https://other.example/post/endpoint"),
            (["<https://hub.example/no>; rel=not-webmention"], None),
            (["<https://hub.example/no>; title=webmention"], None),
            (["<https://hub.example/no>; rel=other; rel=webmention"], None),
            (["<https://hub.example/no>"], None),
            (["<http://[broken>; rel=webmention"], None),
            (["rel=webmention", "", "<<<>;;;rel=", '<a>; rel="webmention'], None),
        ],
    )
    def test_are_found(self, links: list[str], expected: str | None) -> None:
        assert find_endpoint(page("", *links)) == expected

    def test_come_before_endpoints_in_the_document(self) -> None:
        text = '<link rel="webmention" href="/no">'
        assert find_endpoint(page(text, "</yes>; rel=webmention")) == "https://other.example/yes"

    def test_are_found_whatever_the_page_is(self) -> None:
        assert find_endpoint(page("", "</yes>; rel=webmention", media_type="image/png")) == "https://other.example/yes"


class TestEndpointsInDocuments:
    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ('<link rel="webmention" href="/1">', "/1"),
            ('<p><a rel="webmention" href="/2">here</a>', "/2"),
            ('<a href="/3" rel="webmention">here</a>', "/3"),
            ("<LINK REL=WEBMENTION HREF=/4>", "/4"),
            ("<link\nrel='other webmention'\nhref='/5'/>", "/5"),
            ('<link rel="not-webmention" href="/no"><a rel="webmention" href="/6">x</a>', "/6"),
            ('<!-- <a rel="webmention" href="/no">x</a> --><a rel="webmention" href="/7">x</a>', "/7"),
            ('<code>&lt;a rel="webmention" href="/no"></code><a rel="webmention" href="/8">x</a>', "/8"),
            ('<a rel="webmention" href="/9">x</a><link rel="webmention" href="/no">', "/9"),
            ('<link rel="webmention"><a rel="webmention" href="/10">x</a>', "/10"),
            ('<link rel="webmention" href="/11?a=1&amp;b=2">', "/11?a=1&b=2"),
            ('<link rel="webmention" href="12">', "/post/12"),
            ('<script>"<link rel=webmention href=/no>"</script><link rel=webmention href=/13>', "/13"),
            ('<textarea><a rel="webmention" href="/no"></textarea><a rel="webmention" href="/14">x</a>', "/14"),
            ('<a title="<link rel=webmention href=/no>" rel="webmention" href="/15">x</a>', "/15"),
            ('<base href="/base/"><base href="/no/"><link rel="webmention" href="17">', "/base/17"),
            ('<p>Text <b>with <i>tags</b> that are not closed <a rel="webmention" href="/16">', "/16"),
        ],
    )
    def test_are_found(self, text: str, path: str) -> None:
        assert find_endpoint(page(text)) == f"https://other.example{path}"

    def test_may_be_the_page_itself(self) -> None:
        assert find_endpoint(page('<link rel="webmention" href="">')) == URL

    @pytest.mark.parametrize(
        "text",
        ["", "<p>Nothing", '<img rel="webmention" src="/no">', '<a rel="webmention" href="http://[broken">', "<a"],
    )
    def test_may_be_missing(self, text: str) -> None:
        assert find_endpoint(page(text)) is None

    def test_are_only_in_html(self) -> None:
        assert find_endpoint(page('<link rel="webmention" href="/no">', media_type="text/plain")) is None


class TestLinks:
    @pytest.mark.parametrize(
        "text",
        [
            f'<p>They say <a href="{TARGET}">this</a>.',
            f"<A HREF={TARGET}>this</A>",
            f'<a href="{TARGET}#part">this</a>',
            '<a href="https://blog.example/2024/05/06/مرحبا/">this</a>',
            f'<a href="{TARGET.upper().replace("HTTPS://BLOG.EXAMPLE", "https://blog.example")}">this</a>',
            f'<a href="{TARGET.replace("https:", "")}">this</a>',
            f'<base href="https://blog.example/"><a href="{TARGET.removeprefix("https://blog.example")}">this</a>',
            f'<img src="{TARGET}">',
            f'<video src="{TARGET}"></video>',
        ],
    )
    def test_are_found_in_html(self, text: str) -> None:
        assert find_link(page(text), TARGET) is not None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            TARGET,
            f'<!-- <a href="{TARGET}">x</a> -->',
            f'&lt;a href="{TARGET}"&gt;',
            f'<a title="{TARGET}">x</a>',
            f'<a href="{TARGET}x/">x</a>',
            f'<a href="{TARGET}?a=b">x</a>',
            f'<a href="https://other.example/?u={TARGET}">x</a>',
            f"<script>'<a href=\"{TARGET}\">'</script>",
            f'<a data-href="{TARGET}">x</a>',
            '<a href="http://[broken">x</a>',
        ],
    )
    def test_are_not_found_elsewhere(self, text: str) -> None:
        assert find_link(page(text), TARGET) is None

    def test_are_found_in_json_as_whole_strings(self) -> None:
        for value, is_found in (
            (TARGET, True),
            ([{"a": {"b": TARGET}}], True),
            (f"See {TARGET}", False),
            ({TARGET: 1}, False),
        ):
            for media_type in ("application/json", "application/activity+json"):
                assert (find_link(page(json.dumps(value), media_type=media_type), TARGET) is not None) == is_found

    def test_are_found_in_plain_text(self) -> None:
        for text, is_found in ((f"See ({TARGET}).", True), (f"See {TARGET}x/", False), ("See", False)):
            assert (find_link(page(text, media_type="text/plain"), TARGET) is not None) == is_found

    def test_are_not_searched_for_in_other_types(self) -> None:
        assert find_link(page(f'<a href="{TARGET}">x</a>', media_type="image/svg+xml"), TARGET) is None

    def test_of_a_text_are_its_urls(self) -> None:
        assert list(links_in('<p><a href="https://a.example/?b&amp;c">x</a><a id="y"></a><a href="/d">')) == [
            "https://a.example/?b&c",
            "/d",
        ]


class TestQuotations:
    def test_have_the_title_and_the_paragraph(self) -> None:
        title = "<title>Their\n blog &amp; us</title>"
        text = f'{title}<p>Before.<p>They &lt;say&gt; <em>that</em> <a href="{TARGET}">we</a> do.<p>After.'
        assert find_link(page(text), TARGET) == Quotation("Their blog & us", "They <say> that we do.")

    def test_are_short(self) -> None:
        words = "word " * 10_000
        text = f'<title>{"t" * 10_000}</title><p>{words}<a href="{TARGET}">here</a> {words}'
        found = find_link(page(text), TARGET)
        assert found is not None
        assert len(found.name) == 200
        assert len(found.text) < 310
        assert " here word word" in found.text

    def test_of_scripts_without_spaces_are_as_well(self) -> None:
        found = find_link(page(f'<p>{"字" * 10_000}<a href="{TARGET}">{"词" * 10_000}</a>'), TARGET)
        assert found is not None
        assert 200 < len(found.text) < 310

    def test_have_no_controls_and_nothing_that_turns_the_text_around(self) -> None:
        text = f'<title>a\u202eb&#8238;c&#1;</title><a href="{TARGET}">x&#0;\u202ey</a>'
        found = find_link(page(text), TARGET)
        assert found is not None
        assert found.name == "abc"
        assert "\u202e" not in found.text

    def test_leave_out_scripts_and_hidden_text(self) -> None:
        text = f"<p><script>alert(1)</script><template>x</template>Text <a href='{TARGET}'>link</a><style>p{{}}</style>"
        found = find_link(page(text), TARGET)
        assert found is not None
        assert found.text == "Text link"


class TestFetching:
    def test_follows_redirects_and_resolves_against_their_end(self, other_site: StubServer) -> None:
        other_site.answer("/a", 302, Location="/b/page")
        other_site.answer("/b/page", body=b'<a rel="webmention" href="endpoint">x</a>', Content_Type="text/html")
        assert find_endpoint(fetch(other_site.url("/a"))) == other_site.url("/b/endpoint")

    def test_ends(self, other_site: StubServer) -> None:
        other_site.answer("/a", 302, Location="/a")
        with pytest.raises(FetchError):
            fetch(other_site.url("/a"))
        assert other_site.requests["/a"] == 6

    @pytest.mark.parametrize(
        "location",
        ["http://169.254.169.254/", "http://192.168.0.1/", "http://10.0.0.1/", "file:///etc/passwd", "http://["],
    )
    def test_follows_no_redirect_to_private_addresses(
        self, location: str, web_server: StubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
        monkeypatch.setattr(pages, "CLIENT", replace(pages.CLIENT, ports=None))
        web_server.answer("/a", 302, Location=location)
        with pytest.raises(FetchError, match=r"private network|invalid"):
            fetch(web_server.url("/a"))

    def test_opens_no_private_address(self, web_server: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "CLIENT", replace(pages.CLIENT, ports=None))
        with pytest.raises(FetchError):
            fetch(web_server.url("/"))
        assert not web_server.requests

    def test_opens_only_the_ports_of_web_servers(self) -> None:
        for url in ("http://192.0.2.1:25/", "https://192.0.2.1:8443/"):
            with pytest.raises(ForbiddenHostError):
                fetch(url)
        for url in ("http://192.0.2.1/", "https://192.0.2.1/", "http://192.0.2.1:443/"):
            with pytest.raises(FetchError, match="private network"):
                fetch(url)

    @pytest.mark.parametrize(
        ("content_type", "body", "title"),
        [
            ("text/html; charset=utf-8", "<title>Привет</title>".encode(), "Привет"),
            ("text/html", "<title>Привет</title>".encode(), "Привет"),
            ("Text/HTML; Charset=Windows-1251", "<title>Привет</title>".encode("cp1251"), "Привет"),
            ("text/html", '<meta charset="koi8-r"><title>Привет</title>'.encode("koi8-r"), "Привет"),
            ("text/html; charset=punycode", b"<title>a</title>", "a"),
            ("text/html; charset=gbnothing", b"<title>a</title>", "a"),
            ("text/html", b"<title>\xff\x00a</title>", "\ufffda"),
        ],
    )
    def test_reads_the_encoding_of_the_page(
        self, content_type: str, body: bytes, title: str, other_site: StubServer
    ) -> None:
        other_site.answer("/a", body=body + f'<a href="{TARGET}">'.encode(), Content_Type=content_type)
        assert find_link(fetch(other_site.url("/a")), TARGET) == Quotation(title, "")

    def test_reads_no_more_than_a_megabyte(self, other_site: StubServer) -> None:
        other_site.answer("/a", body=b" " * 2**21, Content_Type="text/html")
        assert len(fetch(other_site.url("/a")).text) == 2**20

    def test_decompresses_nothing(self, other_site: StubServer) -> None:
        other_site.answer("/a", body=b"\x1f\x8b" * 9, Content_Type="text/html", Content_Encoding="gzip")
        assert len(fetch(other_site.url("/a")).text) == 18
        assert other_site.headers[0]["Accept-Encoding"] == "identity"


class TestHostilePages:
    @given(
        st.text(),
        st.lists(st.text(max_size=200), max_size=5),
        st.sampled_from([HTML, "application/json", "text/plain", "image/png", ""]),
    )
    def test_cause_no_error(self, text: str, links: list[str], media_type: str) -> None:
        each = page(text, *links, media_type=media_type)
        find_endpoint(each)
        find_link(each, TARGET)

    @given(
        st.lists(
            st.sampled_from(
                [
                    f'<a href="{TARGET}">',
                    "<!--",
                    "-->",
                    "<",
                    ">",
                    "'",
                    '"',
                    "=",
                    "a",
                    " ",
                    "/",
                    "<p>",
                    "<script>",
                    "</script>",
                    "&#x202e;",
                    "&",
                ]
            )
        )
    )
    def test_made_of_parts_cause_no_error(self, parts: list[str]) -> None:
        found = find_link(page("".join(parts)), TARGET)
        assert found is None or (len(found.text) < 400 and "\u202e" not in found.text)

    @pytest.mark.parametrize(
        "part",
        [
            "<a ",
            "<!--",
            "<a b",
            "<a href=",
            '<a href="',
            "<p><a href=x>",
            "a",
            "<",
            "&",
            "&#",
            "<script>",
            "</",
            "<title>",
            "<a b='c' ",
            "x=y ",
        ],
    )
    @pytest.mark.parametrize("before", ["", "<a "])
    def test_take_linear_time(self, before: str, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda text: find_link(page(text), TARGET), before + part * 5_000)
        assert grows_with_length(lambda text: find_endpoint(page(text)), before + part * 5_000)

    def test_take_linear_time_with_long_urls(self, grows_with_length: GrowsWithLength) -> None:
        def read(length: str) -> object:
            links = '<a href="x">' * (len(length) // 10)
            return find_link(page(f'<base href="/{length}">{links}'), TARGET)

        assert grows_with_length(read, "u" * 125_000)

    @pytest.mark.parametrize("part", ["<a>;", "<", '<a>;b="', "<a>;b", "<a> ", ";rel="])
    def test_take_linear_time_with_their_headers(self, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda text: find_endpoint(page("", text)), part * 5_000)

    def test_may_be_nested_to_any_depth(self) -> None:
        assert find_link(page("[" * 100_000, media_type="application/json"), TARGET) is None
        assert find_link(page("<div>" * 100_000 + f'<a href="{TARGET}">'), TARGET) is not None
