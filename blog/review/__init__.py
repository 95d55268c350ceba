"""Review: notes on texts, and what their authors and the editors are told."""
