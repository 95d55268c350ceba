"""Metadata that WordPress has read from files is not preserved, because it reveals who took a photo, where and how."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from wordpress.importing.attachment_metadata import without_file_metadata
from wordpress.models import Attachment, PreservedData
from wordpress.wxr.php_values import PHPValue, parse, serialise

KEY = "_wp_attachment_metadata"
forget = import_module("wordpress.migrations.0006_forget_file_metadata").forget
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.dictionaries(st.integers(0, 99) | st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def kept(value: PHPValue) -> PHPValue:
    ((_key, text),) = without_file_metadata(((KEY, serialise(value)),))
    return parse(text)


class TestMetadata:
    def test_of_an_image_keeps_the_sizes_and_loses_the_camera(self) -> None:
        sizes: PHPValue = {"medium": {"file": "a-300x200.jpg", "width": 300, "height": 200}}
        image_meta: PHPValue = {
            "aperture": "2.8",
            "camera": "Amina's phone",
            "created_timestamp": "1400000000",
            "orientation": "6",
            "keywords": {0: "Amina"},
        }
        assert kept({"width": 60, "file": "2014/a.jpg", "sizes": sizes, "image_meta": image_meta, "x": "Amina"}) == {
            "width": 60,
            "file": "2014/a.jpg",
            "sizes": sizes,
            "image_meta": {
                "aperture": "",
                "camera": "",
                "created_timestamp": "0",
                "orientation": "6",
                "keywords": {},
            },
        }

    def test_of_audio_loses_the_tags(self) -> None:
        audio: PHPValue = {"codec": "aac", "encoder": "Amina"}
        value: PHPValue = {"length": 3, "artist": "Amina", "image": {"mime": "image/png"}, "audio": audio}
        assert kept(value) == {"length": 3, "audio": {"codec": "aac"}}

    @pytest.mark.parametrize(
        "text", ["", "Amina", 'a:1:{s:99:"x";i:1;}', 'O:8:"stdClass":0:{}', "a:0:{}x", "a:1:{" * 99]
    )
    def test_that_cannot_be_read_is_left_out(self, text: str) -> None:
        assert without_file_metadata(((KEY, text), ("other", text))) == (("other", text),)

    def test_without_values_is_kept(self) -> None:
        assert without_file_metadata(((KEY, "a:0:{}"),)) == ((KEY, "a:0:{}"),)


class TestPHPValues:
    @given(VALUES)
    def test_are_read_as_they_are_written(self, value: PHPValue) -> None:
        assert parse(serialise(value)) == value

    @given(st.text(alphabet='asbid:;"{}0123456789N', max_size=40))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            value = parse(text)
        except ValueError:
            return
        assert parse(serialise(value)) == value

    def test_lengths_are_counted_in_utf_8_bytes(self) -> None:
        assert serialise({"é": "ح"}) == 'a:1:{s:2:"é";s:2:"ح";}'


@pytest.mark.django_db
def test_metadata_preserved_by_earlier_versions_is_removed() -> None:
    attachment = Attachment.objects.create(site="https://old.example", wordpress_id=30, url="https://old.example/a.jpg")
    fields = {"meta": [[KEY, 'a:1:{s:6:"camera";s:5:"Amina";}'], ["other", "x"]], "elements": {"title": "A"}}
    row = PreservedData.objects.create(attachment=attachment, fields=fields)
    forget(apps, connection.schema_editor(atomic=False))
    row.refresh_from_db()
    assert row.fields == {"meta": [["other", "x"]], "elements": {"title": "A"}}
