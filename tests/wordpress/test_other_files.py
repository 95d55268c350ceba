"""Files that are not WordPress exports: the message says what they are and what to do."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.import_jobs import export_file
from tests.factories.types import GrowsWithLength, Uploaded
from tests.factories.wxr import export, item, write
from wordpress.models import JobState
from wordpress.wxr.other_files import describe_archive, describe_file
from wordpress.wxr.reader import Export

_XML = b"<?xml version='1.0' encoding='UTF-8'?>\n<!-- made - by us -->\n"
_ATOM = b"<feed xmlns='http://www.w3.org/2005/Atom'"
_SQL = (
    b"CREATE TABLE `wp_posts` (\n  `ID` bigint\n);\nINSERT INTO `wp_posts` VALUES (1,'<?xml version=\"1.0\"?><rss>');\n"
)
_TAR = b"2014/03/a.png".ljust(257, b"\0") + b"ustar\x0000" + bytes(300)

FILES = {
    "comments of Disqus": (_XML + b'<disqus xmlns="http://disqus.com"><thread/></disqus>', "comments of Disqus"),
    "Blogger": (_XML + _ATOM + b"><id>tag:blogger.com,1999:blog-1.archive</id></feed>", "an export of Blogger"),
    "Blogger in Takeout": (
        _XML + _ATOM + b" xmlns:blogger='http://schemas.google.com/blogger/2018'><id>x</id></feed>",
        "an export of Blogger",
    ),
    "Atom feed": (_XML + _ATOM + b"><title>Notes</title></feed>", "a plain feed"),
    "RSS feed": (_XML + b"<rss version='2.0'><channel><title>Notes</title></channel></rss>", "a plain feed"),
    "links": (_XML + b'<opml version="1.0"><body/></opml>', "a list of links (OPML)"),
    "phpMyAdmin": (b"-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\n" + _SQL, "a copy of a database"),
    "mysqldump": (b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n" + _SQL, "a copy of a database"),
    "tables": (b"\n\nDROP TABLE IF EXISTS `wp_posts`;\n" + _SQL, "a copy of a database"),
    "database as XML": (_XML + b"<pma_xml_export version='1.0'/>", "a copy of a database"),
    "Tumblr's API": (_XML + b'<tumblr version="1.0"><posts/></tumblr>', "an export of Tumblr"),
    "LiveJournal": (_XML + b"<livejournal><entry/></livejournal>", "an export of LiveJournal"),
    "BlogML": (_XML + b'<blog xmlns="http://www.blogml.com/2006/09/BlogML"/>', "an export of BlogML"),
    "Joomla": (_XML + b'<j2xml version="19.2.0"/>', "an export of Joomla"),
    "Ghost": (b'{"db":[{"meta":{"exported_on":1388805572000,"version":"003"},"data":{}}]}', "an export of Ghost"),
    "new Ghost": (b'{\n "meta": {"exported_on": 1, "version": "5.1"}, "data": {}}', "an export of Ghost"),
    "Movable Type": (
        b"AUTHOR: Rosa\r\nTITLE: A title\r\nCONVERT BREAKS: 1\r\n-----\r\nBODY:\r\nText\r\n-----\r\n--------\r\n",
        "an export of Movable Type",
    ),
    "Dotclear": (b"///DOTCLEAR|2.24|single\n\n[post blog_id,post_id]\n", "an export of Dotclear"),
    "media library": (_TAR, "an archive of files"),
    "nothing": (b"", "Download it again"),
    "half a file": (export(item(7))[:-30].encode(), "download it again"),
}
ARCHIVES = {
    "Substack": (("email_list.csv", "posts.csv", "posts/1.a-title.html"), "an export of Substack"),
    "Medium": (("README.html", "claps/claps-0001.html", "posts/2019-01-02_A-title-1a2b.html"), "an export of Medium"),
    "Medium in a folder": (("x/bookmarks/bookmarks-0001.html", "x/posts/b.html"), "an export of Medium"),
    "Tumblr": (("media/1.jpg", "posts/html/1.html", "posts/posts_index.html"), "an export of Tumblr"),
    "database": (("backup/wordpress.sql",), "a copy of a database"),
    "others": (("a.html", "claps/b.html", "posts/b.html"), "there is no XML file"),
}


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        for name in names:
            files.writestr(name, "text")
    return packed.getvalue()


def message(path: Path) -> str:
    with pytest.raises(CommandError) as error:
        call_command("import_wordpress", path, verbosity=0)
    return str(error.value)


@pytest.mark.django_db
class TestOnTheCommandLine:
    @pytest.mark.parametrize("kind", FILES)
    def test_the_message_says_what_a_file_is(self, tmp_path: Path, kind: str) -> None:
        content, expected = FILES[kind]
        path = write(tmp_path, content)
        assert expected in message(path)
        assert "\n" not in message(path)
        assert message(path).startswith(str(path))

    @pytest.mark.parametrize("kind", ARCHIVES)
    def test_the_message_says_what_an_archive_is(self, tmp_path: Path, kind: str) -> None:
        names, expected = ARCHIVES[kind]
        path = write(tmp_path, archive(*names), "export.zip")
        assert expected in message(path)
        assert message(path).startswith(str(path))

    @pytest.mark.parametrize("kind", ["Ghost", "mysqldump", "Blogger"])
    def test_compressed_files_are_recognised(self, tmp_path: Path, kind: str) -> None:
        content, expected = FILES[kind]
        assert expected in message(write(tmp_path, gzip.compress(content), "file.gz"))

    def test_files_with_a_byte_order_mark_are_recognised(self, tmp_path: Path) -> None:
        content, expected = FILES["comments of Disqus"]
        assert expected in message(write(tmp_path, b"\xef\xbb\xbf" + content))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["comments of Disqus", "phpMyAdmin", "Ghost", "Movable Type"])
def test_the_admin_says_the_same(uploaded: Uploaded, kind: str) -> None:
    owner_client = client_of(UserFactory(is_staff=True, is_superuser=True))
    content, expected = FILES[kind]
    job = uploaded(owner_client, export_file(content))
    assert job.state == JobState.REJECTED
    page = owner_client.get(job.get_absolute_url()).content.decode()
    assert expected in page
    assert "Nothing was imported." in page


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        "PHP Warning: mysqli_query(): MySQL server has gone away, INSERT INTO wp_options\n",
        "<!-- CREATE TABLE, tag:blogger.com -->\n",
    ],
)
def test_exports_that_mention_other_programs_are_read(tmp_path: Path, before: str) -> None:
    content = "<disqus> <opml> INSERT INTO CREATE TABLE tag:blogger.com ///DOTCLEAR|"
    document = export(item(7, content=content), title="AUTHOR: Rosa")
    head, rest = document.split("\n", 1)
    whole = before + document if not before.startswith("<!--") else f"{head}\n{before}{rest}"
    assert sum(1 for _record in Export(write(tmp_path, whole)).records()) == 2


@pytest.mark.parametrize("start", ["<feed ", "-- ", "A: b\n", "{", "<?xml?><!-- -- ", '{"meta":{', "<blog ", "CREATE "])
@pytest.mark.parametrize("unit", ["A: <!-- -", "A: b\n", " ", "<", '"meta":{', "-- "])
def test_recognising_a_file_takes_linear_time(start: str, unit: str, grows_with_length: GrowsWithLength) -> None:
    # As many bytes as are looked at.
    assert grows_with_length(lambda text: describe_file(text.encode()), (start + unit * 64 * 1024)[: 64 * 1024])


@pytest.mark.parametrize("name", ["claps/b.html", "claps/a-", "posts/html", "payload-1", "a.sql.", "/posts.csv/"])
def test_recognising_an_archive_takes_linear_time(name: str, grows_with_length: GrowsWithLength) -> None:
    assert grows_with_length(lambda text: describe_archive(text.split("\n")), f"{name}\n" * 20_000)
