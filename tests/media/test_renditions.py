"""Renditions are smaller copies of pictures, which the worker makes after an upload."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.tasks import TaskContext
from django_tasks_db.models import DBTaskResult
from PIL import Image
from pytest_django import Settings

from core.changes import content_changed, content_version
from media import renditions
from media.documents import store_document
from media.models import Picture, RenditionState
from media.pictures import store_picture
from media.renditions import due_pictures, make_renditions
from tests.factories.files import pdf_file
from tests.factories.types import Work

pytestmark = pytest.mark.django_db


def photo(width: int, height: int, kind: str = "JPEG", **options: Any) -> ContentFile[bytes]:
    """Return a noisy image, which takes many bytes like a photo."""
    written = io.BytesIO()
    noise = Image.effect_noise((width, height), 60).convert("RGB")
    noise.save(written, kind, **{"quality": 95, **options})
    return ContentFile(written.getvalue(), name="photo.jpg")


def made(content: ContentFile[bytes]) -> Picture:
    picture = store_picture(content)
    make_renditions(picture)
    picture.refresh_from_db()
    return picture


def opened(name: str) -> Image.Image:
    with default_storage.open(name) as file:
        return Image.open(io.BytesIO(file.read()))


def files(settings: Settings) -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


class TestSizes:
    @pytest.mark.parametrize(
        ("width", "widths"),
        [(300, [300]), (500, [500]), (700, [480, 700]), (1000, [480, 1000]), (1200, [480, 960, 1200])],
    )
    def test_no_rendition_is_wider_than_the_picture(self, width: int, widths: list[int]) -> None:
        picture = made(photo(width, 200))
        assert [(Path(each.name).suffix, each.width) for each in picture.renditions] == [
            *((".avif", width) for width in widths),
            *((".webp", width) for width in widths),
        ]
        for each in picture.renditions:
            assert opened(each.name).size == (each.width, round(200 * each.width / width))

    def test_the_widest_rendition_has_1600_pixels(self) -> None:
        assert {each.width for each in made(photo(2400, 100)).renditions} == {480, 960, 1600}

    def test_a_format_that_needs_more_bytes_than_the_file_is_left_out(self) -> None:
        written = io.BytesIO()
        Image.new("1", (600, 20)).save(written, "PNG")
        picture = made(ContentFile(written.getvalue(), name="line.png"))
        assert (picture.renditions, picture.rendition_state) == ([], RenditionState.DONE)

    def test_transparency_is_kept(self) -> None:
        written = io.BytesIO()
        noise = Image.effect_noise((600, 300), 90)
        Image.merge("RGBA", (noise, noise, noise, Image.new("L", noise.size, 0))).save(written, "PNG")
        picture = made(ContentFile(written.getvalue(), name="glass.png"))
        assert picture.renditions
        pixel = opened(picture.renditions[0].name).convert("RGBA").getpixel((5, 5))
        assert pixel[3] == 0  # type: ignore[index]  # a pixel has channels here

    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
    def test_animations_have_no_renditions(self, kind: str) -> None:
        frames = [Image.effect_noise((500, 300), spread).convert("RGB") for spread in (40, 90)]
        written = io.BytesIO()
        frames[0].save(written, kind, save_all=True, append_images=frames[1:])
        assert made(ContentFile(written.getvalue(), name="film.gif")).renditions == []


class TestWorker:
    def test_makes_renditions_after_an_upload(self, work: Work, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            first, second = store_picture(photo(600, 20)), store_picture(photo(600, 20))
        assert DBTaskResult.objects.count() == 1
        work()
        assert not due_pictures().exists()
        for picture in (first, second):
            picture.refresh_from_db()
            assert picture.renditions

    def test_expires_cached_pages_when_renditions_are_made(self, django_capture_on_commit_callbacks: Any) -> None:
        picture = store_picture(photo(600, 20))
        # Something else was published, which may show the picture.
        content_changed()
        before = content_version()
        with django_capture_on_commit_callbacks(execute=True):
            make_renditions(picture)
        assert content_version() == before + 1

    def test_neither_adding_files_nor_making_renditions_renews_pages_that_cannot_have_them(self) -> None:
        # From the dates of pages, anyone could learn when people work on a draft.
        before = content_version()
        picture = made(photo(600, 400))
        store_document(pdf_file())
        assert picture.renditions
        assert content_version() == before

    def test_gives_other_tasks_their_turn(
        self, work: Work, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        monkeypatch.setattr("media.tasks._TURN", -1)
        with django_capture_on_commit_callbacks(execute=True):
            store_picture(photo(600, 20))
        with django_capture_on_commit_callbacks(execute=True):
            row = DBTaskResult.objects.get()
            row.task.call(TaskContext(task_result=row.task_result))
        assert due_pictures().exists()
        assert DBTaskResult.objects.count() == 1

    def test_survives_a_damaged_or_missing_file(self, work: Work, caplog: pytest.LogCaptureFixture) -> None:
        broken, gone, good = (store_picture(photo(600, 20)) for _ in range(3))
        Path(broken.file.path).write_bytes(b"\xff\xd8\xff\xe0 no image")
        Path(gone.file.path).unlink()
        for picture in (broken, gone, good):
            make_renditions(picture)
        after = {picture.pk: picture for picture in Picture.objects.all()}
        assert {picture.rendition_state for picture in after.values()} == {RenditionState.DONE}
        assert [bool(after[picture.pk].renditions) for picture in (broken, gone, good)] == [False, False, True]
        assert caplog.text.count("could not be made") == 2

    def test_tries_a_picture_that_kills_it_only_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = store_picture(photo(600, 20))

        def die(*args: Any) -> None:
            raise SystemExit

        monkeypatch.setattr(renditions, "_encode", die)
        with pytest.raises(SystemExit):
            make_renditions(picture)
        assert not due_pictures().exists()


class TestFiles:
    def test_are_deleted_with_the_picture(self, settings: Settings, django_capture_on_commit_callbacks: Any) -> None:
        picture = store_picture(photo(600, 20))
        make_renditions(picture)
        assert len(files(settings)) == 5
        with django_capture_on_commit_callbacks(execute=True):
            # This instance was loaded before its renditions were made.
            picture.delete()
        assert files(settings) == set()

    def test_are_deleted_at_once_if_the_file_is_replaced(
        self, settings: Settings, django_capture_on_commit_callbacks: Any
    ) -> None:
        picture = made(photo(600, 20))
        assert len(files(settings)) == 5
        with django_capture_on_commit_callbacks(execute=True):
            picture.replace_file(photo(500, 20))
        assert files(settings) == {picture.file.name}

    def test_are_deleted_if_the_picture_is_deleted_while_they_are_made(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picture = store_picture(photo(600, 20))
        encode = renditions._encode

        def delete_first(*args: Any) -> bytes:
            Picture.objects.all().delete()
            return encode(*args)

        monkeypatch.setattr(renditions, "_encode", delete_first)
        make_renditions(picture)
        assert files(settings) == {picture.file.name}

    def test_those_of_a_file_that_was_replaced_meanwhile_are_not_kept(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even if another worker has begun with the new file."""
        picture = store_picture(photo(600, 20))
        with monkeypatch.context() as patched:

            def replace_first(*args: Any) -> bytes:
                patched.undo()
                picture.replace_file(photo(500, 20))
                Picture.objects.update(rendition_state=RenditionState.STARTED)
                return renditions._encode(*args)

            patched.setattr(renditions, "_encode", replace_first)
            make_renditions(Picture.objects.get())
        assert not Picture.objects.get().renditions
        assert files(settings) == {picture.file.name}
        make_renditions(picture)
        assert not Picture.objects.get().renditions

    def test_are_deleted_after_a_failure_halfway(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        picture = store_picture(photo(600, 20))
        save, calls = default_storage.save, []

        def full_disk(name: str, content: Any) -> str:
            calls.append(name)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")
            return save(name, content)

        monkeypatch.setattr(picture.file.storage, "save", full_disk)
        make_renditions(picture)
        assert files(settings) == {picture.file.name}

    def test_are_kept_by_an_edit_that_started_before_they_were_made(self) -> None:
        picture = store_picture(photo(600, 20))
        make_renditions(picture)
        picture.alt = "Noise"
        picture.save()
        picture.refresh_from_db()
        assert picture.renditions
        assert (picture.alt, picture.rendition_state) == ("Noise", RenditionState.DONE)

    def test_an_edit_keeps_what_replacing_the_file_has_written(self) -> None:
        picture = store_picture(photo(600, 20))
        Picture.objects.get().replace_file(photo(500, 30))
        picture.save()
        stored = Picture.objects.get()
        assert (stored.width, stored.height, stored.size) == (500, 30, stored.file.size)


class TestCommand:
    def test_makes_missing_renditions(self, capsys: pytest.CaptureFixture[str]) -> None:
        waiting, killed, done = (store_picture(photo(600, 20)) for _ in range(3))
        Picture.objects.filter(pk=killed.pk).update(rendition_state=RenditionState.STARTED)
        make_renditions(done)
        done.refresh_from_db()
        call_command("make_renditions")
        assert "2 images have their smaller copies." in capsys.readouterr().out
        assert not Picture.objects.exclude(rendition_state=RenditionState.DONE).exists()
        assert Picture.objects.get(pk=done.pk).renditions == done.renditions
        assert Picture.objects.get(pk=waiting.pk).renditions

    def test_replaces_all_renditions_and_removes_the_old_ones(self, settings: Settings) -> None:
        picture = made(photo(600, 20))
        (Path(settings.MEDIA_ROOT) / f"renditions/{picture.pk}/left-by-a-killed-process.avif").write_bytes(b"x")
        call_command("make_renditions", "--all")
        old, new = set(picture.file_names()), set(Picture.objects.get().file_names())
        assert files(settings) == set(new) | {str(picture.file.name)}
        assert len(old) == len(new)

    def test_continues_where_it_was_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = made(photo(600, 20)), made(photo(600, 20))
        encode = renditions._encode

        def interrupt(*args: Any) -> bytes:
            if Picture.objects.filter(rendition_state=RenditionState.DONE).exists():
                raise KeyboardInterrupt
            return encode(*args)

        monkeypatch.setattr(renditions, "_encode", interrupt)
        with pytest.raises(CommandError, match="Run the command again, without --all"):
            call_command("make_renditions", "--all")
        after = {picture.pk: picture.renditions for picture in Picture.objects.all()}
        assert after[second.pk] != second.renditions
        assert after[first.pk] == first.renditions
        monkeypatch.undo()
        call_command("make_renditions")
        assert Picture.objects.get(pk=first.pk).renditions != first.renditions
        assert Picture.objects.get(pk=second.pk).renditions == after[second.pk]
