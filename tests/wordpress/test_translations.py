"""Translations are imported from exports of Polylang and WPML, and exported as Polylang does."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.editing import translations
from blog.models import Entry, Post
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.types import ImportParts
from tests.factories.wxr import exported, filed, item, items, meta, page, term
from wordpress.importing.pipeline import import_export
from wordpress.models import PreservedData
from wordpress.wxr.php_values import PHPValue, serialise
from wordpress.wxr.translations import parse_translations

pytestmark = pytest.mark.django_db


def translated(wordpress_id: int, language: str, group: str = "pll_1") -> str:
    return item(wordpress_id, inside=[filed("language", language), filed("post_translations", group)])


def group_of(ids: dict[int | str, PHPValue], slug: str = "pll_1") -> str:
    return term("post_translations", slug, term_description=serialise(ids))


def linked_languages() -> dict[int, list[str]]:
    return {entry.pk: [other.language for other in entry.translations()] for entry in Entry.objects.order_by("pk")}


class TestPHPValues:
    def test_are_read_as_polylang_writes_them(self) -> None:
        assert parse_translations('a:3:{s:2:"en";i:12;s:5:"pt-br";i:34;s:4:"sync";a:1:{s:2:"x";s:1:"1";}}') == {
            "en": 12,
            "pt-br": 34,
        }

    @given(st.dictionaries(st.from_regex(r"[a-z]{2}(-[a-z]{2})?", fullmatch=True), st.integers(1, 10**17), max_size=9))
    def test_are_read_as_they_are_written(self, ids: dict[int | str, PHPValue]) -> None:
        assert parse_translations(serialise(ids)) == ids

    @given(st.text())
    def test_any_text_can_be_read(self, text: str) -> None:
        assert all(parse_translations(text).values())


class TestImporting:
    def test_entries_of_a_group_are_linked(self, import_parts: ImportParts) -> None:
        import_parts(
            group_of({"en": 7, "ar": 8}), translated(7, "en"), translated(8, "ar"), translated(9, "fr", "pll_2")
        )
        assert linked_languages() == {7: ["ar"], 8: ["en"], 9: []}
        assert not PreservedData.objects.filter(kind=PreservedData.Kind.TERM).exists()

    def test_importing_again_changes_nothing(self, import_parts: ImportParts) -> None:
        parts = group_of({"en": 7, "ar": 8}), translated(7, "en"), translated(8, "ar")
        import_parts(*parts)
        before = set(Post.objects.values_list("translation_group", flat=True))
        report = import_parts(*parts)
        assert set(Post.objects.values_list("translation_group", flat=True)) == before
        assert not report.has_changes

    @pytest.mark.parametrize(
        "parts",
        [
            [group_of({"en": 7, "ar": 99}), translated(7, "en")],
            [group_of({"en": 7, "ar": 8}), translated(7, "en"), translated(8, "en")],
            [group_of({"en": 7, "ar": 8}), translated(7, "en"), page(8, inside=[filed("language", "ar")])],
            [term("post_translations", "pll_1", term_description="O:8:nonsense"), translated(7, "en")],
        ],
        ids=["not here", "same language", "post and page", "nonsense"],
    )
    def test_groups_that_cannot_be_linked_are_reported_and_preserved(
        self, import_parts: ImportParts, tmp_path: Path, parts: list[str]
    ) -> None:
        report = import_parts(*parts)
        assert not Entry.objects.exclude(translation_group=None).exists()
        assert any("Fewer than two" in remark.text for remark in report.skipped)
        assert "<wp:term_slug><![CDATA[pll_1]]>" in exported(tmp_path).read_text()

    def test_an_entry_in_two_groups_stays_in_the_first(self, import_parts: ImportParts) -> None:
        groups = group_of({"en": 7, "ar": 8}), group_of({"ar": 8, "fr": 9}, "pll_2")
        import_parts(*groups, translated(7, "en"), translated(8, "ar"), translated(9, "fr"))
        assert linked_languages() == {7: ["ar"], 8: ["en"], 9: []}

    def test_entries_are_linked_if_only_they_name_the_group(self, import_parts: ImportParts) -> None:
        # WordPress leaves the terms of a group out when only posts, or those of one author, are exported.
        parts = translated(7, "en"), translated(8, "ar"), translated(9, "fr", "pll_2")
        report = import_parts(*parts)
        assert linked_languages() == {7: ["ar"], 8: ["en"], 9: []}
        assert not list(report.skipped)
        assert not import_parts(*parts).has_changes


def prepared_by_wpml(wordpress_id: int, language: str, group: str = "9", **values: Any) -> str:
    fields = [meta("_wpml_import_language_code", language), meta("_wpml_import_translation_group", group)]
    return item(wordpress_id, inside=fields, **values)


class TestImportingFromWPML:
    def test_entries_of_a_group_are_linked(self, import_parts: ImportParts) -> None:
        parts = prepared_by_wpml(7, "en"), prepared_by_wpml(8, "ar"), prepared_by_wpml(9, "fr", "10")
        report = import_parts(*parts)
        assert linked_languages() == {7: ["ar"], 8: ["en"], 9: []}
        assert not list(report.skipped)
        assert not list(report.notes)
        assert not import_parts(*parts).has_changes

    def test_groups_that_cannot_be_linked_are_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(prepared_by_wpml(7, "en"), prepared_by_wpml(8, "en"))
        assert linked_languages() == {7: [], 8: []}
        assert [(remark.title, remark.text) for remark in report.skipped] == [
            ("9", "Fewer than two of its translations are posts or pages here with different languages.")
        ]

    def test_texts_that_were_unlinked_here_are_not_linked_by_our_own_export(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(prepared_by_wpml(7, "en"), prepared_by_wpml(8, "ar"))
        Entry.objects.update(translation_group=None)
        path = exported(tmp_path)
        assert "_wpml_import_translation_group" in path.read_text()
        Entry.objects.all().delete()
        import_export([path])
        assert linked_languages() == {7: [], 8: []}

    def test_a_name_that_is_too_long_is_ignored(self, import_parts: ImportParts) -> None:
        import_parts(prepared_by_wpml(7, "en", "9" * 300), prepared_by_wpml(8, "ar", "9" * 300))
        assert linked_languages() == {7: [], 8: []}


class TestRoundTrip:
    def test_links_are_restored(self, tmp_path: Path) -> None:
        editor = UserFactory(role="Editor")
        posts = [PostFactory(language=language) for language in ("en", "ar", "pt-br")]
        for post in posts[1:]:
            translations.link(post, posts[0], editor)
        english, arabic = PageFactory(language="en"), PageFactory(language="ar")
        translations.link(english, arabic, editor)
        before = linked_languages()
        path = exported(tmp_path)
        refs = {(ref.taxonomy, ref.slug) for ref in items(path)["post", posts[1].pk].terms}
        assert ("language", "ar") in refs
        assert any(taxonomy == "post_translations" for taxonomy, _slug in refs)
        Entry.objects.all().delete()
        import_export([path])
        assert linked_languages() == before
        again = {(ref.taxonomy, ref.slug) for ref in items(exported(tmp_path))["post", posts[1].pk].terms}
        assert again == refs

    def test_groups_of_polylang_are_exported_once(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(group_of({"en": 7, "ar": 8}), translated(7, "en"), translated(8, "ar"))
        document = exported(tmp_path).read_text()
        assert document.count("<wp:term>") == 1
        assert document.count('domain="post_translations"') == 2
        assert document.count('domain="language"') == 2
