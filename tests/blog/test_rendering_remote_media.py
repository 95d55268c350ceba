"""Images, players and embedded pages: no request goes to another host."""

import pytest

from blog.rendering import render

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def body(source: str) -> str:
    return render(source, "html").body_html


def link(url: str, text: str = "") -> str:
    return f'<a class="remote-media" href="{url}" rel="noopener">{text or url}</a>'


class TestImages:
    @pytest.mark.parametrize(
        "source", ["/a.png", "a.png", "../a.png", "http://testserver/a.png", "HTTP://TESTSERVER/a"]
    )
    def test_of_this_site_stay_and_load_lazily(self, source: str) -> None:
        html = body(f'<img class="alignleft size-medium x" src="{source}" alt="A" width="300" height="20">')
        assert html.startswith('<img class="alignleft size-medium" src="')
        assert html.endswith('alt="A" width="300" height="20" loading="lazy" decoding="async">')

    def test_without_a_description_are_marked_as_decoration(self) -> None:
        assert ' alt="" ' in body('<img src="/a.png">')

    @pytest.mark.parametrize(
        "source",
        [
            "https://example.org/p/a%20b.jpg?w=300",
            "//example.org/p/a%20b.jpg?w=300",
            "\\\\example.org/p/a%20b.jpg?w=300",
            "https:example.org/p/a%20b.jpg?w=300",
            "&#9;//example.org/p/a%20b.jpg?w=300",
        ],
    )
    def test_of_other_hosts_become_links(self, source: str) -> None:
        url = "https://example.org/p/a%20b.jpg?w=300"
        assert body(f'<img src="{source}" alt="The laureate">') == link(url, "The laureate")
        assert body(f'<img src="{source}">') == link(url, "a b.jpg")

    @pytest.mark.parametrize("host", ["testserver.example.org", "testserver@example.org", "example.org\\@testserver"])
    def test_of_hosts_with_similar_names_become_links(self, host: str) -> None:
        assert "<img" not in body(f'<img src="http://{host}/a.png">')

    def test_in_a_link_keep_the_link(self) -> None:
        assert body('<a href="/big"><img src="https://example.org/a.jpg" alt="A"></a>') == '<a href="/big">A</a>'

    @pytest.mark.parametrize("href", ["", ' href=""', ' href=" # "'])
    def test_in_a_link_that_leads_nowhere_give_it_their_url(self, href: str) -> None:
        assert body(f'<a id="x"{href}><img src="https://example.org/a.jpg" alt="A"></a>') == (
            '<a id="x" href="https://example.org/a.jpg" rel="noopener">A</a>'
        )

    @pytest.mark.parametrize("source", ["data:image/png;base64,AA", "blob:x", "javascript:alert(1)", "", "mailto:a"])
    def test_without_a_usable_url_become_their_description(self, source: str) -> None:
        assert body(f'<p>x <img src="{source}" alt="A"></p>') == "<p>x A</p>"
        assert body(f'<p>x <img src="{source}"></p>') == "<p>x </p>"

    @pytest.mark.parametrize("url", ["/p/a.jpg", "https://example.org/p/a.jpg"])
    def test_without_a_usable_url_become_the_name_of_the_file_they_link_to(self, url: str) -> None:
        placeholder = f'<a href="{url}"><img src="data:image/gif;base64,AA"></a>'
        rel = ' rel="noopener"' if url.startswith("https") else ""
        assert body(placeholder) == f'<a href="{url}"{rel}>a.jpg</a>'
        assert body(placeholder.replace("</a>", " B</a>")) == f'<a href="{url}"{rel}> B</a>'

    @pytest.mark.parametrize(
        "image",
        [
            '<img src="https://www.assoc-amazon.com/e/ir?t=x&amp;l=ur2" width="1" height="1px" alt="Amazon">',
            '<img src="http://stats.wordpress.com/b.gif?host=a.wordpress.com&amp;blog=1">',
            '<img src="http://img.zemanta.com/pixy.gif?x-id=2f4be536" style="border:none;float:right" alt="">',
        ],
    )
    def test_that_count_readers_are_removed(self, image: str) -> None:
        assert body(f"<p>x{image} y</p>") == "<p>x y</p>"
        assert body(f'<a href="https://example.org/">{image}</a>') == ""
        assert body(f'<a href="https://example.org/">x{image}</a>').count("<a ") == 1

    def test_that_are_small_stay_links(self) -> None:
        assert body('<img src="https://example.org/line.png" width="1" height="90">') == (
            link("https://example.org/line.png", "line.png")
        )

    @pytest.mark.parametrize("placeholder", ["", ' src=""', ' src="data:image/gif;base64,AA"'])
    @pytest.mark.parametrize("name", ["data-src", "data-lazy-src", "data-original"])
    def test_that_a_script_would_load_are_shown(self, placeholder: str, name: str) -> None:
        late = f'<img{placeholder} {name}="/a.png" alt="A">'
        copy = '<noscript><img src="/a.png?w=300" alt="A"></noscript>'
        shown = {text: body(f"<p>{text}</p>") for text in (late, late + copy, f"{copy}\n{late}", f"{copy} B {late}")}
        assert [html.count('src="/a.png"') for html in shown.values()] == [1, 0, 0, 1]
        assert [html.count("<img") for html in shown.values()] == [1, 1, 1, 2]

    def test_have_no_alternative_sources(self) -> None:
        html = body(
            '<picture><source srcset="//example.org/a.webp"><img src="/a.png" alt="" srcset="//example.org/a 1x"'
            ' sizes="1px" data-src="//example.org/b" lowsrc="//example.org/c"></picture>'
        )
        assert html == '<img src="/a.png" alt="" loading="lazy" decoding="async">'

    def test_keep_the_classes_of_their_captions(self) -> None:
        source = '<div class="wp-caption alignright"><p class="wp-caption-text">A</p></div>'
        assert body(source) == source

    def test_keep_obsolete_alignment_as_a_class(self) -> None:
        assert 'class="alignright"' in body('<img align="right" src="/a.png">')


class TestPlayers:
    def test_of_this_site_stay_and_load_nothing_until_started(self) -> None:
        assert body('<video src="/a.mp4" autoplay loop poster="//example.org/p.jpg" width="4"></video>') == (
            '<video src="/a.mp4" width="4" controls="" preload="none"></video>'
        )
        assert body('<audio><source src="/a.ogg" type="audio/ogg"><p>x</p></audio>') == (
            '<audio controls="" preload="none"><source src="/a.ogg" type="audio/ogg"><p>x</p></audio>'
        )

    def test_keep_only_sources_of_this_site(self) -> None:
        assert body('<video><source src="/a.mp4"><source src="//example.org/a.mp4"></video>') == (
            '<video controls="" preload="none"><source src="/a.mp4"></video>'
        )

    def test_have_the_subtitles_and_the_picture_that_are_on_this_site(self) -> None:
        tracks = '<track kind="captions" srclang="ar" label="العربية" src="/a.vtt" default=""><track src="/b.vtt">'
        source = f'<video src="/a.mp4" poster="/p.jpg">{tracks}<track src="//example.org/c.vtt">Text</video>'
        assert body(source) == (f'<video src="/a.mp4" poster="/p.jpg" controls="" preload="none">{tracks}Text</video>')
        assert body('<video><track src="/a.vtt"></video>, <track src="/a.vtt">') == ", "

    def test_of_other_hosts_become_links(self) -> None:
        assert body('<audio src="https://example.org/talk.mp3">old browser</audio>') == (
            link("https://example.org/talk.mp3", "talk.mp3")
        )
        assert body('<video title="A talk"><source src="https://example.org/1"><source src="/\\x/2"></video>') == (
            link("https://example.org/1", "A talk")
        )

    def test_without_a_source_become_their_content(self) -> None:
        assert body('<video src="data:x"><a href="/a.mp4">the video</a></video>') == '<a href="/a.mp4">the video</a>'


class TestEmbeds:
    def test_become_a_link_in_a_paragraph(self) -> None:
        assert body('<iframe src="https://example.org/embed/1" width="560">x</iframe>') == (
            f"<p>{link('https://example.org/embed/1')}</p>"
        )

    def test_in_running_text_become_a_link(self) -> None:
        assert body('<p>x <iframe src="//example.org/1"></iframe> y</p>') == (
            f"<p>x {link('https://example.org/1')} y</p>"
        )

    def test_of_an_old_video_become_one_link(self) -> None:
        source = (
            '<object width="4"><param name="movie" value="http://example.org/v/1"></param>'
            '<embed src="http://example.org/v/1" type="application/x-shockwave-flash"></embed></object>'
        )
        assert body(source) == f"<p>{link('http://example.org/v/1')}</p>"

    def test_of_an_old_video_become_one_link_whatever_their_parameters(self) -> None:
        source = (
            '<object width="4"><param name="movie" value="http://example.org/v/1&hl=en&fs=1">'
            '<embed src="http://example.org/v/1?fs=1" type="application/x-shockwave-flash"></embed></object>'
        )
        url = "http://example.org/v/1&amp;hl=en&amp;fs=1"
        assert body(source) == f"<p>{link(url)}</p>"

    def test_keep_their_other_content(self) -> None:
        assert body('<p><object data="http://example.org/a.pdf">No <b>viewer</b>.</object></p>') == (
            f"<p>{link('http://example.org/a.pdf')}No <b>viewer</b>.</p>"
        )

    def test_nested_deeply_around_the_same_link_become_one_link(self) -> None:
        url = "https://example.org/1"
        html = body(f'<object data="{url}">{"<object>" * 1_500}<a href="{url}">{url}</a>')
        assert html.count("<a ") == 1

    def test_without_a_web_url_are_removed(self) -> None:
        assert body('x<iframe src="javascript:alert(1)" srcdoc="<script>"></iframe><iframe></iframe>y') == "xy"

    def test_in_a_link_become_its_text(self) -> None:
        assert body('<a href="/a"><iframe src="//example.org/1"></iframe></a>') == (
            '<a href="/a">https://example.org/1</a>'
        )

    def test_next_to_images_are_all_found(self) -> None:
        html = body('<object><embed src="http://example.org/1"></object><img src="/a.png"><p><img src=/b.png></p>')
        assert link("http://example.org/1") in html
        assert html.count("<img") == 2

    def test_that_are_not_closed_do_not_hide_the_rest(self) -> None:
        assert body('<p>a</p><iframe src="https://example.org/1"><p>b</p>').endswith("<p>b</p>")
        assert body('<p>a <iframe src="https://example.org/1"> b</p>').endswith("</a> b</p>")
