"""What became of a text: its revisions, what differs between two of them, and merging what two people wrote."""
