"""Reports list every item, however many there are, and take little memory."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.reports import first
from wordpress.importing import report as report_module
from wordpress.importing.report import Outcome, Remark, Remarks, Report, lines_by_item, summarise

MANY = 12_000


def many_remarks(text: str) -> Remarks:
    """Return as many remarks as an unusual export causes; `{}` in the text is replaced by their position."""
    remarks = Remarks()
    for number in range(MANY):
        remarks.add(Remark("post", number, f"Post {number}", text.format(number)))
    return remarks


class TestRemarks:
    @given(st.lists(st.builds(Remark, st.text(), st.integers(0, 2**63), st.text(), st.text(), st.text())))
    def test_are_read_in_the_order_in_which_they_were_added(self, added: list[Remark]) -> None:
        remarks = Remarks()
        for remark in added:
            remarks.add(remark)
        assert list(remarks) == list(remarks) == added
        assert len(remarks) == len(added)

    def test_can_be_added_after_reading(self) -> None:
        remarks = many_remarks("Left out.")
        assert first(remarks).id == 0
        remarks.add(Remark("page", MANY, "", ""))
        assert [remark.id for remark in remarks] == list(range(MANY + 1))

    def test_take_little_memory_in_any_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wordpress.importing.report._IN_MEMORY", 10_000)
        remarks = Remarks()
        tracemalloc.start()
        try:
            for number in range(500):
                remarks.add(Remark("post", number, "Title" * 1000, "Left out."))
            summarise(remarks)
            _size, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 500_000


class TestReasons:
    def test_group_remarks_with_the_same_text(self) -> None:
        (reason,) = summarise(many_remarks("Left out.")).shown
        assert (reason.kind, reason.text, reason.count) == ("post", "Left out.", MANY)
        assert reason.examples[:2] == ["Post 0", "Post 1 (1)"]
        assert len(reason.examples) + reason.more == MANY

    def test_are_sorted_by_frequency_and_the_rest_is_counted(self) -> None:
        remarks = many_remarks("Left out because of {}.")
        remarks.add(Remark("post", 1, "", "Left out because of 1."))
        reasons = summarise(remarks)
        assert (reasons.shown[0].text, reasons.shown[0].count) == ("Left out because of 1.", 2)
        assert sum(reason.count for reason in reasons.shown) + reasons.more == MANY + 1

    def test_are_empty_without_remarks(self) -> None:
        assert (summarise(Remarks()).shown, summarise(Remarks()).more) == ([], 0)


def test_kinds_beyond_a_limit_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind takes time and memory in every batch, and the type of an item can be any text."""
    monkeypatch.setattr(report_module, "_MAX_KINDS", 2)
    report = Report()
    for kind in ("post", "page", "a", "b", "page"):
        report.count(kind, Outcome.SKIPPED)
    assert {kind: counts.total() for kind, counts in report.counts.items()} == {"post": 1, "page": 2, "…": 2}


def test_the_whole_report_is_written_as_json() -> None:
    report = Report(["export.xml"])
    file = io.StringIO()
    report.write(file)
    empty = json.loads(file.getvalue())
    assert (empty["files"], empty["skipped"], empty["notes"]) == (["export.xml"], [], [])

    report.skip("post", 1, "“One”", "Because.", "https://example.org/")
    report.note("page", 2, "Two", "It is different.")
    report.note("page", 3, "Three", "It is different.")
    file = io.StringIO()
    report.write(file)
    whole = json.loads(file.getvalue())
    assert whole["skipped"] == [
        {"kind": "post", "id": 1, "title": "“One”", "text": "Because.", "url": "https://example.org/"}
    ]
    assert [note["id"] for note in whole["notes"]] == [2, 3]
    assert whole["counts"]["post"]["skipped"] == 1


@pytest.mark.parametrize(("item_id", "line"), [(8, "post 8 “One”: 1 gone"), (0, "post “One”: 1 gone")])
def test_an_id_is_shown_if_the_export_has_one(item_id: int, line: str) -> None:
    assert list(lines_by_item([Remark("post", item_id, "One", "gone")])) == [line]
