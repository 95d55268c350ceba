"""Reports name everything, however much that is, and memory holds little of it."""

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.reports import first
from wordpress.importing.report import Remark, Remarks, Report, summarise

MANY = 12_000


def many(text: str) -> Remarks:
    """As many remarks as an odd export gives cause for; `{}` in their text is their number."""
    remarks = Remarks()
    for number in range(MANY):
        remarks.add(Remark("post", number, f"Post {number}", text.format(number)))
    return remarks


class TestRemarks:
    @given(st.lists(st.builds(Remark, st.text(), st.integers(0, 2**63), st.text(), st.text(), st.text())))
    def test_come_back_as_they_were_and_in_their_order(self, said: list[Remark]) -> None:
        remarks = Remarks()
        for remark in said:
            remarks.add(remark)
        assert list(remarks) == list(remarks) == said
        assert len(remarks) == len(said)

    def test_can_be_added_after_some_were_read(self) -> None:
        remarks = many("Left out.")
        assert first(remarks).id == 0
        remarks.add(Remark("page", MANY, "", ""))
        assert [remark.id for remark in remarks] == list(range(MANY + 1))

    def test_take_no_memory_however_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
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
    def test_put_remarks_of_one_text_together(self) -> None:
        (reason,) = summarise(many("Left out.")).shown
        assert (reason.kind, reason.text, reason.count) == ("post", "Left out.", MANY)
        assert reason.examples[:2] == ["Post 0", "Post 1 (1)"]
        assert len(reason.examples) + reason.more == MANY

    def test_the_most_frequent_first_and_the_rest_is_counted(self) -> None:
        remarks = many("Left out because of {}.")
        remarks.add(Remark("post", 1, "", "Left out because of 1."))
        reasons = summarise(remarks)
        assert (reasons.shown[0].text, reasons.shown[0].count) == ("Left out because of 1.", 2)
        assert sum(reason.count for reason in reasons.shown) + reasons.more == MANY + 1

    def test_of_an_export_without_any(self) -> None:
        assert (summarise(Remarks()).shown, summarise(Remarks()).more) == ([], 0)


def test_a_report_is_written_whole() -> None:
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
