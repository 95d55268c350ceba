"""Posts of other blogs that were reblogged at WordPress.com."""

from pathlib import Path

import pytest

from blog.models import Post
from tests.factories.types import ImportParts
from tests.factories.wxr import export, item, items, meta, write
from wordpress.wxr.records import Item

# WordPress counts a carriage return here that an XML reader removes, so the length of the text is wrong.
CONTENT = '<div class="reblogged-content">\n\nA "quoted" one;\nand <em>two</em>.</div>'
SNAPSHOT = (
    'O:8:"stdClass":4:{s:5:"title";s:13:"Tea &amp; <b>talk</b>";s:6:"format";b:0;s:9:"permalink";'
    f's:28:"https://other.example/tea?a=1&b";s:7:"content";s:{len(CONTENT) + 1}:"{CONTENT}";'
)


def reblog(snapshot: str = "", content: str = "My note.\n", **fields: str) -> str:
    fields = {"blog_id": "26744993", "post_id": "609", "is_reblog": "1", "_edit_last": "1"} | fields
    if snapshot:
        fields["reblog_snapshot"] = snapshot
    return item(content=content, inside=[meta(key, value) for key, value in fields.items()])


def read(folder: Path, part: str) -> Item:
    return items(write(folder, export(part)))["post", 7]


class TestReadingReblogs:
    @pytest.mark.parametrize("end", ["}", 's:15:"images_mirrored";i:4;}\n'])
    @pytest.mark.parametrize(("note", "before"), [("My note.\n", "My note.\n\n"), (" ", "")])
    def test_the_reblogged_post_is_quoted_below_the_note(
        self, tmp_path: Path, note: str, before: str, end: str
    ) -> None:
        found = read(tmp_path, reblog(SNAPSHOT + end, note))
        link = '<p><a href="https://other.example/tea?a=1&amp;b">Tea &amp; talk</a></p>'
        quote = f'<blockquote class="wpcom-reblog-snapshot">{link}\n{CONTENT}</blockquote>'
        assert (found.content, found.meta) == (before + quote, (("_edit_last", "1"),))

    @pytest.mark.parametrize("snapshot", ["", "O:8:", 'O:8:"stdClass":1:{s:9:"permalink";s:99:"https://other.example'])
    def test_without_its_text_it_is_linked_to_by_its_ids(self, tmp_path: Path, snapshot: str) -> None:
        url = "https://wp.me/p1OdAR-9P"
        quote = f'<blockquote class="wpcom-reblog-snapshot"><p><a href="{url}">{url}</a></p>\n</blockquote>'
        assert read(tmp_path, reblog(snapshot)).content == f"My note.\n\n{quote}"

    @pytest.mark.parametrize(
        ("content", "fields"),
        [
            ("My note.", {"blog_id": ""}),
            ("My note.", {"is_reblog": ""}),
            ('<div class="wpcom-reblog-snapshot">It is here.</div>', {}),
        ],
    )
    def test_other_posts_stay_as_they_are(self, tmp_path: Path, content: str, fields: dict[str, str]) -> None:
        found = read(tmp_path, reblog(content=content, **fields))
        assert (found.content, len(found.meta)) == (content, 4)


def test_readers_see_reblogged_posts(import_parts: ImportParts) -> None:
    import_parts(reblog(SNAPSHOT + "}"))
    html = Post.objects.get().body_html
    assert html.startswith("<p>My note.</p>\n<blockquote><p><a ")
    assert "<p>A “quoted” one;<br>" in html
