"""The ornaments beside comments."""

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


def drawn(name: str = "Ann", email: str = "ann@example.org", **more: Any) -> str:
    return avatar(Comment(name=name, email=email, **more))


class TestWhose:
    def test_a_person_has_one_for_ever(self) -> None:
        assert drawn() == drawn()

    def test_capitals_and_blanks_make_no_difference(self) -> None:
        assert drawn("Ann", "Ann@Example.org ") == drawn("ANN", "ann@example.org")

    def test_who_borrows_a_name_has_another(self) -> None:
        assert drawn(email="other@example.org") != drawn()

    def test_who_writes_under_two_names_is_not_given_away(self) -> None:
        assert drawn(name="Somebody else") != drawn()

    def test_without_an_address_the_name_decides(self) -> None:
        assert drawn(email="") == drawn(email="") != drawn("Bo", email="")

    def test_it_hangs_on_the_site_s_key_so_that_nobody_can_work_it_out(self, settings: Settings) -> None:
        here = drawn()
        settings.SECRET_KEY = "another key of another site"
        assert drawn() != here

    @pytest.mark.parametrize("kind", [Kind.PINGBACK, Kind.TRACKBACK])
    def test_another_page_has_the_plain_sign(self, kind: Kind) -> None:
        assert drawn(kind=kind) == neutral()

    def test_a_hundred_people_have_nearly_as_many(self) -> None:
        assert len({drawn(email=f"{number}@example.org") for number in range(100)}) >= 99


class TestDrawing:
    @given(name=st.text(max_size=20), email=st.text(max_size=20))
    def test_it_is_small_and_still_and_has_no_words(self, name: str, email: str) -> None:
        svg = drawn(name or "x", email)
        assert len(svg.encode()) < 500
        element = etree.fromstring(svg)
        assert element.get("aria-hidden") == "true"
        assert re.fullmatch(rf"avatar avatar-[0-{HUES - 1}]", element.get("class", ""))
        assert [child.tag for child in element] == ["path"]
        # Nothing inline that the Content-Security-Policy would refuse.
        assert "style" not in svg

    @given(email=st.text(max_size=20))
    def test_it_is_symmetrical(self, email: str) -> None:
        """Each corner has its mirror images, left to right and top to bottom."""
        shapes = {frozenset(shape) for shape in _cells(drawn(email=email))}
        assert {frozenset((6 - x, y) for x, y in shape) for shape in shapes} == shapes
        assert {frozenset((x, 6 - y) for x, y in shape) for shape in shapes} == shapes
        assert all(0 <= x <= 6 and 0 <= y <= 6 for shape in shapes for x, y in shape)


def _cells(svg: str) -> list[set[tuple[int, int]]]:
    """The corners of each shape of the path; runs of full cells one by one."""
    shapes: list[set[tuple[int, int]]] = []
    path = etree.fromstring(svg)[0].get("d", "")
    for shape in path.removesuffix("z").split("z"):
        if square := re.fullmatch(r"M(\d) (\d)h(\d)v1H\1", shape):
            x, y, length = map(int, square.groups())
            shapes += [{(at, y), (at + 1, y), (at, y + 1), (at + 1, y + 1)} for at in range(x, x + length)]
        else:
            triangle = re.fullmatch(r"M(\d) (\d)h(-?1)L(\d) (\d)", shape)
            assert triangle, shape
            x, y, across, x2, y2 = map(int, triangle.groups())
            shapes.append({(x, y), (x + across, y), (x2, y2)})
    return shapes


@pytest.mark.django_db
class TestOnThePage:
    def test_each_comment_has_its_own(self, client: Client) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post)
        page = client.get(post.get_absolute_url()).content.decode()
        assert avatar(comment) in page
        assert comment.email not in page

    def test_what_waits_has_nobody_s_so_that_nobody_can_try_out_addresses(self, client: Client) -> None:
        post = PostFactory.create()
        comment = CommentFactory.create(entry=post, status=Status.PENDING)
        page = client.get(view_url(comment)).content.decode()
        assert neutral() in page
        assert avatar(comment) not in page

    def test_an_owner_can_leave_them_out(self, client: Client) -> None:
        CommentSettings.objects.update(show_avatars=False)
        post = PostFactory.create()
        CommentFactory.create(entry=post)
        assert find(read(client.get(post.get_absolute_url())), ".avatar") == []


@pytest.mark.django_db
class TestRoles:
    """In words, and without a query more (see test_section)."""

    def roles(self, client: Client, **more: Any) -> list[str]:
        comment = CommentFactory.create(**more)
        page = read(client.get(comment.entry.get_absolute_url()))
        return [str(role.text) for role in find(page, ".comment-role")]

    def test_the_staff_is_marked(self, client: Client) -> None:
        assert self.roles(client, user=UserFactory.create(role="Moderator")) == ["Staff"]

    def test_so_is_the_author_of_the_text(self, client: Client) -> None:
        author = UserFactory.create(role="Author")
        assert self.roles(client, entry=PostFactory.create(author=author), user=author) == ["Author"]

    @pytest.mark.parametrize("more", [{"is_staff": False}, {"is_staff": True, "is_active": False}])
    def test_nobody_else_is(self, client: Client, more: dict[str, bool]) -> None:
        assert self.roles(client, user=UserFactory.create(**more)) == []
