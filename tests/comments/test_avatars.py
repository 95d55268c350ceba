"""The avatars next to comments."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pytest_django import Settings

from comments.avatars import HUES, avatar, neutral
from comments.models import Comment, CommentSettings
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.sender_links import view_url
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.responses import find, read


def draw(name: str = "Ann", email: str = "ann@example.org", **more: Any) -> str:
    return avatar(Comment(name=name, email=email, **more))


class TestPattern:
    def test_the_same_person_always_has_the_same_one(self) -> None:
        assert draw() == draw()

    def test_case_and_spaces_make_no_difference(self) -> None:
        assert draw("Ann", "Ann@Example.org ") == draw("ANN", "ann@example.org")

    def test_the_same_name_with_another_address_has_another_one(self) -> None:
        assert draw(email="other@example.org") != draw()

    def test_two_names_with_one_address_have_different_ones(self) -> None:
        assert draw(name="Someone else") != draw()

    def test_without_an_address_it_depends_on_the_name(self) -> None:
        assert draw(email="") == draw(email="") != draw("Bo", email="")

    def test_it_depends_on_the_secret_key(self, settings: Settings) -> None:
        before = draw()
        settings.SECRET_KEY = "another key of another site"
        assert draw() != before

    @pytest.mark.parametrize("kind", [Kind.PINGBACK, Kind.TRACKBACK])
    def test_pingbacks_have_the_neutral_one(self, kind: Kind) -> None:
        assert draw(kind=kind) == neutral()

    def test_a_hundred_people_have_almost_a_hundred_different_ones(self) -> None:
        assert len({draw(email=f"{index}@example.org") for index in range(100)}) >= 99


class TestDrawing:
    @given(name=st.text(max_size=20), email=st.text(max_size=20))
    def test_it_is_small_static_and_hidden_from_screen_readers(self, name: str, email: str) -> None:
        svg = draw(name or "x", email)
        assert len(svg.encode()) < 500
        element = etree.fromstring(svg)
        assert element.get("aria-hidden") == "true"
        assert re.fullmatch(rf"avatar avatar-[0-{HUES - 1}]", element.get("class", ""))
        assert {child.tag for child in element} == {"path"}
        # The Content-Security-Policy allows no inline styles.
        assert "style" not in svg

    @given(email=st.text(max_size=20))
    def test_it_is_symmetrical(self, email: str) -> None:
        """The left half is the mirror image of the right one, in which each shape has its own from top to bottom."""
        right, left = etree.fromstring(draw(email=email))
        assert (left.get("d"), left.get("transform")) == (right.get("d"), "scale(-1 1)")
        shapes = {frozenset(shape) for shape in _cells(right.get("d", ""))}
        assert {frozenset((x, 6 - y) for x, y in shape) for shape in shapes} == shapes
        assert all(0 <= x <= 3 and 0 <= y <= 6 for shape in shapes for x, y in shape)


def _cells(path: str) -> list[set[tuple[int, int]]]:
    """Return the corners of each shape in the path, with runs of full cells split up."""
    shapes: list[set[tuple[int, int]]] = []
    for shape in path.split("M")[1:]:
        if square := re.fullmatch(r"(\d) (\d)h(\d)v1H\1", shape):
            x, y, length = map(int, square.groups())
            shapes += [{(at, y), (at + 1, y), (at, y + 1), (at + 1, y + 1)} for at in range(x, x + length)]
        else:
            triangle = re.fullmatch(r"(\d) (\d)h(-?1)v(-?1)", shape)
            assert triangle, shape
            x, y, across, along = map(int, triangle.groups())
            shapes.append({(x, y), (x + across, y), (x + across, y + along)})
    return shapes


@pytest.mark.django_db
class TestOnThePage:
    def test_each_comment_has_its_authors(self, client: Client) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post)
        page = client.get(post.get_absolute_url()).content.decode()
        assert avatar(comment) in page
        assert comment.email not in page

    def test_pending_comments_have_the_neutral_one_so_that_addresses_cannot_be_guessed(self, client: Client) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post, status=Status.PENDING)
        page = client.get(view_url(comment)).content.decode()
        assert neutral() in page
        assert avatar(comment) not in page

    def test_they_can_be_turned_off(self, client: Client) -> None:
        CommentSettings.objects.update(show_avatars=False)
        post = PostFactory.create()
        CommentFactory.create(entry=post)
        assert find(read(client.get(post.get_absolute_url())), ".avatar") == []


@pytest.mark.django_db
class TestRoles:
    """Roles are shown as text, without an extra query (see TestQueries in test_comment_section)."""

    def roles(self, client: Client, **more: Any) -> list[str]:
        comment = CommentFactory.create(**more)
        page = read(client.get(comment.entry.get_absolute_url()))
        return [str(role.text) for role in find(page, ".comment-role")]

    def test_staff_are_marked(self, client: Client) -> None:
        assert self.roles(client, user=UserFactory.create(role="Moderator")) == ["Staff"]

    def test_the_author_of_the_post_is_marked(self, client: Client) -> None:
        author = UserFactory.create(role="Author")
        assert self.roles(client, entry=PostFactory.create(author=author), user=author) == ["Author"]

    @pytest.mark.parametrize("more", [{"is_staff": False}, {"is_staff": True, "is_active": False}])
    def test_other_accounts_are_not_marked(self, client: Client, more: dict[str, bool]) -> None:
        assert self.roles(client, user=UserFactory.create(**more)) == []
