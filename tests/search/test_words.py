"""The tokens of an entry, which another process may have computed from the same text."""

import pytest

from search.words import EntryText, entry_tokens, made_elsewhere

TEXT = EntryText("Title", ("prison",), "", "<p>Body</p>", "en")


class TestMadeElsewhere:
    def test_tokens_are_used_for_exactly_this_text_and_only_in_the_context(self) -> None:
        with made_elsewhere({TEXT: "made"}):
            assert entry_tokens(TEXT) == "made"
            for changed in (TEXT._replace(html="<p>Another</p>"), TEXT._replace(tags=()), TEXT._replace(language="fr")):
                assert entry_tokens(changed) == changed.tokens()
        assert entry_tokens(TEXT) == TEXT.tokens()

    def test_tokens_are_forgotten_after_an_error(self) -> None:
        with pytest.raises(RuntimeError, match="planned"), made_elsewhere({TEXT: "made"}):
            raise RuntimeError("planned")
        assert entry_tokens(TEXT) == TEXT.tokens()
