"""Tables of the plugin TablePress are shown in the texts that refer to them, and exported again as they were."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from blog.models import Post
from blog.rendering import render
from blog.rerendering import RerenderResult, rerender
from tests.factories.files import write_files
from tests.factories.types import GrowsWithLength, ImportParts
from tests.factories.wxr import attachment, export, exported, item, items, meta, page, write
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Outcome, Report
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.markup.tables import expand_tables, table_key
from wordpress.models import Attachment, PreservedData, fingerprint
from wordpress.wxr.records import TABLE

pytestmark = pytest.mark.django_db

type Shown = Callable[..., str]

ROWS = [["Year", "Place"], ["2013", "<b>Cairo</b>\nEgypt"], ["2014", "Sent\xado &amp; 'x"]]
HTML = (
    "<table><thead><tr><th>Year</th><th>Place</th></tr></thead>"
    "<tbody><tr><td>2013</td><td><b>Cairo</b><br>Egypt</td></tr>"
    "<tr><td>2014</td><td>Sent\xado &amp; ‘x</td></tr></tbody></table>"
)


def table(
    id: int = 40,  # noqa: A002  # WordPress's word for it
    *,
    rows: Any = ROWS,
    table_id: str = "5",
    **values: Any,
) -> str:
    """Return a table in TablePress's format."""
    fields = [meta("_tablepress_export_table_id", table_id)] if table_id else []
    fields.append(meta("_tablepress_table_options", '{"table_head":true,"table_foot":false}'))
    return item(id, **{"post_type": TABLE, "title": "Events", "content": json.dumps(rows), "inside": fields, **values})


@pytest.fixture
def shown(db: None) -> Shown:
    """Return a function that preserves a table and renders a source."""

    def shown(source: str, rows: Any = ROWS, *, title: str = "Events", excerpt: str = "", **options: Any) -> str:
        elements = {"title": title, "excerpt:encoded": excerpt, "content:encoded": json.dumps(rows)}
        meta = [[f"_tablepress_table_{name}", json.dumps(value)] for name, value in options.items()]
        fields = {"elements": {**elements, "wp:status": "publish"}, "meta": meta}
        PreservedData.objects.create(kind=PreservedData.Kind.ITEM, key=table_key("5"), fields=fields)
        return render(source, "wordpress").body_html.replace("\n", "")

    return shown


class TestShortcodes:
    @pytest.mark.parametrize(
        "source",
        [
            "[table id=5 /]",
            '[table id="5"]',
            "[TABLE=5]",
            '[table "5" /]',
            "<p>[table id=5 responsive=scroll /]</p>",
            "<!-- wp:shortcode -->\n[table id=5 /]\n<!-- /wp:shortcode -->",
            '<!-- wp:tablepress/table {"id":"5"} -->\n[table id=5 /]\n<!-- /wp:tablepress/table -->',
            '<!-- wp:tablepress/table {"id":"5","align":"wide"} /-->',
        ],
    )
    def test_are_replaced_with_the_table(self, shown: Shown, source: str) -> None:
        assert shown(source) == HTML

    @pytest.mark.parametrize(
        "source",
        [
            *("[table]a,b[/table]", "[table id=6]a,b[/table]", "[table 6]", "<code>[table id=5 /]</code>"),
            *("<code>[table id=6 /]</code>", "[[table id=5 /]]", "[[table id=6 /]]", "[tables id=5]"),
            "[Table id=5] [table]",
        ],
    )
    def test_of_other_plugins_and_in_code_stay_as_text(self, shown: Shown, source: str) -> None:
        assert shown(source) == f"<p>{source}</p>"

    @pytest.mark.parametrize(
        "source",
        [
            *("[table id=6 /]", "[table id='6']", "[table=6]", "[table 6 /]", "<p>[table id=6 /]</p>"),
            "<!-- wp:shortcode -->\n[table id=6 /]\n<!-- /wp:shortcode -->",
            '<!-- wp:tablepress/table {"id":"6"} /-->',
        ],
    )
    def test_of_tables_that_are_not_here_are_removed(self, shown: Shown, source: str) -> None:
        assert shown(f"Before\n\n{source}\n\nAfter") == "<p>Before</p><p>After</p>"

    @pytest.mark.parametrize(
        ("attributes", "first_row"),
        [
            ("table_head=false", "<tbody><tr><td>Year</td><td>Place</td></tr>"),
            ("hide_columns=B", "<thead><tr><th>Year</th></tr></thead>"),
            ("hide_columns=1", "<thead><tr><th>Place</th></tr></thead>"),
            ("hide_rows=1-2", "<tbody><tr><td>2014</td>"),
            ("hide_rows=all show_rows=3", "<tbody><tr><td>2014</td>"),
            ("first_column_th=true hide_rows=1", "<thead><tr><th>2013</th>"),
            ("print_name=true", "<h2"),
        ],
    )
    def test_take_precedence_over_options(self, shown: Shown, attributes: str, first_row: str) -> None:
        assert shown(f"[table id=5 {attributes} /]").removeprefix("<table>").startswith(first_row)


class TestOptions:
    def test_head_foot_and_first_column_can_be_set(self, shown: Shown) -> None:
        html = shown("[table id=5 first_column_th=true /]", options={"table_head": 0, "table_foot": True})
        assert html == (
            "<table><tbody><tr><th>Year</th><td>Place</td></tr>"
            "<tr><th>2013</th><td><b>Cairo</b><br>Egypt</td></tr></tbody>"
            "<tfoot><tr><th>2014</th><th>Sent\xado &amp; ‘x</th></tr></tfoot></table>"
        )

    def test_name_and_description_can_be_shown(self, shown: Shown) -> None:
        options = {
            "print_name": True,
            "print_name_position": "above",
            "print_description": True,
            "print_description_position": "below",
        }
        html = shown("[table id=5 /]", options=options, title="A &amp; B", excerpt="<i>What</i> was")
        assert html == f"<h2>A &amp; B</h2>{HTML}<p><i>What</i> was</p>"

    def test_rows_and_columns_can_be_hidden(self, shown: Shown) -> None:
        html = shown("[table id=5 /]", visibility={"rows": [1, 0, 1], "columns": [1, 0]})
        assert html == "<table><thead><tr><th>Year</th></tr></thead><tbody><tr><td>2014</td></tr></tbody></table>"

    def test_cells_can_be_joined(self, shown: Shown) -> None:
        rows = [["a", "#colspan#", "b"], ["c", "d", "#colspan#"], ["#rowspan#", "#rowspan#", "#span#"], ["#span#", "e"]]
        html = shown("[table id=5 /]", rows, options={"table_head": False})
        assert html == (
            '<table><tbody><tr><td colspan="2">a</td><td>b</td></tr>'
            '<tr><td rowspan="2">c</td><td colspan="2" rowspan="2">d</td></tr><tr></tr>'
            "<tr><td></td><td>e</td></tr></tbody></table>"
        ).replace("<tr></tr>", "")

    def test_text_that_begins_like_a_formula_is_shown(self, shown: Shown) -> None:
        assert "<td>=x</td>" in shown("[table id=5 table_head=false /]", [["'=x"]])

    @pytest.mark.parametrize("rows", ["x", [], [[]], {"a": 1}, [1, 2], [[{}, None]]])
    def test_invalid_rows_do_no_harm(self, shown: Shown, rows: Any) -> None:
        assert "x" not in shown("[table id=5 /]", rows)

    def test_html_in_cells_is_sanitised(self, shown: Shown) -> None:
        assert "script" not in shown("[table id=5 /]", [["<script>x</script><a onclick='script'>a</a>"]])


class TestImport:
    def test_tables_are_exported_again(self, import_parts: ImportParts, tmp_path: Path) -> None:
        parts = (item(7, content="[table id=5 /]"), table())
        report = import_parts(*parts)
        assert report.counts[TABLE][Outcome.IMPORTED] == 1
        assert not import_parts(*parts).has_changes
        path = write(tmp_path, export(*parts))
        again = items(exported(tmp_path))
        before, after = items(path)[TABLE, 40], again[TABLE, 40]
        assert (after.content, after.meta, after.title) == (before.content, before.meta, before.title)
        assert again["post", 7].content == "[table id=5 /]"

    def test_tables_are_found_in_any_order(self, import_parts: ImportParts) -> None:
        import_parts(table(), page(20, content="[table id=5 /]"), item(7, content="[table id=5 /]"))
        assert "<table>" in Post.objects.get().body_html

    def test_a_changed_table_is_shown_after_rendering_again(self, import_parts: ImportParts) -> None:
        import_parts(item(7, content="[table id=5 /]"), table())
        report = import_parts(item(7, content="[table id=5 /]"), table(rows=[["Now"]]))
        assert report.counts[TABLE][Outcome.UPDATED] == 1
        assert "rerender" in self.note(report)
        rerender(Post.objects.all(), RerenderResult())
        assert "<td>Now</td>" in Post.objects.get().body_html

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"table_id": ""}, "does not say its ID"),
            ({"status": "draft"}, "not public"),
            ({"post_password": "x"}, "not public"),
            ({"content": "x"}, "can't be read"),
        ],
    )
    def test_tables_that_cannot_be_shown_are_reported(
        self, import_parts: ImportParts, tmp_path: Path, values: dict[str, Any], reason: str
    ) -> None:
        report = import_parts(item(7, content="[table id=5 /]"), table(**values))
        assert [each.text for each in report.skipped if reason in each.text]
        assert "table" not in Post.objects.get().body_html
        assert (TABLE, 40) in items(exported(tmp_path))

    def test_formulas_are_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, content="[table id=5 /]"), table(rows=[["=A1+1"]]))
        assert "formulas" in self.note(report)

    def test_texts_whose_tables_are_not_here_are_reported(self, import_parts: ImportParts) -> None:
        content = "[table id=7 /] [table id=5 /] [table id=6 /] [table id=6 /] [table 8]"
        report = import_parts(item(7, title="Prizes", content=content), page(20, content="[table 9]"), table())
        [note] = report.notes
        assert (note.kind, note.id, note.title) == ("post", 7, "Prizes")
        assert "not in the export or not public: 6, 7." in note.text

    def test_files_in_tables_are_imported_and_shown(self, import_parts: ImportParts, tmp_path: Path) -> None:
        url = "https://old.example/wp-content/uploads/2014/03/a.png"
        folder = write_files(tmp_path / "export", "2014/03/a.png", "2014/03/b.png")
        cells = [[f'<img src="{url}">', '[gallery ids="31"]', f'<img src="{url.replace("a.png", "b.png")}">']]
        import_parts(
            item(7, content="[table id=5 /]"),
            table(rows=cells),
            attachment(31, "2014/03/b.png"),
            media=MediaFolder(folder),
        )
        html = Post.objects.get().body_html
        assert all(each.file_url in html for each in Attachment.objects.all())
        assert len(Attachment.objects.with_file()) == 2

    def test_tables_preserved_by_an_earlier_version_are_not_duplicated(self, import_parts: ImportParts) -> None:
        import_parts(table())
        PreservedData.objects.update(key=fingerprint(TABLE, 40))
        assert not import_parts(table()).has_changes
        assert PreservedData.objects.count() == 1
        assert "<table>" in expand_tables("[table id=5 /]", Origin())

    def test_the_first_of_two_tables_with_the_same_id_counts(self, import_parts: ImportParts) -> None:
        report = import_parts(table(40), table(41, rows=[["x"]]))
        assert [each.id for each in report.skipped] == [41]

    def test_each_site_has_its_own_tables(self, import_parts: ImportParts, tmp_path: Path) -> None:
        for number, site in ((7, "https://one.example"), (8, "https://two.example")):
            text = item(number, content="[table id=5 /]", guid=f"{site}/?p={number}")
            parts = (text, table(rows=[[site]], guid=f"{site}/?p=40"))
            import_export([write(tmp_path, export(*parts, site=site))])
            assert f">{site}</" in Post.objects.get(pk=number).body_html

    def note(self, report: Report) -> str:
        [note] = [each.text for each in report.notes if each.kind == TABLE]
        return note


class TestEffort:
    def test_one_query_finds_all_tables_in_a_text(
        self, import_parts: ImportParts, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        import_parts(table())
        with django_assert_num_queries(1):
            html = expand_tables("[table id=5 /] [table id=6 /]" * 100, Origin())
        assert html.count("<table>") == 100

    @pytest.mark.parametrize("attributes", ["", " hide_columns=all", " hide_rows=" + "1-9," * 50])
    def test_large_tables_are_shown_until_the_text_is_too_long(
        self, import_parts: ImportParts, grows_with_length: GrowsWithLength, attributes: str
    ) -> None:
        import_parts(table(rows=[["x"] * 10] * 500))
        html = expand_tables("[table id=5 /]" * 1_000, Origin())
        assert 3 < html.count("<table>") < 10
        assert len(html) < 520_000
        assert grows_with_length(lambda text: expand_tables(text, Origin()), f"[table id=5{attributes} /]" * 1_000)
