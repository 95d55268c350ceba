"""The blog's models: posts, pages, categories, redirects, enclosures, revisions, autosaves and reviews."""

from blog.models.appearance import AppearanceVersion, SiteAppearance
from blog.models.category import Category, CategoryChange, CategoryTwins
from blog.models.editing import Autosave, PreviewLink, UndoableEdit
from blog.models.entry import Entry, load_pictures
from blog.models.entry_query import TEXTS, Status, date_in_lists, public_condition
from blog.models.page import Page
from blog.models.post import Enclosure, Post, PostQuerySet
from blog.models.post_in_category import PostInCategory
from blog.models.redirect import Redirect
from blog.models.review import (
    MAX_NOTE_LENGTH,
    ReviewEvent,
    ReviewNote,
    ReviewNotice,
    ReviewPreference,
    open_note_count,
)
from blog.models.revision import Revision, TranslatedVersion

__all__ = ["AppearanceVersion", "SiteAppearance"]
__all__ += ["Category", "CategoryChange", "CategoryTwins"]
__all__ += ["Autosave", "PreviewLink", "UndoableEdit"]
__all__ += ["Entry", "load_pictures"]
__all__ += ["TEXTS", "Status", "date_in_lists", "public_condition"]
__all__ += ["Page"]
__all__ += ["Enclosure", "Post", "PostQuerySet"]
__all__ += ["PostInCategory"]
__all__ += ["Redirect"]
__all__ += ["MAX_NOTE_LENGTH", "ReviewEvent", "ReviewNote", "ReviewNotice", "ReviewPreference", "open_note_count"]
__all__ += ["Revision", "TranslatedVersion"]
