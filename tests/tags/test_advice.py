"""Advice about new tags that are probably other spellings of existing ones."""

from typing import Any

import pytest

from blog.editing.advice import advice_for
from blog.models import Post
from tags import twins
from tags.models import Tag
from tests.factories import PageFactory, PostFactory, TagFactory

pytestmark = pytest.mark.django_db


def advice(*names: str, entry: Any = None) -> list[str]:
    sentences = advice_for(entry or Post(title="A title", language="en"), [], names).sentences
    return [sentence for sentence in sentences if "nearly the same" in sentence]


@pytest.mark.parametrize(
    ("used", "new"),
    [
        ("defender", "defenders"),
        ("Coöperation", "cooperation"),
        ("human rights defenders", "defenders human rights"),
        ("e-mail", "email"),
        ("Azerbaijan", "Azerbajian"),
        ("حقوق الإنسان", "حقوق الانسان"),
    ],
)
def test_a_likely_twin_of_a_new_tag_is_named(used: str, new: str) -> None:
    PostFactory.create_batch(2, tags=[used])
    assert advice(new) == [f"“{new}” is nearly the same as the tag “{used}” (used 2 times). Use that one?"]


@pytest.mark.parametrize("name", ["Iran", "defender", "DEFENDER", "protest"])
def test_other_tags_are_not_named(name: str) -> None:
    PostFactory(tags=["Iraq", "defender"])
    assert advice(name) == []


def test_a_tag_that_other_posts_have_is_not_new() -> None:
    PostFactory(tags=["defender"])
    PostFactory(tags=["defenders"])
    assert advice("defenders") == []


def test_a_tag_that_only_this_draft_has_is_still_new() -> None:
    PostFactory(tags=["defender"])
    draft = PostFactory(tags=["defenders"])
    assert len(advice("defenders", entry=draft)) == 1


def test_a_former_name_is_not_new() -> None:
    tag = TagFactory(name="defenders")
    tag.name, tag.slug = "defender", "defender"
    tag.save()
    PostFactory(tags=[tag])
    assert advice("defenders") == []


def test_a_twin_without_posts_is_not_recommended() -> None:
    TagFactory(name="defender")
    assert advice("defenders") == []


def test_a_tag_that_was_marked_as_different_is_not_named() -> None:
    PostFactory(tags=["defender"])
    draft = PostFactory(tags=["defenders"])
    twins.search()
    twins.set_different(*Tag.objects.values_list("pk", flat=True))
    assert advice("defenders", entry=draft) == []


def test_pages_have_no_tags() -> None:
    PostFactory(tags=["defender"])
    assert advice("defenders", entry=PageFactory()) == []


def test_queries_do_not_depend_on_the_number_of_tags(django_assert_max_num_queries: Any) -> None:
    PostFactory(tags=[f"defender{chr(97 + n)}" for n in range(20)])
    post = Post(title="A title", language="en")
    with django_assert_max_num_queries(5):
        advice(*(f"defender{chr(97 + n)}s" for n in range(20)), entry=post)


def test_a_post_may_have_any_number_of_new_tags() -> None:
    PostFactory(tags=["defender"])
    others = [f"alpha beta gamma {number}" for number in range(1000)]
    assert any("“defenders” is nearly the same" in sentence for sentence in advice("defenders", *others))
