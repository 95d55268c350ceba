"""The history of a text: its revisions, the differences between them, and merging what two people wrote."""
