"""Builders of test data, such as objects, exports, files, forms and stub servers, and helpers that read results."""

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
