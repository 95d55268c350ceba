"""The admin of tags: the list, their curation, and suggestions while someone enters the tags of a post."""

from tags.admin import tags, twins

__all__ = ["tags", "twins"]
