"""The dictionary of a site, with which browsers that have it get much smaller pages (RFC 9842)."""

import hashlib
from base64 import b64encode

import pytest
import zstandard
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blog.models import Post
from media.pictures import store_picture
from tests.factories import CommentFactory, PostFactory, at
from tests.factories.files import picture_file
from tests.factories.reader import Reader, Response

PATH = "/dictionary.txt"
NEWS = "/2020/05/17/news/"
TEXT = " ".join(f"Sentence {number} of a text about something." for number in range(60))


@pytest.fixture
def post(db: None) -> Post:
    PostFactory(title="Older", source=TEXT, published_at=at(2020, 5, 16))
    return PostFactory(title="News", source=f"A beginning. {TEXT}", published_at=at(2020, 5, 17))


@pytest.fixture
def reader(post: Post) -> Reader:
    return Reader()


def name_of(content: bytes) -> str:
    return f":{b64encode(hashlib.sha256(content).digest()).decode()}:"


def get_with(
    reader: Reader, content: bytes, path: str = NEWS, accept_encoding: str = "gzip, br, zstd, dcz"
) -> Response:
    """Request a page as a browser that has `content` as its dictionary."""
    return reader.get(path, accept_encoding=accept_encoding, available_dictionary=name_of(content))


def decode(response: Response, content: bytes) -> bytes:
    """Return the page in a response with the encoding `dcz`, as a browser does."""
    assert response.headers["Content-Encoding"] == "dcz"
    magic, digest, compressed = response.body[:8], response.body[8:40], response.body[40:]
    assert magic == b"\x5e\x2a\x4d\x18\x20\x00\x00\x00"
    assert digest == hashlib.sha256(content).digest()
    dictionary = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(compressed)


class TestTheDictionary:
    def test_is_named_by_pages_and_by_nothing_else(self, reader: Reader) -> None:
        for path in ("/", NEWS):
            assert reader.get(path).headers["Link"] == f'<{PATH}>; rel="compression-dictionary"'
        for path in ("/feed/", "/nothing/", PATH):
            assert "Link" not in reader.get(path).headers

    def test_is_for_all_pages_and_only_cached_by_browsers(self, reader: Reader) -> None:
        headers = reader.get(PATH).headers
        assert headers["Use-As-Dictionary"] == 'match="/*", match-dest=("document")'
        assert headers["Cache-Control"] == "private, max-age=86400"
        assert headers["X-Robots-Tag"] == "noindex"
        assert reader.get(PATH, if_none_match=headers["ETag"]).status == 304

    @pytest.mark.django_db(transaction=True)
    def test_changes_with_the_posts_and_not_with_each_comment(self, reader: Reader) -> None:
        for post in Post.objects.all():
            CommentFactory.create_batch(2, entry=post)
        first = reader.get(PATH).body
        for post in Post.objects.all():
            CommentFactory.create_batch(2, entry=post, text="First line.\n\nSecond line.")
        assert reader.get(PATH).body == first
        PostFactory(title="Another", source="Something else")
        assert reader.get(PATH).body != first
        assert reader.rendered == [PATH] * 3

    def test_has_nothing_that_needs_a_password(self, reader: Reader, post: Post) -> None:
        PostFactory(title="Locked", source="Behind the password", password="secret")
        assert "Behind the password" not in reader.get(PATH).text

    def test_takes_one_query_for_the_pictures_in_all_texts(self, client: Client, post: Post) -> None:
        def count_queries() -> int:
            # The first request after a change reads the settings as well.
            for _again in range(2):
                with CaptureQueriesContext(connection) as queries:
                    client.get(PATH, headers={"cache-control": "no-store"})
            return len(queries)

        before = count_queries()
        for number in range(3):
            picture = store_picture(picture_file())
            PostFactory(title=f"Picture {number}", source=f"![A lamp]({picture.file.url})")
        assert count_queries() == before + 1

    def test_needs_at_least_one_post(self, reader: Reader) -> None:
        Post.objects.all().delete()
        response = reader.get(PATH)
        assert (response.status, response.body) == (204, b"")
        assert "Use-As-Dictionary" not in response.headers
        assert get_with(reader, b"", "/").headers["Content-Encoding"] == "br"


class TestPagesForBrowsersThatHaveIt:
    def test_are_the_same_pages_in_much_fewer_bytes(self, reader: Reader) -> None:
        content = reader.get(PATH).body
        for path in (NEWS, "/", "/2020/", "/nothing/"):
            plain = reader.get(path)
            for _again in range(2):
                page = get_with(reader, content, path)
                assert decode(page, content) == plain.body
                assert page.headers["ETag"] == plain.headers["ETag"]
                assert page.headers["Vary"] == "Accept-Encoding, Available-Dictionary"
                assert int(page.headers["Content-Length"]) == len(page.body)
        assert len(get_with(reader, content).body) < len(reader.get(NEWS, accept_encoding="br").body) / 2

    def test_are_rendered_once(self, reader: Reader) -> None:
        content = reader.get(PATH).body
        get_with(reader, content)
        reader.get(NEWS)
        assert reader.rendered == [PATH, NEWS]

    @pytest.mark.django_db(transaction=True)
    def test_are_small_as_soon_as_something_has_changed(self, reader: Reader, post: Post) -> None:
        CommentFactory(entry=post)
        CommentFactory(entry=Post.objects.get(title="Older"))
        content = reader.get(PATH).body
        reader.get(NEWS)
        CommentFactory(entry=post, text="Well said")
        assert b"Well said" in decode(get_with(reader, content), content)

    def test_come_from_any_process(self, reader: Reader) -> None:
        content = reader.get(PATH).body
        other = Reader()
        assert decode(get_with(other, content), content) == reader.get(NEWS).body

    @pytest.mark.parametrize("encodings", ["br", "br, dcz;q=0", "br, dcb", "", "gzip, xdcz"])
    def test_are_only_for_browsers_that_accept_them(self, reader: Reader, encodings: str) -> None:
        content = reader.get(PATH).body
        assert get_with(reader, content, accept_encoding=encodings).headers["Content-Encoding"] != "dcz"

    @pytest.mark.parametrize("name", [":AAAA:", "", ":", "\x00", name_of(b"another")])
    def test_are_not_for_other_dictionaries(self, reader: Reader, name: str) -> None:
        page = reader.get(NEWS, accept_encoding="br, dcz", available_dictionary=name)
        assert page.headers["Content-Encoding"] == "br"

    def test_are_not_feeds(self, reader: Reader) -> None:
        content = reader.get(PATH).body
        assert get_with(reader, content, "/feed/").headers["Content-Encoding"] == "br"
