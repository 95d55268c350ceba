"""Images that look the same are found by their fingerprints and merged, which can be undone."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from media import duplicates, trash
from media.fingerprints import MAX_DISTANCE, find_like, fingerprint
from media.models import LikePictures, Picture
from media.pictures import store_picture
from media.renditions import make_renditions
from tests.factories import PostFactory, UserFactory
from tests.factories.files import picture_file
from tests.factories.responses import fetch, find, message, read, text
from tests.factories.types import Work

pytestmark = pytest.mark.django_db

DUPLICATES = reverse("admin:media_picture_duplicates")
MERGE = reverse("admin:media_picture_merge")
BITS = st.integers(-(2**63), 2**63 - 1)


def drawing(seed: int) -> Image.Image:
    """Return a picture of some boxes, always the same for a seed."""
    chance = random.Random(seed)  # noqa: S311  # no secret depends on it
    image = Image.new("RGB", (800, 600), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        left, top = chance.randrange(700), chance.randrange(500)
        box = (left, top, left + chance.randrange(20, 300), top + chance.randrange(20, 300))
        draw.rectangle(box, fill=(chance.randrange(256), chance.randrange(256), chance.randrange(256)))
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> SimpleUploadedFile:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return SimpleUploadedFile(f"a.{kind.lower()}", written.getvalue())


@pytest.fixture
def editor() -> Client:
    client = Client()
    client.force_login(UserFactory(role="Editor"))
    return client


@pytest.fixture
def pair() -> tuple[Picture, Picture]:
    """The same image as a large PNG and as a small JPEG, known to look the same."""
    large = store_picture(encoded(drawing(1)), title="large")
    small = store_picture(encoded(drawing(1).resize((400, 300)), "JPEG", quality=60), title="small")
    for picture in (large, small):
        duplicates.take_fingerprint(picture)
    duplicates.search()
    return large, small


class TestFingerprints:
    @pytest.mark.parametrize(
        "change",
        [
            lambda image: image.resize((400, 300)),
            lambda image: image.resize((1600, 1200)),
            lambda image: Image.open(encoded(image, "JPEG", quality=40)),
            lambda image: Image.open(encoded(image, "WEBP", quality=50)),
            lambda image: image.convert("L"),
            lambda image: image.convert("P"),
            lambda image: image.convert("RGBA"),
            lambda image: image.point(lambda value: min(255, value + 20)),
        ],
    )
    def test_stay_nearly_the_same_in_another_size_and_format(
        self, change: Callable[[Image.Image], Image.Image]
    ) -> None:
        for seed in range(5):
            before, after = fingerprint(drawing(seed)), fingerprint(change(drawing(seed)))
            assert before != 0
            assert ((before ^ after) & (2**64 - 1)).bit_count() <= MAX_DISTANCE

    def test_of_other_images_differ(self) -> None:
        prints = [fingerprint(drawing(seed)) for seed in range(60)]
        distances = [((a ^ b) & (2**64 - 1)).bit_count() for i, a in enumerate(prints) for b in prints[:i]]
        assert min(distances) > MAX_DISTANCE

    @pytest.mark.parametrize("colour", ["white", "black", "teal"])
    def test_of_plain_images_are_zero(self, colour: str) -> None:
        assert fingerprint(Image.new("RGB", (80, 60), colour)) == 0
        assert fingerprint(Image.linear_gradient("L")) == 0
        assert fingerprint(Image.new("RGB", (1, 1), colour)) == 0

    @given(BITS, st.sets(st.integers(0, 63), max_size=MAX_DISTANCE))
    def test_that_differ_in_a_few_bits_are_always_found(self, bits: int, flipped: set[int]) -> None:
        other = bits
        for bit in flipped:
            other ^= 1 << bit
        assert list(find_like([(1, bits, 1.5), (2, other, 1.5)])) == [(1, 2, len(flipped))]

    @given(st.lists(BITS, max_size=30))
    def test_only_pairs_within_the_distance_are_found(self, prints: list[int]) -> None:
        for first, second, distance in find_like((pk, bits, 1.0) for pk, bits in enumerate(prints)):
            assert first < second
            assert ((prints[first] ^ prints[second]) & (2**64 - 1)).bit_count() == distance <= MAX_DISTANCE

    def test_of_many_equal_images_give_a_limited_number_of_pairs(self) -> None:
        assert len(list(find_like((pk, 0x0F0F0F0F0F0F0F0F, 1.0) for pk in range(2_000)))) < 2_000 * 100

    def test_images_of_another_shape_are_not_compared(self) -> None:
        assert not list(find_like([(1, 5, 1.5), (2, 5, 1.0)]))


class TestSearching:
    def test_the_worker_and_the_command_take_the_fingerprint_of_every_image(self, work: Work) -> None:
        first, second = (store_picture(encoded(drawing(seed))) for seed in (1, 2))
        make_renditions(first)
        assert duplicates.without_fingerprint().count() == 2
        call_command("make_renditions", stdout=io.StringIO(), stderr=io.StringIO())
        assert not duplicates.without_fingerprint().exists()
        second.replace_file(encoded(drawing(3)))
        assert [picture.pk for picture in duplicates.without_fingerprint()] == [second.pk]

    def test_an_unreadable_image_is_skipped_permanently(self) -> None:
        picture = store_picture(picture_file())
        picture.file.storage.delete(str(picture.file.name))
        duplicates.take_fingerprint(picture)
        assert not duplicates.without_fingerprint().exists()
        assert duplicates.search() == 0

    def test_groups_are_shown_side_by_side(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        other = store_picture(encoded(drawing(2)), title="another")
        duplicates.take_fingerprint(other)
        PostFactory(source=f"![]({pair[1].file.url})")
        assert "2 images" not in message(editor.post(DUPLICATES, follow=True))
        response = editor.get(DUPLICATES)
        for fact in ("PNG, 800 × 600", "JPEG, 400 × 300", "Used in 1 place", "Unused"):
            assert fact in text(read(response))
        # One box, so that there is no gap before a comma.
        facts = [text(box).rpartition(", ")[0] for box in find(read(response), ".media-facts > span")]
        assert {"PNG, 800 × 600", "JPEG, 400 × 300"} <= set(facts)
        assert "another" not in response.content.decode()

    def test_images_marked_as_different_are_not_suggested_again(
        self, editor: Client, pair: tuple[Picture, Picture]
    ) -> None:
        editor.post(DUPLICATES, {"different": "1", "ids": [each.pk for each in pair]})
        assert duplicates.groups() == []
        assert "No duplicates found." in message(editor.post(DUPLICATES, follow=True))
        assert LikePictures.objects.get().are_different

    def test_the_page_says_how_many_images_have_no_fingerprint_yet(self, editor: Client) -> None:
        store_picture(picture_file())
        assert "1 image has not been analysed yet" in editor.post(DUPLICATES, follow=True).content.decode()

    @pytest.mark.parametrize(("role", "status"), [("Editor", 200), ("Author", 403), ("Moderator", 403)])
    def test_is_only_for_users_who_may_delete_images(
        self, role: str, status: int, pair: tuple[Picture, Picture]
    ) -> None:
        client = Client()
        client.force_login(UserFactory(role=role))
        assert client.get(DUPLICATES).status_code == status
        assert (f'href="{DUPLICATES}"' in client.get("/admin/media/picture/").content.decode()) == (status == 200)
        assert client.get(MERGE, {"ids": [each.pk for each in pair]}).status_code == status
        assert client.post(DUPLICATES, follow=True).status_code == status

    def test_the_number_of_queries_does_not_grow(self, editor: Client, django_assert_max_num_queries: Any) -> None:
        for seed in range(4):
            for size in ((800, 600), (400, 300)):
                duplicates.take_fingerprint(store_picture(encoded(drawing(seed).resize(size))))
        duplicates.search()
        with django_assert_max_num_queries(26):
            html = editor.get(DUPLICATES).content.decode()
        assert html.count("media-group") == 4


class TestMerging:
    def merge(self, editor: Client, source: Picture, target: Picture) -> Any:
        data = {"ids": [source.pk, target.pk], "target": target.pk, "confirm": target.pk}
        return editor.post(MERGE, data, follow=True)

    def test_first_shows_what_it_will_change(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        post = PostFactory(title="The march", source=f"![]({small.file.url})")
        html = editor.get(MERGE, {"ids": f"{small.pk},{large.pk}"}).content.decode()
        # By default, the largest image is kept.
        assert f'name="confirm" value="{large.pk}"' in " ".join(html.split())
        assert small.file.url in html
        assert f"/admin/blog/post/{post.pk}/change/" in html
        chosen = editor.post(MERGE, {"ids": [large.pk, small.pk], "target": small.pk}).content.decode()
        assert f'name="confirm" value="{small.pk}"' in " ".join(chosen.split())
        # A different image was chosen than the one that the page showed, so the page is shown again.
        editor.post(MERGE, {"ids": [large.pk, small.pk], "target": large.pk, "confirm": small.pk})
        assert Picture.objects.present().count() == 2

    def test_takes_over_a_missing_alternative_text(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        Picture.objects.filter(pk=small.pk).update(alt="A <crowd> at the gate")
        html = editor.get(MERGE, {"ids": f"{small.pk},{large.pk}"}).content.decode()
        assert "“large”, which has no alternative text, gets this one:" in html
        assert '<q dir="auto">A &lt;crowd&gt; at the gate</q>' in html
        self.merge(editor, small, large)
        large.refresh_from_db()
        assert large.alt == "A <crowd> at the gate"
        trash.restore(Picture, [small.pk])
        large.refresh_from_db()
        assert large.alt == ""

    def test_keeps_an_existing_alternative_text(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        Picture.objects.filter(pk=small.pk).update(alt="A crowd")
        Picture.objects.filter(pk=large.pk).update(alt="Protest in May")
        assert "gets this one" not in editor.get(MERGE, {"ids": f"{small.pk},{large.pk}"}).content.decode()
        self.merge(editor, small, large)
        large.refresh_from_db()
        assert large.alt == "Protest in May"

    def test_undoing_keeps_an_alternative_text_that_was_changed_since(
        self, editor: Client, pair: tuple[Picture, Picture]
    ) -> None:
        large, small = pair
        Picture.objects.filter(pk=small.pk).update(alt="A crowd")
        self.merge(editor, small, large)
        Picture.objects.filter(pk=large.pk).update(alt="A crowd at the gate")
        trash.restore(Picture, [small.pk])
        large.refresh_from_db()
        assert large.alt == "A crowd at the gate"

    def test_takes_the_text_of_the_first_image_that_has_one(self, editor: Client) -> None:
        target, *others = (store_picture(picture_file(), alt=alt) for alt in (" ", "", "First", "Second"))
        trash.merge([picture.pk for picture in others], target.pk)
        target.refresh_from_db()
        assert target.alt == "First"

    def test_shows_the_kept_image_everywhere_and_can_be_undone(
        self, editor: Client, client: Client, pair: tuple[Picture, Picture], django_capture_on_commit_callbacks: Any
    ) -> None:
        large, small = pair
        post = PostFactory(source=f"![A crowd]({small.file.url})", featured_picture=small)
        with django_capture_on_commit_callbacks(execute=True):
            response = self.merge(editor, small, large)
        assert "1 image merged into “large”" in message(response)
        post.refresh_from_db()
        assert post.featured_picture == large
        assert small.file.url in post.source
        html = client.get(post.get_absolute_url()).content.decode()
        assert small.file.url not in html
        assert f'src="{large.file.url}"' in html
        moved = client.get(small.file.url)
        assert (moved.status_code, moved["Location"]) == (301, large.file.url)
        assert [each.pk for each in Picture.objects.present()] == [large.pk]
        details = editor.get(reverse("admin:media_picture_change", args=[large.pk])).content.decode()
        assert f"/admin/blog/post/{post.pk}/change/" in details
        assert "nothing shows" not in details.lower()

        (form,) = find(read(response), "form.undo")
        with django_capture_on_commit_callbacks(execute=True):
            editor.post(form.get("action", ""), follow=True)
        post.refresh_from_db()
        assert post.featured_picture == small
        assert fetch(client, small.file.url).status_code == 200
        assert small.file.url in client.get(post.get_absolute_url()).content.decode()

    def test_undoing_keeps_later_changes(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        other = store_picture(picture_file())
        post, kept = PostFactory(featured_picture=small), PostFactory(featured_picture=large)
        self.merge(editor, small, large)
        type(post).objects.filter(pk=post.pk).update(featured_picture=other)
        trash.restore(Picture, [small.pk])
        post.refresh_from_db()
        kept.refresh_from_db()
        assert (post.featured_picture, kept.featured_picture) == (other, large)

    def test_in_a_chain_redirects_every_url_to_the_last_image_and_is_undone_step_by_step(
        self, editor: Client, client: Client
    ) -> None:
        first, second, third = (store_picture(picture_file(), title=title) for title in ("1", "2", "3"))
        self.merge(editor, first, second)
        self.merge(editor, second, third)
        assert [client.get(each.file.url).get("Location") for each in (first, second)] == [third.file.url] * 2
        trash.restore(Picture, [second.pk])
        assert client.get(first.file.url)["Location"] == second.file.url
        trash.restore(Picture, [first.pk])
        assert Picture.objects.present().count() == 3

    def test_keeps_the_redirect_when_the_file_has_been_removed(self, editor: Client, client: Client) -> None:
        source, target = store_picture(picture_file()), store_picture(picture_file())
        self.merge(editor, source, target)
        deleted_at = Picture.objects.values_list("deleted_at", flat=True).get(pk=source.pk)
        assert deleted_at is not None
        Picture.objects.filter(pk=source.pk).update(deleted_at=deleted_at - trash.RESTORABLE_FOR)
        trash.remove_expired()
        assert not default_storage.exists(str(source.file.name))
        assert client.get(source.file.url)["Location"] == target.file.url
        assert not trash.restore(Picture, [source.pk])
        # When the kept image is deleted too, there is nothing to redirect to.
        trash.delete(Picture, [target.pk])
        assert client.get(source.file.url).status_code == 410

    def test_by_two_editors_at_once_happens_once(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        self.merge(editor, small, large)
        assert "Someone else merged or deleted" in message(self.merge(editor, small, large))
        assert "Someone else merged or deleted" in message(self.merge(editor, large, small))

    def test_invalid_requests_merge_nothing(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        large, small = pair
        for data in (
            {},
            {"ids": "x"},
            {"ids": large.pk},
            {"ids": large.pk, "target": large.pk, "confirm": large.pk},
            {"ids": [large.pk, small.pk], "target": 999, "confirm": 999},
            {"ids": ",".join(map(str, range(1000)))},
        ):
            assert editor.post(MERGE, data, follow=True).status_code == 200
        assert Picture.objects.present().count() == 2

    def test_can_be_started_from_the_list(self, editor: Client, pair: tuple[Picture, Picture]) -> None:
        data = {"action": "merge_selected", "_selected_action": [each.pk for each in pair]}
        html = editor.post(reverse("admin:media_picture_changelist"), data).content.decode()
        assert "Which image do you want to keep?" in html

    def test_merged_images_are_listed_and_restored_from_there(
        self, editor: Client, pair: tuple[Picture, Picture]
    ) -> None:
        large, small = pair
        self.merge(editor, small, large)
        url = f"{reverse('admin:media_picture_changelist')}?deleted=merged"
        html = editor.get(url).content.decode()
        assert "Merged into large" in html
        assert "delete_selected" not in html
        assert editor.post(reverse("admin:media_picture_delete", args=[small.pk]), {"post": "yes"}).status_code == 403
        editor.post(url, {"action": "restore_selected", "_selected_action": [small.pk]})
        assert Picture.objects.present().count() == 2

    def test_the_kept_image_can_be_deleted_and_removed_for_good_with_them(
        self, editor: Client, pair: tuple[Picture, Picture], django_capture_on_commit_callbacks: Any
    ) -> None:
        large, small = pair
        self.merge(editor, small, large)
        data = {"action": "delete_selected", "_selected_action": [large.pk]}
        url = reverse("admin:media_picture_changelist")
        for path in (url, f"{url}?deleted=yes"):
            assert "Cannot delete" not in editor.post(path, data).content.decode()
            with django_capture_on_commit_callbacks(execute=True):
                assert "1 image deleted." in message(editor.post(path, data | {"post": "yes"}, follow=True))
        assert not Picture.objects.exists()
        assert not any(default_storage.exists(str(picture.file.name)) for picture in pair)
