"""`manage.py evaluate_filter` measures the filter with the site's own decisions or with a file."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve, mark_spam
from comments.rules.evaluation import evaluate, read_labelled
from tests.factories import CommentFactory, UserFactory


def lines(count: int) -> list[str]:
    records = [
        record
        for n in range(count)
        for record in (
            {"text": f"Casino bonus jackpot payout slots number {n}", "website": "https://x.example", "spam": True},
            {"text": f"The court was silent about paragraph {n}", "spam": False},
        )
    ]
    return [json.dumps(record) for record in records]


class TestEvaluating:
    def test_it_is_trained_with_the_first_half_and_tested_on_the_second(self) -> None:
        result = evaluate(list(read_labelled(lines(100))))
        assert (result.trained, sum(result.counts.values())) == (100, 100)
        assert (result.counts[True, "spam"], result.counts[False, ""]) == (50, 50)
        assert (result.precision, result.recall, result.stopped) == (1, 1, 1)

    def test_without_verdicts_there_is_no_precision(self) -> None:
        result = evaluate(list(read_labelled(lines(10))))
        assert (result.precision, result.recall) == (None, 0)

    @pytest.mark.parametrize(
        "line", ["{", "[]", "1", '{"text": 1, "spam": true}', '{"text": "a"}', '{"text": "a", "spam": 1}', "[" * 10_000]
    )
    def test_invalid_lines_are_reported_with_their_number(self, line: str) -> None:
        with pytest.raises(ValueError, match="Line 2 is invalid"):
            list(read_labelled(['{"text": "a", "spam": true}', line]))


class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("evaluate_filter", *arguments, stdout=out)
        return out.getvalue()

    def test_it_evaluates_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "labelled.jsonl"
        file.write_text("\n".join(lines(100)), encoding="utf-8")
        output = self.run("--file", str(file))
        assert "Trained with 100 decisions, tested on 100 others" in output
        assert "marked is spam): 1.0000" in output
        assert "Trained with 150 decisions, tested on 50 others" in self.run("--file", str(file), "--decisions", "150")

    def test_a_file_that_is_not_text_is_an_error(self, tmp_path: Path) -> None:
        file = tmp_path / "labelled.jsonl"
        file.write_bytes(b"\xff\xfe")
        with pytest.raises(CommandError, match="Line 1 is invalid"):
            self.run("--file", str(file))

    @pytest.mark.django_db
    def test_it_evaluates_the_sites_own_decisions(self) -> None:
        with pytest.raises(CommandError, match="40 of each are needed"):
            self.run()
        moderator = UserFactory.create()
        for index in range(50):
            ham, spam = (
                CommentFactory.create(text=text, website="https://x.example", status=Status.PENDING)
                for text in (f"The court was silent {index}", f"Casino bonus jackpot payout {index}")
            )
            approve([ham], moderator)
            mark_spam([spam], moderator)
        assert "Trained with 50 decisions, tested on 50 others" in self.run()
