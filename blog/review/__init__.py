"""Review: notes on texts, and notices to their authors and to editors."""
