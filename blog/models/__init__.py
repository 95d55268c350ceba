"""The blog's models: posts and pages, the categories posts are filed under, and redirects."""

from blog.models.category import Category
from blog.models.enclosure import EnclosedWith, Enclosure
from blog.models.entry import TEXTS, Entry, EntryKind, EntryQuerySet, Status, new_guid
from blog.models.page import Page
from blog.models.post import Post, PostQuerySet
from blog.models.redirect import Redirect
from blog.models.tree import TreeNode

__all__ = [
    "TEXTS",
    "Category",
    "EnclosedWith",
    "Enclosure",
    "Entry",
    "EntryKind",
    "EntryQuerySet",
    "Page",
    "Post",
    "PostQuerySet",
    "Redirect",
    "Status",
    "TreeNode",
    "new_guid",
]
