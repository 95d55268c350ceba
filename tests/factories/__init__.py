"""Builders of test data: objects, exports, files, forms and stub servers, and what tests compare with them."""

from tests.factories.models import (
    PASSWORD,
    CategoryFactory,
    CommentFactory,
    PageFactory,
    PostFactory,
    TagFactory,
    UserFactory,
    at,
)

__all__ = [
    "PASSWORD",
    "CategoryFactory",
    "CommentFactory",
    "PageFactory",
    "PostFactory",
    "TagFactory",
    "UserFactory",
    "at",
]
