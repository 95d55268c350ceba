"""The blog's models: posts, pages, categories, redirects and enclosures."""

from blog.models.category import Category
from blog.models.entry import TEXTS, Entry, Status, public_condition
from blog.models.page import Page
from blog.models.post import EnclosedWith, Enclosure, Post, PostQuerySet, load_pictures
from blog.models.redirect import Redirect

__all__ = [
    "TEXTS",
    "Category",
    "EnclosedWith",
    "Enclosure",
    "Entry",
    "Page",
    "Post",
    "PostQuerySet",
    "Redirect",
    "Status",
    "load_pictures",
    "public_condition",
]
