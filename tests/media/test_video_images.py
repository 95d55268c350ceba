"""Metadata that cameras write into the images of a video, in each codec that has room for it and each container."""

import contextlib
import io
import re
import struct
import zlib
from typing import Final
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from media.cleaners.nal_units import UnitCleaner
from media.cleaners.streams import CHUNK
from media.metadata import clean_file
from tests.factories.containers import avi, bitmap_header, matroska
from tests.factories.files import MP4
from tests.factories.hostile_files import cleaned, reveals
from tests.factories.recordings import SECRET, ebml, messages, noted, play, recording
from tests.factories.revealing_files import box, jpeg, movie

NOTE: Final = messages((5, SECRET))
# A sample of an image and a message: two units, each after its length.
SAMPLE: Final = b"\0\0\0\x05\x65" + bytes(4) + NOTE
CLEAN_SAMPLE: Final = SAMPLE.replace(SECRET, b"\xff" * len(SECRET))


def full_box(kind: bytes, flags: int, *numbers: int, rest: bytes = b"") -> bytes:
    return box(kind, struct.pack(f">I{len(numbers)}I", flags, *numbers) + rest)


def track(track_id: int, kind: bytes) -> bytes:
    coding = box(b"avcC", b"\1\x64\0\x1f\xff\xe0\0")
    described = full_box(b"stsd", 0, 1, rest=box(b"avc1", bytes(78) + coding))
    handler = full_box(b"hdlr", 0, 0, rest=kind + bytes(12))
    return box(
        b"trak",
        full_box(b"tkhd", 0, 0, 0, track_id) + box(b"mdia", handler + box(b"minf", box(b"stbl", described))),
    )


def defaults(track_id: int) -> bytes:
    return full_box(b"trex", 0, track_id, 1, 0, len(SAMPLE), 0)


MOVIE: Final = MP4[:24] + box(b"moov", track(7, b"vide") + box(b"mvex", defaults(7)))
WITH_SENSORS: Final = MP4[:24] + box(
    b"moov", track(8, b"meta") + track(7, b"vide") + box(b"mvex", defaults(8) + defaults(7))
)


def fragment(header: bytes, *runs: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a fragment of track 7."""
    return box(b"moof", full_box(b"mfhd", 0, 1) + before + box(b"traf", header + b"".join(runs)) + after)


def header(flags: int, *numbers: int, track_id: int = 7) -> bytes:
    return full_box(b"tfhd", flags, track_id, *numbers)


def run(flags: int, *numbers: int) -> bytes:
    return full_box(b"trun", flags, *numbers)


# How a fragment can state the positions of its samples: two at the beginning of the data and one at its end.
LENGTH: Final = len(SAMPLE)
FRAGMENTS: Final = {
    "after its beginning": (header(0x020000), run(0x1, 2, 0), run(0x1, 1, 2 * LENGTH + 4)),
    "by default": (header(0), run(0x1, 2, 0), run(0x1, 1, 2 * LENGTH + 4)),
    "of a stated size": (header(0x020010, LENGTH), run(0x1, 2, 0), run(0x1, 1, 2 * LENGTH + 4)),
    "with all that a header can say": (
        header(0x02003A, 1, 1000, LENGTH, 0),
        run(0x1, 2, 0),
        run(0x1, 1, 2 * LENGTH + 4),
    ),
    "each with its size": (
        header(0x020000),
        run(0xF05, 2, 0, 9, 1, LENGTH, 9, 9, 1, LENGTH, 9, 9),
        run(0x201, 2, 2 * LENGTH, 4, LENGTH),
    ),
    "one after the other": (header(0x020000), run(0x201, 1, 0, LENGTH), run(0x200, 3, LENGTH, 4, LENGTH)),
}


def fragmented(case: str) -> bytes:
    """Return a video with the fragment of a case, whose positions are relative to the beginning of its data."""
    head, *runs = FRAGMENTS[case]
    data = SAMPLE * 2 + b"\0\0\0\0" + SAMPLE
    start = len(fragment(head, *runs)) + 8
    shifted = [
        each[:16] + struct.pack(">i", int.from_bytes(each[16:20]) + start) + each[20:] if each[11] & 1 else each
        for each in runs
    ]
    return MOVIE + fragment(head, *shifted) + box(b"mdat", data + SECRET)


class TestFragments:
    @pytest.mark.parametrize("case", FRAGMENTS)
    def test_are_cleaned_however_they_state_the_positions_of_their_samples(self, case: str) -> None:
        content = fragmented(case)
        end = len(content) - len(SECRET)
        data = 2 * SAMPLE + b"\0\0\0\0" + SAMPLE
        assert content[:end].endswith(data)
        clean = cleaned(content, "a.mp4")
        # The remaining bytes belong to no track.
        assert clean[end - len(data) :] == data.replace(SECRET, b"\xff" * len(SECRET)) + bytes(len(SECRET))
        assert clean[len(MOVIE) : end - len(data)] == content[len(MOVIE) : end - len(data)]

    def test_can_state_an_absolute_position(self) -> None:
        start = len(MOVIE + fragment(header(0x1, 0, 0), run(0, 1))) + 8
        content = MOVIE + fragment(header(0x1, 0, start), run(0, 1)) + box(b"mdat", SAMPLE)
        assert cleaned(content, "a.mp4").endswith(CLEAN_SAMPLE)

    def test_of_a_track_follow_the_data_of_the_previous_track(self) -> None:
        second = box(b"traf", header(0) + run(0, 1))
        start = len(fragment(header(0), run(0x1, 1, 0), after=second)) + 8
        content = MOVIE + fragment(header(0), run(0x1, 1, start), after=second) + box(b"mdat", SAMPLE * 2)
        assert cleaned(content, "a.mp4").endswith(CLEAN_SAMPLE * 2)

    def test_of_sensors_become_padding_with_everything_that_refers_to_them(self) -> None:
        sensors = header(0x020000, track_id=8) + run(0x1, 1, 0)
        start = len(fragment(header(0x020000), run(0x1, 1, 0), before=box(b"traf", sensors))) + 8
        sensors = header(0x020000, track_id=8) + run(0x1, 1, start)
        shown = header(0x020000), run(0x1, 1, start + len(SECRET))
        seeking = [
            full_box(b"sidx", 0, track_id, 1000, 0, 0, 0) + box(b"mfra", full_box(b"tfra", 0, track_id, 0, 0))
            for track_id in (7, 8)
        ]
        data = box(b"mdat", SECRET + SAMPLE)
        content = WITH_SENSORS + fragment(*shown, before=box(b"traf", sensors)) + data + b"".join(seeking)
        clean = cleaned(content, "a.mp4")
        assert len(clean) == len(content)
        assert box(b"mdat", bytes(len(SECRET)) + CLEAN_SAMPLE) in clean
        for kind in (b"trak", b"trex", b"traf", b"tfhd", b"trun", b"sidx", b"tfra"):
            assert (content.count(kind), clean.count(kind)) == (2, 1), kind
        assert fragment(*shown, before=box(b"free", bytes(len(sensors)))) in clean

    def test_that_follow_the_data_of_sensors_are_refused(self) -> None:
        sensors = header(0x0, track_id=8) + run(0x1, 1, 300)
        content = WITH_SENSORS + fragment(header(0x0), run(0x0, 1), before=box(b"traf", sensors))
        with pytest.raises(ValidationError, match="too many parts"):
            cleaned(content + box(b"mdat", bytes(900)), "a.mp4")

    @pytest.mark.parametrize(
        "runs",
        [
            (header(0x020000), run(0x1, 1, 2**32 - 2_000)),
            (header(0x020000), run(0x1, 1, 2**31 - 1)),
            (header(0x020000), run(0x1, 2**32 - 1, 100)),
            (header(0x020000), run(0x201, 2**32 - 1, 100, 5)),
            (header(0x020000), run(0x201, 1, 100, 2**32 - 1)),
            (header(0x1, 2**32 - 1, 2**32 - 1), run(0x1, 1, 2**31 - 1)),
            (run(0x1, 1, 100),),
            (box(b"tfhd", b"\0\0\0\0"), run(0x1, 1, 100)),
            (header(0x3B, 0), run(0x1, 1, 100)),
            (header(0x020000), box(b"trun", b"\0\0\0\1")),
        ],
        ids=[
            "before the file",
            "after it",
            "too many samples",
            "too many sizes",
            "too large",
            "exabytes",
            "without a header",
            "a header that is cut",
            "a header without its fields",
            "a run that is cut",
        ],
    )
    def test_that_point_outside_the_file_are_refused(self, runs: tuple[bytes, ...]) -> None:
        with pytest.raises(ValidationError, match="damaged"):
            cleaned(MOVIE + fragment(*runs) + box(b"mdat", SAMPLE), "a.mp4")

    def test_that_overlap_need_no_more_reads_than_others(self) -> None:
        class Counting(io.BytesIO):
            reads = 0

            def read(self, size: int | None = -1) -> bytes:
                self.reads += 1
                return super().read(size)

        start = len(fragment(header(0x020000), *[run(0x1, 1, 0)] * 2_000)) + 8
        overlapping = fragment(header(0x020000), *[run(0x1, 100, start)] * 2_000)
        source = Counting(MOVIE + overlapping + box(b"mdat", SAMPLE * 100))
        clean_file(source, io.BytesIO(), ".mp4")
        assert source.reads < 4 * 2_000 + 1_000

    @given(
        case=st.sampled_from(sorted(FRAGMENTS)),
        place=st.integers(len(MOVIE), len(MOVIE) + 250),
        junk=st.binary(min_size=1, max_size=8),
    )
    def test_are_cleaned_or_refused_whatever_bytes_they_contain(self, case: str, place: int, junk: bytes) -> None:
        content = fragmented(case)
        with contextlib.suppress(ValidationError):
            once = cleaned(content[:place] + junk + content[place + len(junk) :], "a.mp4")
            assert len(once) == len(content)

    @pytest.mark.parametrize(
        "flags",
        [
            "frag_keyframe+empty_moov",
            "frag_every_frame+empty_moov+omit_tfhd_offset",
            "frag_every_frame+empty_moov+separate_moof",
            "cmaf",
        ],
    )
    @pytest.mark.parametrize("codec", ["libx264", "libx265"])
    def test_show_the_same_images_after_cleaning(self, codec: str, flags: str) -> None:
        content = recording("mp4", codec, "aac", movflags=flags)
        assert b"moof" in content
        clean = cleaned(content, "a.mp4")
        assert SECRET not in clean
        assert not re.search(b"x26[45]", clean)
        assert play(clean)[0] == play(content)[0]


def byte_stream(*units: bytes) -> bytes:
    """Return the units with start codes in place of their four-byte lengths."""
    return b"".join(b"\0\0\0\1" + unit[4:] for unit in units)


def without_messages(stream: bytes) -> bytes:
    target = io.BytesIO(stream)
    UnitCleaner(is_h265=False)(io.BytesIO(stream), target, 0, len(stream))
    return target.getvalue()


IMAGE: Final = b"\0\0\0\x05\x65abcd"


class TestByteStreams:
    @given(payload=st.binary(max_size=300), zeros=st.integers(0, 3))
    def test_lose_the_same_messages_as_units_with_lengths(self, payload: bytes, zeros: int) -> None:
        note = messages((5, SECRET + payload), (6, payload))
        target = io.BytesIO(note)
        UnitCleaner(is_h265=False, length_size=4)(io.BytesIO(note), target, 0, len(note))
        stream = byte_stream(IMAGE, note, IMAGE) + bytes(zeros)
        assert without_messages(stream) == byte_stream(IMAGE, target.getvalue(), IMAGE) + bytes(zeros)

    @pytest.mark.parametrize("before", range(CHUNK - 14, CHUNK - 4))
    def test_are_cleaned_if_a_start_code_is_split_between_chunks(self, before: int) -> None:
        stream = byte_stream(b"\0\0\0\0\x65" + b"x" * before, NOTE)
        assert SECRET in stream
        assert SECRET not in without_messages(stream)

    def test_of_h265_lose_their_messages_too(self) -> None:
        stream = b"\0\0\1\x4e\1" + NOTE[5:]
        target = io.BytesIO(stream)
        UnitCleaner(is_h265=True)(io.BytesIO(stream), target, 0, len(stream))
        assert target.getvalue() == stream.replace(SECRET, b"\xff" * len(SECRET))

    @pytest.mark.parametrize("stream", [NOTE, b"\1" + NOTE, b"x" + byte_stream(NOTE)])
    def test_that_do_not_begin_with_a_start_code_are_refused(self, stream: bytes) -> None:
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            without_messages(stream)

    def test_with_a_message_of_megabytes_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="too many parts"):
            without_messages(byte_stream(messages((5, b"x" * CHUNK))))

    @given(place=st.integers(0, 80), junk=st.binary(min_size=1, max_size=8))
    @example(place=0, junk=b"\0\0\1\0\0\1")
    def test_of_any_form_keep_their_length(self, place: int, junk: bytes) -> None:
        stream = byte_stream(NOTE, IMAGE, NOTE)
        stream = stream[:place] + junk + stream[place:]
        with contextlib.suppress(ValidationError):
            assert len(without_messages(stream)) == len(stream)


class TestAVI:
    @pytest.mark.parametrize("name", [b"H264", b"h264", b"X264", b"avc1", b"DAVC", b"ai12", b"AVin", b"rv64"])
    def test_loses_messages_in_images_and_their_description(self, name: bytes) -> None:
        stream = byte_stream(IMAGE, NOTE)
        content = avi(name, stream, b"", stream, described=byte_stream(NOTE), heard=NOTE)
        clean = cleaned(content, "a.avi")
        # Sound contains no messages, even if it looks like one.
        assert (content.count(SECRET), clean.count(SECRET)) == (4, 1)
        assert NOTE in clean
        assert len(clean) == len(content)

    def test_with_another_codec_is_not_changed(self) -> None:
        content = avi(b"FMP4", NOTE, byte_stream(NOTE))
        assert cleaned(content, "a.avi") == content

    @pytest.mark.parametrize("stream", [b"txts", b"mids", b"GPS "])
    def test_loses_streams_other_than_images_and_sound(self, stream: bytes) -> None:
        clean = cleaned(avi(b"text", SECRET, stream=stream), "a.avi")
        assert clean.endswith(b"JUNK" + struct.pack("<I", len(SECRET)) + bytes(len(SECRET)))

    def test_with_lengths_instead_of_start_codes_is_refused(self) -> None:
        for content in (avi(b"H264", IMAGE + NOTE), avi(b"H264", described=b"\1\x64\0\x1f\xff\xe0\0")):
            with pytest.raises(ValidationError, match="a type that can't be cleaned"):
                cleaned(content, "a.avi")

    @given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=8))
    def test_is_cleaned_or_refused_whatever_bytes_it_contains(self, place: float, junk: bytes) -> None:
        content = avi(b"H264", byte_stream(IMAGE, NOTE), described=byte_stream(NOTE))
        start = int(place * len(content))
        with contextlib.suppress(ValidationError):
            once = cleaned(content[:start] + junk + content[start + len(junk) :], "a.avi")
            assert cleaned(once, "a.avi") == once


def containers(name: bytes, images: bytes) -> dict[str, bytes]:
    """Return a file of each kind, by name, with these images in a video with this codec."""
    described = ebml("63A2", bitmap_header(name))
    return {
        "a.avi": avi(name, images),
        "a.mkv": matroska(b"V_MS/VFW/FOURCC", images, described),
        "a.mov": movie((b"vide", images), codec=name),
    }


class TestMotionJPEG:
    @pytest.mark.parametrize("name", [b"MJPG", b"jpeg", b"mjpa", b"AVDJ", b"CJPG", b"ACDV", b"AVI1"])
    def test_loses_the_metadata_of_each_image(self, name: bytes) -> None:
        images = jpeg() + SECRET + bytes(4) + jpeg()
        for file, content in containers(name, images).items():
            clean = cleaned(content, file)
            assert not reveals(clean), file
            assert len(clean) == len(content)
            starts = [match.start() for match in re.finditer(b"\xff\xd8\xff", clean)]
            assert len(starts) == 2
            for start in starts:
                with Image.open(io.BytesIO(clean[start:])) as after, Image.open(io.BytesIO(jpeg())) as before:
                    assert after.tobytes() == before.tobytes()

    def test_in_mp4_is_a_subtype_of_mpeg_4(self) -> None:
        for kind, is_refused in ((b"\x6c", False), (b"\x6d", True)):
            described = bytes(50) + box(
                b"esds", b"\0\0\0\0\x03\x19\0\1\0\x04\x80\x80\x80\x11" + kind + b"\x11" + bytes(11)
            )
            content = movie((b"vide", jpeg()), codec=b"mp4v", described=described)
            if is_refused:
                with pytest.raises(ValidationError, match="a type that can't be cleaned"):
                    cleaned(content, "a.mp4")
            else:
                assert not reveals(cleaned(content, "a.mp4"))

    def test_in_matroska_has_its_own_codec_id(self) -> None:
        assert not reveals(cleaned(matroska(b"V_MJPEG", jpeg()), "a.mkv"))

    @pytest.mark.parametrize(
        "segment",
        [b"\xff\xe0\0\x10AVI1\1\0" + bytes(8), b"\xff\xe1\0\x2a\0\0\0\0mjpg" + b"x" * 32, b"\xff\xfe\0\x0bCS=ITU601"],
    )
    def test_keeps_what_decoders_need(self, segment: bytes) -> None:
        content = avi(b"MJPG", b"\xff\xd8" + segment + b"\xff\xda\0\2data\xff\xd9")
        assert cleaned(content, "a.avi") == content
        longer = segment[:2] + struct.pack(">H", len(segment) + 100) + segment[4:] + SECRET.ljust(102)
        assert SECRET not in cleaned(avi(b"MJPG", b"\xff\xd8" + longer + b"\xff\xd9"), "a.avi")

    @pytest.mark.parametrize("before", range(CHUNK - 6, CHUNK + 3))
    def test_is_cleaned_if_a_marker_is_split_between_chunks(self, before: int) -> None:
        image = b"\xff\xd8\xff\xda\0\2" + b"x" * before + b"\xff\xfe\0\x0e" + SECRET + b"\xff\xd9"
        assert cleaned(avi(b"MJPG", image), "a.avi") == avi(b"MJPG", image.replace(SECRET, bytes(len(SECRET))))

    def test_without_a_jpeg_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(avi(b"MJPG", SECRET), "a.avi")

    @given(place=st.integers(0, 900), junk=st.binary(min_size=1, max_size=8))
    def test_is_cleaned_or_refused_whatever_the_images_contain(self, place: int, junk: bytes) -> None:
        images = jpeg() + jpeg()
        content = avi(b"MJPG", images[:place] + junk + images[place:])
        with contextlib.suppress(ValidationError):
            once = cleaned(content, "a.avi")
            assert len(once) == len(content)
            assert cleaned(once, "a.avi") == once

    def test_shows_the_same_images_after_cleaning(self) -> None:
        for container in ("avi", "mov", "matroska"):
            content = recording(container, "mjpeg", "pcm_s16le")
            assert play(cleaned(content, f"a.{container[:3].replace('mat', 'mkv')}"))[0] == play(content)[0]


class TestMPEG:
    # The start code of a picture, which the following byte doesn't turn into one of user data.
    PICTURE: Final = b"\0\0\1\x00\xb2pictures"
    NOTED: Final = b"\0\0\1\xb2" + SECRET
    EMPTIED: Final = b"\0\0\1\xb2" + bytes(len(SECRET))

    def in_mp4(self, images: bytes, described: bytes) -> bytes:
        """Return a video with a description that follows its length and precedes other data."""
        specific = b"\x05\x80" + bytes([len(described)]) + described + b"\x06\1\2"
        configured = b"\x04\x80\x80\x80" + bytes([13 + len(specific)]) + b"\x20\x11" + bytes(11) + specific
        described = bytes(50) + box(b"esds", b"\0\0\0\0\x03\x40\0\1\0" + configured)
        return movie((b"vide", images), codec=b"mp4v", described=described)

    @pytest.mark.parametrize(
        "name", [b"FMP4", b"XVID", b"DX50", b"SIPP", b"\4\0\0\0", b"mpg2", b"hdv2", b"xdv7", b"M701", b"CAVS"]
    )
    def test_loses_user_data_anywhere(self, name: bytes) -> None:
        images = self.PICTURE + self.NOTED + self.PICTURE + self.NOTED
        expected = images.replace(self.NOTED, self.EMPTIED)
        files = containers(name, images) | {
            "b.avi": avi(name, b"", described=images),
            "b.mkv": matroska(b"V_MPEG2", images, ebml("63A2", images)),
            "c.mkv": matroska(b"V_MPEG4/ISO/ASP", images),
            "b.mp4": self.in_mp4(images, images),
        }
        for file, content in files.items():
            clean = cleaned(content, file)
            assert not reveals(clean), file
            assert clean.count(expected) == content.count(images), file
            assert cleaned(clean, file) == clean

    @pytest.mark.parametrize(
        "data",
        [b"GA94\x03captions", b"CC\1\xf8captions", b"DTG1\x41\xf8", b"DivX503b1393p\0", b"XviD0050", b"Lavc58.134.100"],
    )
    def test_keeps_captions_and_the_encoder_names_that_decoders_need(self, data: bytes) -> None:
        images = b"\0\0\1\xb2" + data + self.PICTURE
        for file, content in containers(b"FMP4", images).items():
            assert images in cleaned(content, file)
        assert SECRET not in cleaned(avi(b"FMP4", b"\0\0\1\xb2XviD0050 <" + SECRET), "a.avi")

    @pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video"])
    def test_shows_the_same_images_after_cleaning(self, codec: str) -> None:
        for container, name in (("avi", "a.avi"), ("matroska", "a.mkv"), ("mov", "a.mov"), ("mp4", "a.mp4")):
            content = recording(container, codec, "mp2")
            assert play(cleaned(content, name))[0] == play(content)[0]


class TestVC1:
    @pytest.mark.parametrize("name", [b"WVC1", b"wmva", b"vc-1"])
    def test_loses_user_data_anywhere(self, name: bytes) -> None:
        picture, captions = b"\0\0\1\x0d\x1epictures", b"\0\0\1\x1dGA94\3captions"
        noted = b"".join(b"\0\0\1" + bytes([kind]) + SECRET for kind in range(0x1B, 0x20))
        images = captions + noted + picture + noted
        expected = images.replace(SECRET, bytes(len(SECRET)))
        described = bytes(50) + box(b"dvc1", bytes(7) + images)
        files = containers(name, images) | {
            "b.avi": avi(name, b"", described=images),
            "b.mp4": movie((b"vide", images), codec=name, described=described),
        }
        for file, content in files.items():
            clean = cleaned(content, file)
            assert not reveals(clean), file
            assert clean.count(expected) == content.count(images), file
            assert cleaned(clean, file) == clean


class TestJPEG2000:
    COMMENT: Final = b"\xff\x64" + struct.pack(">HH", 4 + len(SECRET), 1) + SECRET
    EMPTIED: Final = b"\xff\x64" + struct.pack(">H", 4 + len(SECRET)) + bytes(2 + len(SECRET))
    SIZE: Final = b"\xff\x4f\xff\x51\0\x04\0\0"

    def image(self, comment: bytes) -> bytes:
        """Return an image with two tiles, whose data looks like a comment."""
        content = comment + b"\xff\x93\xff\x64\0\x09data"
        tile = b"\xff\x90\0\x0a\0\0" + struct.pack(">I", 12 + len(content)) + b"\0\1" + content
        return self.SIZE + comment + tile * 2 + b"\xff\xd9"

    @pytest.mark.parametrize("name", [b"mjp2", b"MJ2C", b"LJ2K"])
    @pytest.mark.parametrize("boxes", [b"", box(b"jP  ", b"\r\n\x87\n") + box(b"jp2h", b"header")])
    def test_loses_comments_in_images_and_tiles(self, name: bytes, boxes: bytes) -> None:
        def images(comment: bytes) -> bytes:
            return boxes + (box(b"jp2c", self.image(comment)) if boxes else self.image(comment))

        for file, content in containers(name, images(self.COMMENT)).items():
            clean = cleaned(content, file)
            assert images(self.EMPTIED) in clean, file
            assert not reveals(clean)
            assert cleaned(clean, file) == clean

    def test_loses_bytes_after_an_image(self) -> None:
        ended = self.SIZE + b"\xff\xd9"
        for file, content in containers(b"mjp2", ended * 2 + SECRET).items():
            assert ended * 2 + bytes(len(SECRET)) in cleaned(content, file), file

    def test_without_a_codestream_is_refused(self) -> None:
        endless = self.SIZE + b"\xff\x90\0\x0a" + bytes(8) + b"\xff\x93"
        for images in (b"image", box(b"jp2c", b"image"), self.SIZE + b"image", endless + self.image(self.COMMENT)):
            for file, content in containers(b"mjp2", images).items():
                with pytest.raises(ValidationError, match="a type that can't be cleaned"):
                    cleaned(content, file)

    @given(place=st.integers(0, 90), junk=st.binary(min_size=1, max_size=8))
    def test_is_cleaned_or_refused_whatever_bytes_it_contains(self, place: int, junk: bytes) -> None:
        images = self.image(self.COMMENT)
        content = avi(b"MJ2C", images[:place] + junk + images[place:])
        with contextlib.suppress(ValidationError):
            once = cleaned(content, "a.avi")
            assert len(once) == len(content)
            assert cleaned(once, "a.avi") == once

    def test_shows_the_same_images_after_cleaning(self) -> None:
        for container, name in (("avi", "a.avi"), ("mov", "a.mov"), ("matroska", "a.mkv")):
            content = recording(container, "jpeg2000", "pcm_s16le")
            comment = b"\xff\x64\0\x10\0\1Lavc"
            assert comment in content
            clean = cleaned(content, name)
            assert comment not in clean
            assert play(clean)[0] == play(content)[0]


def obu(kind: int, content: bytes) -> bytes:
    """Return an AV1 unit of less than 2,048 bytes."""
    size = bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    return bytes([kind << 3 | 2]) + size + content


class TestAV1:
    FRAME: Final = obu(6, b"frame " * 40)
    # A message of type 4, which has the same content as in H.264; and one of a private type.
    NOTED: Final = obu(5, b"\x04\xb5\0\x99" + SECRET) + obu(5, b"\x85\x01" + SECRET * 50)
    EMPTIED: Final = obu(15, bytes(3 + len(SECRET)) + b"\x80") + obu(15, bytes(1 + 50 * len(SECRET)) + b"\x80")
    SHOWN: Final = obu(5, b"\x04\xb5\0\x31GA94") + obu(5, b"\x01\3\xe8") + obu(5, b"\x02" + bytes(24))

    def files(self, images: bytes) -> dict[str, bytes]:
        configured = b"\x81\0\0\0" + images
        return {
            "a.mp4": movie((b"vide", images), codec=b"av01", described=bytes(50) + box(b"av1C", configured)),
            "a.mkv": matroska(b"V_AV1", images, ebml("63A2", configured)),
            "b.mkv": matroska(b"V_AV1", images, ebml("63A2", configured), group=ebml("9B", b"\1")),
        }

    def test_loses_messages_from_cameras_and_programs_and_keeps_others(self) -> None:
        images = obu(1, b"sequence") + self.NOTED + self.SHOWN + self.FRAME
        for file, content in self.files(images).items():
            clean = cleaned(content, file)
            assert not reveals(clean), file
            assert clean.count(images.replace(self.NOTED, self.EMPTIED)) == content.count(images) == 2, file
            assert cleaned(clean, file) == clean

    def test_in_avi_loses_messages_too(self) -> None:
        clean = cleaned(avi(b"AV01", self.NOTED + self.FRAME), "a.avi")
        assert self.EMPTIED + self.FRAME in clean

    def test_with_units_of_unknown_lengths_is_refused(self) -> None:
        for file, content in self.files(self.FRAME + b"\x28\x04\xb5" + SECRET).items():
            with pytest.raises(ValidationError, match="a type that can't be cleaned"):
                cleaned(content, file)

    @given(place=st.integers(0, 300), junk=st.binary(min_size=1, max_size=8))
    def test_is_cleaned_or_refused_whatever_bytes_it_contains(self, place: int, junk: bytes) -> None:
        images = self.NOTED + self.FRAME + self.NOTED
        for file, content in self.files(images[:place] + junk + images[place:]).items():
            with contextlib.suppress(ValidationError):
                once = cleaned(content, file)
                assert len(once) == len(content)
                assert cleaned(once, file) == once


@pytest.mark.parametrize(
    "name", [b"png ", b"MPNG", b"tiff", b"CFHD", b"aprh", b"AV01", b"vvc1", b"evc1", b"drac", b"mjpb", b"dpx "]
)
def test_codecs_whose_metadata_cannot_be_removed_are_refused(name: bytes) -> None:
    quicktime = matroska(b"V_QUICKTIME", SECRET, ebml("63A2", bytes(4) + name))
    for file, content in (containers(name, SECRET) | {"b.mkv": quicktime}).items():
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(content, file)


@pytest.mark.parametrize("codec", [b"V_MPEGI/ISO/VVC", b"V_DIRAC"])
def test_codecs_of_matroska_whose_metadata_cannot_be_removed_are_refused(codec: bytes) -> None:
    with pytest.raises(ValidationError, match="a type that can't be cleaned"):
        cleaned(matroska(codec, SECRET), "a.mkv")


@pytest.mark.parametrize("name", [b"avc1", b"dvav", b"aivx", b"xalg"])
def test_h264_of_cameras_is_cleaned_whether_it_is_described_or_not(name: bytes) -> None:
    described = bytes(50) + box(b"avcC", b"\1\x64\0\x1f\xff\xe0\0")
    assert CLEAN_SAMPLE in cleaned(movie((b"vide", SAMPLE), codec=name, described=described), "a.mov")
    stream = byte_stream(IMAGE, NOTE)
    undescribed = movie((b"vide", stream), codec=name, described=bytes(50))
    assert stream in undescribed
    assert stream.replace(SECRET, b"\xff" * len(SECRET)) in cleaned(undescribed, "a.mov")
    with pytest.raises(ValidationError, match="a type that can't be cleaned"):
        cleaned(movie((b"vide", SAMPLE), codec=name, described=bytes(50)), "a.mov")


class TestDV:
    DATE: Final = b"\x62\xff\x03\x02\x21"
    SOURCE: Final = b"\x60\xff\xff\x00\xff"

    @pytest.mark.parametrize("name", [b"dvsd", b"dvc ", b"dvh5", b"dv50", b"CDVH", b"dvlp"])
    def test_loses_dates_and_camera_settings(self, name: bytes) -> None:
        unknown = b"\xff" * 5
        subcode, auxiliary, sound, image = b"\x3f\7\0", b"\x56\7\0", b"\x76\7\0", b"\x96\7\0"

        def frame(date: bytes) -> bytes:
            packs = b"".join(bytes(3) + date for _number in range(6))
            return b"".join(
                part.ljust(80, b"\xff")
                for part in (
                    b"\x1f\7\0",
                    subcode + packs,
                    auxiliary + self.SOURCE + date,
                    sound + date,
                    image + self.DATE,
                )
            )

        for file, content in containers(name, frame(self.DATE) * 900).items():
            clean = cleaned(content, file)
            assert frame(unknown) * 900 in clean, file
            assert len(clean) == len(content)

    def test_interleaved_with_sound_is_cleaned_too(self) -> None:
        content = avi(b"dvsd", b"\x1f\7\0".ljust(80, b"\xff") + b"\x56\7\0" + self.DATE, stream=b"iavs")
        assert self.DATE not in cleaned(content, "a.avi")


AVC: Final = b"V_MPEG4/ISO/AVC"
AVC_DESCRIPTION: Final = ebml("63A2", b"\1\x64\0\x1f\xff\xe0\0")


@pytest.mark.parametrize(
    ("language", "is_kept"),
    [(b"en", True), (b"eng", True), (b"pt-BR", True), (b"zh-Hant-TW", True), (b"es-419", True), (SECRET, False)],
)
class TestLanguages:
    def test_of_matroska_are_kept_unless_they_are_other_text(self, language: bytes, is_kept: bool) -> None:
        expected = language if is_kept else bytes(len(language))
        for element in ("22B59C", "22B59D"):
            content = matroska(b"V_VP9", b"x", ebml(element, language))
            assert ebml(element, expected) in cleaned(content, "a.mkv")

    def test_of_mp4_are_kept_unless_they_are_other_text(self, language: bytes, is_kept: bool) -> None:
        stated = box(b"elng", bytes(4) + language + b"\0")
        content = bytearray(movie((b"soun", b"SOUND")))
        for kind, offset in ((b"moov", -4), (b"trak", -4), (b"mdia", -4), (b"stco", 12)):
            place = content.index(kind) + offset
            content[place : place + 4] = (int.from_bytes(content[place : place + 4]) + len(stated)).to_bytes(4)
        begin = content.index(b"mdia") + 4
        clean = cleaned(bytes(content[:begin]) + stated + bytes(content[begin:]), "a.mp4")
        assert b"SOUND" in clean
        assert (stated in clean) is is_kept
        assert SECRET not in clean


class TestMatroska:
    def test_unknown_elements_in_descriptions_and_cues_become_padding(self) -> None:
        unknown = ebml("7FFF", SECRET)
        video = ebml("B0", b"\2"), ebml("55B0", ebml("55B1", b"\1"), ebml("55D0", unknown), unknown), unknown
        described = (
            ebml("E0", *video, ebml("7670", ebml("7671", b"\0"), unknown)),
            ebml("E1", ebml("9F", b"\2"), unknown),
        )
        content = matroska(b"V_VP9", b"x", *described)
        cues = ebml("1C53BB6B", ebml("BB", ebml("B3", b"\1"), ebml("B7", ebml("F7", b"\1"), unknown), unknown), unknown)
        # Append the cues to the segment, whose header is its ID and its length.
        start = content.index(bytes.fromhex("18538067"))
        content = content[:start] + ebml("18538067", content[start + 12 :], cues)
        clean = cleaned(content, "a.mkv")
        assert not reveals(clean)
        for kept in (ebml("B0", b"\2"), ebml("55B1", b"\1"), ebml("7671", b"\0"), ebml("9F", b"\2"), ebml("F7", b"\1")):
            assert kept in clean

    def test_only_what_is_needed_to_read_compressed_or_encrypted_blocks_stays(self) -> None:
        unknown = ebml("7FFF", SECRET)
        order, compression, stripped = ebml("5031", b"\0"), ebml("4254", b"\3"), ebml("4255", b"\x49\x83\x42")
        encryption, key, mode = ebml("47E1", b"\5"), ebml("47E2", b"key"), ebml("47E8", b"\1")
        signature = ebml("47E3", SECRET)
        encodings = ebml(
            "6D80",
            ebml("6240", order, unknown, ebml("5034", compression, stripped, unknown)),
            ebml("6240", ebml("5035", encryption, key, signature, ebml("47E7", mode, unknown))),
            unknown,
        )
        content = matroska(b"V_VP9", b"x", encodings)
        clean = cleaned(content, "a.mkv")
        assert not reveals(clean)
        assert len(clean) == len(content)
        for kept in (order, compression, stripped, encryption, key, mode):
            assert kept in clean
        assert cleaned(clean, "a.mkv") == clean

    def test_with_a_codec_of_avi_loses_messages_in_images(self) -> None:
        described = ebml("63A2", bitmap_header(b"H264", byte_stream(NOTE)))
        content = matroska(b"V_MS/VFW/FOURCC", byte_stream(IMAGE, NOTE), described)
        clean = cleaned(content, "a.mkv")
        assert (content.count(SECRET), clean.count(SECRET)) == (2, 0)

    def test_without_a_description_must_have_start_codes(self) -> None:
        assert SECRET not in cleaned(matroska(AVC, byte_stream(IMAGE, NOTE)), "a.mkv")
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(matroska(AVC, IMAGE + NOTE), "a.mkv")

    def test_with_compressed_or_laced_blocks_is_refused(self) -> None:
        compressed = matroska(AVC, NOTE, AVC_DESCRIPTION, ebml("6D80", ebml("6240", b"")))
        shared = matroska(AVC, NOTE, AVC_DESCRIPTION, flags=2)
        assert SECRET not in cleaned(matroska(AVC, NOTE, AVC_DESCRIPTION), "a.mkv")
        for content in (compressed, shared):
            with pytest.raises(ValidationError, match="a type that can't be cleaned"):
                cleaned(content, "a.mkv")

    @pytest.mark.parametrize("is_packed", [False, True])
    @pytest.mark.parametrize("in_group", [False, True])
    def test_loses_subtitles_of_drones(self, is_packed: bool, in_group: bool) -> None:
        def file(text: bytes) -> bytes:
            text = zlib.compress(text, 0) if is_packed else text
            compressed = [ebml("6D80", ebml("6240", b""))] if is_packed else []
            return matroska(b"S_TEXT/UTF8", text, *compressed, group=ebml("9B", b"\1") if in_group else b"")

        position = file(b"GPS (149.0251, -20.2532, 18) " + SECRET)
        clean = cleaned(position, "a.mkv")
        assert not reveals(clean)
        assert b"S_TEXT" not in clean
        assert len(clean) == len(position)
        assert cleaned(clean, "a.mkv") == clean
        assert cleaned(file(b"Turn left!"), "a.mkv") == file(b"Turn left!")

    def test_keeps_only_needed_elements_of_a_block_group(self) -> None:
        duration = ebml("9B", b"\x14")
        group = duration + ebml("EC", SECRET) + ebml("1F000001", SECRET)
        clean = cleaned(matroska(AVC, NOTE, AVC_DESCRIPTION, group=group), "a.mkv")
        assert SECRET not in clean
        assert duration in clean


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_windows_media_with_metadata_in_its_images_is_refused(codec: str) -> None:
    with pytest.raises(ValidationError, match="a type that can't be cleaned"):
        cleaned(recording("asf", codec, "wmav2"), "a.wmv")


@pytest.mark.parametrize("name", [b"WVC1", b"WMVA", b"WVP2"])
def test_windows_media_with_vc1_which_can_have_user_data_is_refused(name: bytes) -> None:
    content = recording("asf", "wmv2", "wmav2")
    assert b"WMV2" in content
    with pytest.raises(ValidationError, match="a type that can't be cleaned"):
        cleaned(content.replace(b"WMV2", name), "a.wmv")


def test_windows_media_with_commands_is_refused() -> None:
    content = recording("asf", "wmv2", "wmav2")
    sound = UUID("F8699E40-5B4D-11CF-A8FD-00805F5C442B").bytes_le
    assert sound in content
    with pytest.raises(ValidationError, match="a type that can't be cleaned"):
        cleaned(content.replace(sound, UUID("59DACFC0-59E6-11D0-A3AC-00A0C90348F6").bytes_le), "a.wmv")


def test_an_avi_shows_the_same_images_after_cleaning() -> None:
    content = noted("avi", "pcm_s16le")
    clean = cleaned(content, "a.avi")
    assert SECRET in content
    assert not re.search(b"x264|" + SECRET, clean)
    assert play(clean)[0] == play(content)[0]
