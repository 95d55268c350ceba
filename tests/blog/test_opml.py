"""Link lists from other programs become sidebar blocks, which can be exported to files that other programs read."""

from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from accounts.models import User
from blog.appearance.blocks import MAX_BLOCKS, default_blocks
from blog.appearance.documents import read
from blog.appearance.options import MAX_LINKS
from blog.models import SiteAppearance
from blog.opml import MAX_OPML_BYTES, OPMLError, link_blocks, read_opml, write_opml

URL = "/admin/blog/siteappearance/1/change/"
# In the form that WordPress writes at /wp-links-opml.php.
WORDPRESS = """<?xml version="1.0"?>
<opml version="1.0">
	<head><title>Links for Old blog</title><dateCreated>Mon, 02 Mar 2020 10:00:00 GMT</dateCreated></head>
	<body>
<outline type="category" title="Friends">
	<outline text="R&amp;D &lt;b&gt;" type="link" xmlUrl="" htmlUrl="https://friends.example/?a=1&amp;b=2" updated="" />
	<outline text="صديق" type="link" xmlUrl="https://songs.example/feed" htmlUrl="https://songs.example/" updated="" />
</outline>
<outline type="category" title="Songs">
	<outline text="The songs again" type="link" htmlUrl="https://songs.example/" />
	<outline text="By ship" type="link" htmlUrl="ftp://ships.example/" />
	<outline text="Script" type="link" htmlUrl="javascript:alert(1)" />
	<outline text="Archive" type="link" htmlUrl="http://archive.example/" />
</outline>
	</body>
</opml>
"""


def opml(*links: str) -> bytes:
    return f"<opml version='2.0'><body>{''.join(links)}</body></opml>".encode()


def link(number: int, title: str = "x") -> str:
    return f'<outline text="{title}" htmlUrl="https://a.example/{number}"/>'


def block(title: str, links: str) -> dict[str, Any]:
    return {"kind": "links", "title": title, "options": {"links": links}}


class TestReading:
    def test_each_category_is_a_list_and_each_link_is_in_one(self) -> None:
        found = read_opml(WORDPRESS.encode())
        assert {title: [tuple(each) for each in links] for title, links in found.links.items()} == {
            "Friends": [("R&D <b>", "https://friends.example/?a=1&b=2"), ("صديق", "https://songs.example/")],
            "Songs": [("Archive", "http://archive.example/")],
        }
        assert found.left_out == [
            "2 links don't lead to websites and were left out.",
            "1 repeated link was left out.",
        ]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "koi8-r"])
    def test_any_encoding_that_is_declared(self, encoding: str) -> None:
        title = "Pesen" if encoding != "koi8-r" else "Песни"
        document = WORDPRESS.replace("صديق", title)
        if encoding not in {"utf-8-sig", "utf-16"}:
            document = document.replace('"1.0"?', f'"1.0" encoding="{encoding}"?')
        (_first, second), _songs = read_opml(document.encode(encoding)).links.values()
        assert second.title == title

    def test_lists_of_feed_readers(self) -> None:
        feeds = '<outline text="A" type="rss" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"/>'
        only = '<outline text="B" type="rss" xmlUrl="https://b.example/feed"/>'
        found = read_opml(opml('<outline text="News"><outline text="World">', feeds, "</outline></outline>", only))
        assert {title: [each.url for each in links] for title, links in found.links.items()} == {
            "World": ["https://a.example/"],
            "": ["https://b.example/feed"],
        }

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "The file can't be read"),
            (b"Friends: https://friends.example/", "The file can't be read"),
            (b"<opml><body>", "The file can't be read"),
            (
                b'<opml><body><outline text="\xe9" htmlUrl="https://a.example/"/></body></opml>',
                "The file can't be read",
            ),
            (b'<?xml version="1.0" encoding="x-unknown"?><opml/>', "The file can't be read"),
            (b"<html><body>Not found</body></html>", "There are no links to websites in the file."),
            (b" " * (MAX_OPML_BYTES + 1), "The file is too large"),
        ],
    )
    def test_other_files_are_refused(self, content: bytes, message: str) -> None:
        with pytest.raises(OPMLError, match=message):
            read_opml(content)

    @pytest.mark.parametrize(
        "declared",
        [
            '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
            '<!ENTITY b SYSTEM "file:///etc/passwd">',
            '<!ENTITY % c SYSTEM "https://evil.example/x.dtd"> %c;',
        ],
    )
    def test_entities_are_never_resolved(self, declared: str) -> None:
        outline = '<outline text="&b;" htmlUrl="https://a.example/"/>'
        content = f"<!DOCTYPE opml [{declared}]>".encode() + opml(outline)
        with pytest.raises(OPMLError, match="document type"):
            read_opml(content)

    def test_deeply_nested_lists_take_no_longer(self) -> None:
        assert read_opml(opml("<outline>" * 50_000, link(1), "</outline>" * 50_000)).links

    @given(st.binary(max_size=300))
    def test_any_content_is_read_or_refused(self, content: bytes) -> None:
        with suppress(OPMLError):
            assert read_opml(content).links

    def test_lines_can_be_edited(self) -> None:
        content = opml('<outline text=" a&#10;b\u202e " htmlUrl=" https://a.example/x y "/>')
        (made,) = link_blocks(read_opml(content), below=[])
        (read_again,) = read({"blocks": [made]}).blocks
        assert read_again == made
        assert made["options"]["links"].endswith(" https://a.example/x%20y")


class TestBlocks:
    def test_have_no_more_links_than_fit(self) -> None:
        lists = read_opml(opml(*map(link, range(MAX_LINKS + 2))))
        (made,) = link_blocks(lists, below=[])
        assert len(made["options"]["links"].splitlines()) == MAX_LINKS
        assert lists.left_out == ["2 links of “Links” don't fit into a block and were left out."]
        assert read({"blocks": [made]}).blocks == [made]

    def test_are_no_more_than_fit_in_the_sidebar(self) -> None:
        lists = read_opml(opml(*(f'<outline text="{n}">{link(n)}</outline>' for n in range(5))))
        assert len(link_blocks(lists, below=[block(str(n), "") for n in range(MAX_BLOCKS - 2)])) == 2
        assert lists.left_out == ["3 links were left out, because the sidebar can't have more blocks."]

    def test_leave_out_links_that_exist_already(self) -> None:
        lists = read_opml(opml(link(1), link(2, "y")))
        assert link_blocks(lists, below=[block("Ours", "Mine https://a.example/1")]) == [
            block("", "y https://a.example/2")
        ]
        assert lists.left_out == ["1 link is in the sidebar already."]


class TestWriting:
    def test_what_is_written_can_be_read(self) -> None:
        blocks = [
            block("A & <b>", "R&D https://a.example/?a=1&b=2\nhttps://b.example/"),
            block("", "c http://c.example/"),
        ]
        content = write_opml("Ours \x0b<&>", [*blocks, {"kind": "meta", "title": "", "options": {}}, block("x", "")])
        assert link_blocks(read_opml(content), below=[]) == [
            block("A & <b>", "R&D https://a.example/?a=1&b=2\nhttps://b.example/ https://b.example/"),
            block("Links", "c http://c.example/"),
        ]


@pytest.mark.django_db
class TestCommand:
    def run(self, path: Path) -> str:
        out = StringIO()
        call_command("import_links", str(path), stdout=out)
        return out.getvalue()

    def test_adds_blocks_to_the_draft_once(self, tmp_path: Path) -> None:
        path = tmp_path / "links.opml"
        path.write_text(WORDPRESS)
        assert "3 links were added to the draft of the appearance." in self.run(path)
        row = SiteAppearance.current()
        blocks = read(row.draft).blocks
        assert [each["kind"] for each in blocks] == [*(each["kind"] for each in default_blocks()), "links", "links"]
        assert [each["title"] for each in blocks[-2:]] == ["Friends", "Songs"]
        # Readers see it when the owner says so.
        assert read(row.document).blocks == []
        assert "Nothing was changed." in self.run(path)
        assert read(SiteAppearance.current().draft).blocks == blocks

    def test_says_what_is_wrong_with_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="No such file"):
            self.run(tmp_path / "none.opml")
        (tmp_path / "links.opml").write_text("<x/>")
        with pytest.raises(CommandError, match="There are no links"):
            self.run(tmp_path / "links.opml")


@pytest.mark.django_db
class TestAppearancePage:
    @pytest.fixture
    def client(self, owner: User) -> Client:
        client = Client()
        client.force_login(owner)
        return client

    def send(self, client: Client, content: bytes | None, **fields: Any) -> Any:
        """Submit the form as it is, with a file for the button that adds its links."""
        tree: Any = html.document_fromstring(client.get(URL).content)
        (form,) = [form for form in tree.forms if form.get("id") == "siteappearance_form"]
        data: dict[str, Any] = {}
        for name, value in form.form_values():
            data.setdefault(name, []).append(value)
        file = {} if content is None else {"opml": SimpleUploadedFile("links.opml", content)}
        data.pop("opml", None)
        return client.post(URL, {**data, **file, "do": "opml", **fields})

    def test_adds_the_links_of_a_file_to_the_form(self, client: Client) -> None:
        response = self.send(client, WORDPRESS.encode(), accent="#7a2048")
        page = response.content.decode()
        assert "3 links are in new blocks of the sidebar below. They aren&#x27;t saved yet." in page
        assert "2 links don&#x27;t lead to websites and were left out." in page
        assert SiteAppearance.current().draft is None
        form = response.context["form"]
        assert form["accent"].value() == "#7a2048"
        assert [each["title"] for each in form["blocks"].value()][-2:] == ["Friends", "Songs"]
        assert [each["kind"] for each in form["blocks"].value()][:-2] == [each["kind"] for each in default_blocks()]

    @pytest.mark.parametrize(
        ("content", "message"), [(None, "Choose a file first."), (b"x", "The file can&#x27;t be read")]
    )
    def test_says_what_is_wrong_with_a_file(self, client: Client, content: bytes | None, message: str) -> None:
        assert message in self.send(client, content).content.decode()

    def test_offers_the_links_of_the_sidebar_as_a_file(self, client: Client, publish_appearance: Any) -> None:
        address = "/admin/blog/siteappearance/links.opml"
        assert address not in client.get(URL).content.decode()
        publish_appearance(blocks=[block("Friends", "A https://a.example/")])
        assert address in client.get(URL).content.decode()
        response = client.get(address)
        assert response.headers["Content-Disposition"] == 'attachment; filename="links.opml"'
        assert read_opml(response.content).links == {"Friends": [("A", "https://a.example/")]}
