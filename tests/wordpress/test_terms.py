"""The terms of an export are read once each, in little memory, however many there are."""

from pathlib import Path

import pytest

from tags.models import Tag
from tests.factories.reports import counted
from tests.factories.types import ImportParts
from tests.factories.wxr import export, filed, item, items, tag, write
from wordpress.importing import terms as terms_module
from wordpress.importing.terms import ExportedTerms, TermIds
from wordpress.wxr import reader
from wordpress.wxr.records import CATEGORY, TAG, Item, Term, TermRef
from wordpress.wxr.values import slug_key


@pytest.fixture
def terms() -> ExportedTerms:
    return ExportedTerms()


class TestEachTermOnce:
    def test_the_first_definition_counts(self, terms: ExportedTerms) -> None:
        terms.define(Term(TAG, "a", "First", "", "", id=7))
        terms.define(Term(TAG, "A", "Second", "", "", id=8))
        assert [term.name for term in terms] == ["First"]
        assert terms.highest_ids == {TAG: 7}

    @pytest.mark.parametrize("is_defined_first", [True, False])
    def test_a_definition_takes_precedence_over_the_name_on_an_item(
        self, terms: ExportedTerms, is_defined_first: bool
    ) -> None:
        defined = Term(TAG, "a", "Defined", "", "With a description")
        if is_defined_first:
            terms.define(defined)
        terms.name(TermRef(TAG, "a", "Named"))
        terms.name(TermRef(TAG, "b", "Only named"))
        terms.define(defined)
        assert {term.slug: term.name for term in terms} == {"a": "Defined", "b": "Only named"}
        assert sum(1 for _term in terms) == 2

    def test_taxonomies_are_separate(self, terms: ExportedTerms) -> None:
        terms.name(TermRef(TAG, "news", "News"))
        terms.name(TermRef(CATEGORY, "news", "News"))
        assert [term.taxonomy for term in terms] == [TAG, CATEGORY]

    def test_a_missing_slug_is_made_from_the_name_unless_a_term_has_that_name(self, terms: ExportedTerms) -> None:
        for ref in (TermRef(TAG, "", "Known"), TermRef(TAG, "", "New name"), TermRef(TAG, "new-name", "Other")):
            terms.name(ref)
        terms.define(Term(TAG, "known-slug", "Known", "", ""))
        assert {term.name: term.slug for term in terms} == {
            "Known": "known-slug",
            "New name": "new-name-2",
            "Other": "new-name",
        }
        assert terms.slugs_of_names() == {(TAG, "Known"): "known-slug", (TAG, "New name"): "new-name-2"}

    def test_many_names_may_have_the_same_slug(self, terms: ExportedTerms) -> None:
        terms.define(Term(TAG, "untitled-2", "Defined", "", ""))
        for number in range(1, 1001):
            terms.name(TermRef(TAG, "", "!" * number))
        slugs = [term.slug for term in terms if term.name != "Defined"]
        assert slugs == ["untitled", *(f"untitled-{number}" for number in range(3, 1002))]

    def test_slugs_made_from_long_names_are_different(self, terms: ExportedTerms) -> None:
        for ending in ("1", "2"):
            terms.name(TermRef(TAG, "", "long" * 50 + ending))
        slugs = [term.slug for term in terms]
        assert len({*map(slug_key, slugs)}) == 2

    def test_terms_are_the_same_each_time_they_are_read(
        self, terms: ExportedTerms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(terms_module, "_CHUNK", 3)
        for number in range(8):
            terms.name(TermRef(TAG, f"tag-{number}", f"Tag {number}"))
        assert [term.slug for term in terms] == [term.slug for term in terms] == [f"tag-{n}" for n in range(8)]


class TestTooManyTerms:
    def test_terms_beyond_the_limit_are_left_out(self, terms: ExportedTerms, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(terms_module, "MAX_TERMS", 2)
        is_truncated = []
        for slug in ("a", "b", "a", "c"):
            terms.name(TermRef(TAG, slug, slug))
            is_truncated.append(terms.is_truncated)
        assert is_truncated == [False, False, False, True]
        assert [term.slug for term in terms] == ["a", "b"]

    def test_posts_keep_their_other_terms(self) -> None:
        ids = TermIds()
        ids.add(TAG, "a", 5)
        assert ids.of((TermRef(TAG, "left-out", ""), TermRef(TAG, "A", ""), TermRef(TAG, "a", "")), TAG) == [5]

    @pytest.mark.django_db
    def test_the_report_contains_a_warning(self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wordpress.importing.terms.MAX_TERMS", 2)
        monkeypatch.setattr("wordpress.importing.analysis.MAX_TERMS", 2)
        report = import_parts(tag("a", "A"), tag("b", "B"), tag("c", "C"), item(7, inside=[filed("post_tag", "c")]))
        assert counted(report, "tag") == {"imported": 2}
        assert [warning for warning in report.warnings if "more than 2 categories, tags and other groupings" in warning]
        assert list(Tag.objects.values_list("slug", flat=True)) == ["a", "b"]


class TestTooManyTermsOnOneItem:
    @pytest.fixture(autouse=True)
    def limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "MAX_TERMS", 100)

    # The larger number is read in several chunks, because its terms would not fit into memory as a whole.
    @pytest.mark.parametrize("count", [101, 30_000])
    def test_the_first_terms_are_read(self, tmp_path: Path, count: int) -> None:
        many = item(7, inside=[filed("post_tag", f"t{n}") for n in range(count)])
        exported = reader.Export(
            write(tmp_path, export(many, item(8, title="Another", inside=[filed("post_tag", "x")])))
        )
        first, second = [record for record in exported.records() if isinstance(record, Item)]
        assert [ref.slug for ref in first.terms] == [f"t{n}" for n in range(100)]
        assert [ref.slug for ref in second.terms] == ["x"]
        assert exported.surplus_terms == {"A title": count - 100}

    def test_nothing_else_is_lost(self, tmp_path: Path) -> None:
        many = item(7, content="Some text.", inside=[filed("post_tag", f"t{n}") for n in range(30_000)])
        read = items(write(tmp_path, export(many)))
        assert read["post", 7].content == "Some text."
        assert read["post", 7].slug == "post-7"

    @pytest.mark.django_db
    def test_the_report_contains_a_warning(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, inside=[filed("post_tag", f"t{n}") for n in range(103)]))
        (warning,) = [warning for warning in report.warnings if "categories and tags" in warning]
        assert warning.startswith("“A title” has more than")
        assert warning.endswith("3 of them were left out.")
