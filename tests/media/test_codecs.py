"""Which codecs of video, audio and subtitles are accepted in each container. Any other is refused."""

import re
import struct
from typing import Final
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError

from tests.factories.containers import avi, bitmap_header, matroska
from tests.factories.files import ogg_page, wav
from tests.factories.hostile_files import cleaned, reveals
from tests.factories.recordings import SECRET, ebml, play, recording
from tests.factories.revealing_files import box, movie

# A file name for each container, as FFmpeg calls it, and the codecs that it can have.
FILE_NAMES: Final = {
    "avi": "a.avi",
    "mov": "a.mov",
    "mp4": "a.mp4",
    "3gp": "a.3gp",
    "matroska": "a.mkv",
    "asf": "a.wmv",
    "wav": "a.wav",
}
VIDEO: Final = {
    "avi": """
        asv1 asv2 cinepak cljr dvvideo ffv1 flashsv flv h263 h263p jpeg2000 libvpx libvpx-vp9 libx264 magicyuv mjpeg
        mpeg2video mpeg4 msmpeg4 msmpeg4v2 msvideo1 r10k r210 rawvideo rpza snow speedhq utvideo v210 wmv1 wmv2 y41p
        yuv4 zlib
        """,
    "mov": """
        cinepak dnxhd dvvideo dxv h263 jpeg2000 libx264 libx265 magicyuv mjpeg mpeg2video mpeg4 msmpeg4 prores
        prores_ks qtrle r10k r210 rpza v210 y41p yuv4
        """,
    "mp4": "ffv1 jpeg2000 libvpx-vp9 libx264 libx265 mjpeg mpeg2video mpeg4",
    "3gp": "h263 libx264 mpeg4",
    "matroska": """
        ffv1 jpeg2000 libvpx libvpx-vp9 libx264 libx265 mjpeg mpeg2video mpeg4 msmpeg4 prores prores_ks rawvideo snow
        """,
    "asf": "cinepak ffv1 flv h263 libvpx msmpeg4 msmpeg4v2 msvideo1 rawvideo utvideo wmv1 wmv2",
}
AUDIO: Final = {
    "avi": """
        aac ac3 adpcm_ima_wav adpcm_ms adpcm_yamaha eac3 libmp3lame mp2 pcm_alaw pcm_f32le pcm_mulaw pcm_s16le
        pcm_s24le pcm_u8 wmav1 wmav2
        """,
    "mov": """
        aac ac3 adpcm_ima_qt alac eac3 libmp3lame mp2 pcm_alaw pcm_f32le pcm_mulaw pcm_s16be pcm_s16le pcm_s24le
        pcm_u8 pcm_s8
        """,
    "mp4": "aac ac3 alac eac3 flac libmp3lame libopus mp2 pcm_f32le pcm_s16be pcm_s16le pcm_s24le",
    "3gp": "aac",
    "matroska": """
        aac ac3 alac eac3 flac libmp3lame libopus mp2 pcm_f32le pcm_s16be pcm_s16le pcm_s24le pcm_u8 vorbis
        """,
    "asf": "aac ac3 adpcm_ima_wav adpcm_ms libmp3lame mp2 pcm_alaw pcm_s16le wmav1 wmav2",
    "wav": """
        ac3 adpcm_ima_wav adpcm_ms adpcm_yamaha eac3 libmp3lame mp2 pcm_alaw pcm_f32le pcm_mulaw pcm_s16le pcm_s24le
        pcm_u8 wmav2
        """,
}
CASES: Final = [(container, video, "") for container, videos in VIDEO.items() for video in videos.split()] + [
    (container, "", audio) for container, audios in AUDIO.items() for audio in audios.split()
]
# Codecs that FFmpeg can't write, by their names in AVI, QuickTime or both.
OF_AVI: Final = """
    tscc TSC2 CSCD ZMBV FPS1 LAGS MSS1 MSS2 VMnc SCPR RSCC xtor MSZH HFYU FFVH YLC0 IV31 IV32 IV41 IV50 RT21 cvid mrle
    CRAM VP31 VP50 VP60 VP62 VP6F VP70 FLV4 H261 I263 T263 WMV3 WMVP DIV3 DIV4 MP41 MP42 MP43 MPG4 COL1 AP41 LM20 DUCK
    TM20 ULTI VIXL QPEG AASC LOCO WNV1 VCR1 UYVY YV12 I420 NV12 Y800 HDYC v410 FICV SPV1
"""
OF_QUICKTIME: Final = """
    SVQ3 icod pxlt Hap1 HapY smc rle 8BPS raw 2vuy yuvs v408 R10k h263 s263 3IVD vp08 vp09 IV50 WMV3
"""
SOUND_OF_QUICKTIME: Final = """
    mp4a apac alac ac-3 ec-3 dtsc dtsl mlpa samr sawb sevc sqcp Qclp QDM2 QDMC agsm ima4 MAC3 MAC6 .mp3 fLaC Opus spex
    ulaw alaw twos sowt raw NONE lpcm in24 in32 fl32 fl64 ipcm fpcm ms\0\x02 ms\0\x11 ms\0U nmos ilbc
"""
SOUND_OF_WAV: Final = (
    *(
        0x1,
        0x2,
        0x3,
        0x6,
        0x7,
        0x11,
        0x14,
        0x20,
        0x22,
        0x31,
        0x42,
        0x45,
        0x50,
        0x55,
        0x57,
        0x61,
        0x62,
        0x83,
        0xFF,
        0x125,
    ),
    *(0x130, 0x160, 0x161, 0x162, 0x163, 0x1610, 0x2000, 0x2001, 0xA109, 0xF1AC),
)
OF_MATROSKA: Final = """
    V_MPEG4/MS/V3 V_FFV1 V_REAL/RV20 V_REAL/RV40 V_THEORA V_UNCOMPRESSED V_VP8 V_VP9 A_AAC A_AAC/MPEG4/LC/SBR A_AC3
    A_ALAC A_DTS A_EAC3 A_MLP A_MPEG/L2 A_MPEG/L3 A_OPUS A_PCM/FLOAT/IEEE A_PCM/INT/BIG A_PCM/INT/LIT A_REAL/COOK
    A_TRUEHD A_TTA1 S_TEXT/UTF8 S_TEXT/WEBVTT S_HDMV/PGS S_DVBSUB S_ARIBSUB D_WEBVTT/SUBTITLES
"""


def four(name: str) -> bytes:
    return name.encode("latin-1").ljust(4)


def wav_of(number: int, subformat: int = 0) -> bytes:
    """Return a WAV with this codec."""
    described = (
        struct.pack("<HHIIHHHHI", number, 1, 8000, 8000, 1, 8, 22, 8, 4) + struct.pack("<I", subformat) + bytes(12)
    )
    chunks = b"fmt " + struct.pack("<I", len(described)) + described + b"data\4\0\0\0" + b"data"
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def esds(kind: int, identifier: bytes = b"\0\1\0") -> bytes:
    """Return a description of MPEG-4 frames of this kind."""
    return box(b"esds", bytes(4) + b"\x03\x19" + identifier + b"\x04\x11" + bytes([kind]) + b"\x15" + bytes(15))


class TestAccepted:
    @pytest.mark.parametrize(("container", "video", "audio"), CASES)
    def test_recordings_play_as_before_and_reveal_nothing(self, container: str, video: str, audio: str) -> None:
        content, name = recording(container, video, audio), FILE_NAMES[container]
        clean = cleaned(content, name)
        assert reveals(content)
        assert not reveals(clean)
        assert cleaned(clean, name) == clean
        frames = play(content)[0]
        assert frames
        assert play(clean)[0] == frames

    @pytest.mark.parametrize("name", [*OF_AVI.split(), "\0\0\0\0", "\1\0\0\0", "\3\0\0\0"])
    def test_images_in_avi_and_in_matroska_are_not_changed(self, name: str) -> None:
        assert cleaned(content := avi(four(name), b"images"), "a.avi") == content
        content = matroska(b"V_MS/VFW/FOURCC", b"images", ebml("63A2", bitmap_header(four(name))))
        assert cleaned(content, "a.mkv") == content

    @pytest.mark.parametrize("name", OF_QUICKTIME.split())
    def test_images_in_quicktime_are_not_changed(self, name: str) -> None:
        assert b"IMAGES" in cleaned(movie((b"vide", b"IMAGES"), codec=four(name), described=bytes(50)), "a.mov")
        assert b"IMAGES" in cleaned(matroska(b"V_QUICKTIME", b"IMAGES", ebml("63A2", bytes(4) + four(name))), "a.mkv")

    @pytest.mark.parametrize("name", SOUND_OF_QUICKTIME.split())
    def test_sound_in_quicktime_is_not_changed(self, name: str) -> None:
        assert b"SOUND" in cleaned(movie((b"soun", b"SOUND"), codec=four(name)), "a.mov")

    @pytest.mark.parametrize("number", SOUND_OF_WAV)
    def test_sound_in_wav_avi_and_matroska_is_not_changed(self, number: int) -> None:
        for content in (wav_of(number), wav_of(0xFFFE, number)):
            assert cleaned(content, "a.wav") == content
        content = avi(b"cvid", b"images", heard=b"sound", sound=number)
        assert cleaned(content, "a.avi") == content
        content = matroska(b"A_MS/ACM", b"sound", ebml("63A2", number.to_bytes(2, "little") + bytes(16)))
        assert cleaned(content, "a.mkv") == content

    @pytest.mark.parametrize("codec", OF_MATROSKA.split())
    def test_codecs_of_matroska_are_not_changed(self, codec: str) -> None:
        content = matroska(codec.encode(), b"data")
        assert cleaned(content, "a.mkv") == content

    @pytest.mark.parametrize("name", [b"text", b"tx3g", b"c608", b"wvtt"])
    def test_subtitles_of_mp4_are_not_changed(self, name: bytes) -> None:
        assert b"Hello" in cleaned(movie((b"text", b"Hello"), codec=name), "a.mp4")

    @pytest.mark.parametrize("kind", [0x40, 0x66, 0x67, 0x69, 0x6B, 0xA5, 0xA6, 0xA9, 0xE1])
    @pytest.mark.parametrize("identifier", [b"\0\1\0", b"\0\4\0", b"\0\1\x80\0\2", b"\0\1\x20\0\2"])
    def test_kinds_of_sound_in_mpeg_4_are_not_changed(self, kind: int, identifier: bytes) -> None:
        described = esds(kind, identifier)
        assert b"SOUND" in cleaned(movie((b"soun", b"SOUND"), described=described), "a.mp4")
        in_wave = box(b"wave", box(b"frma", b"mp4a") + box(b"mp4a", bytes(4)) + described + box(bytes(4), b""))
        assert b"SOUND" in cleaned(movie((b"soun", b"SOUND"), described=in_wave), "a.mov")


def asf(*properties: bytes, extended: bytes = b"") -> bytes:
    """Return a Windows Media file with the properties of streams, alone or within extended ones, and with data."""
    header = asf_object("5FBF03B5-A92E-11CF-8EE3-00C00C205365", bytes(18) + struct.pack("<I", len(extended)) + extended)
    header += b"".join(properties)
    data = asf_object("75B22636-668E-11CF-A6D9-00AA0062CE6C", bytes(16) + b"packets")
    return asf_object("75B22630-668E-11CF-A6D9-00AA0062CE6C", bytes(4) + b"\1\2" + header) + data


def asf_object(kind: str, body: bytes) -> bytes:
    return UUID(kind).bytes_le + struct.pack("<Q", 24 + len(body)) + body


def asf_video(name: bytes) -> bytes:
    """Return the properties of a stream with this codec."""
    kind = UUID("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B").bytes_le
    return asf_object("B7DC0791-A9B7-11CF-8EE6-00C00C205365", kind + bytes(49) + bitmap_header(name))


def asf_extended(*extensions: str, name: bytes = b"", stream: bytes = b"") -> bytes:
    """Return extended properties with a name, extensions of packets, and the properties of a stream."""
    body = bytes(60) + struct.pack("<HHHH", 1, len(extensions), 0, len(name)) + name
    body += b"".join(UUID(each).bytes_le + struct.pack("<HI", 2, 3) + b"abc" for each in extensions)
    return asf_object("14E6A5CB-C672-4332-8399-A96952065B5A", body + stream)


# By what is unknown: a file and the name of the codec in the message.
WMV: Final = recording("asf", "wmv2", "wmav2")
UNKNOWN: Final = {
    "video in AVI": (avi(b"Qx9?", b"images"), "a.avi", "Qx9?"),
    "audio in AVI": (avi(b"cvid", b"images", sound=0x1234), "a.avi", "0x1234"),
    "video in QuickTime": (movie((b"vide", b"x"), codec=b"Qx9?", described=bytes(50)), "a.mov", "Qx9?"),
    "video in MP4": (movie((b"vide", b"x"), codec=b"Qx9?", described=bytes(50)), "a.mp4", "Qx9?"),
    "audio in QuickTime": (movie((b"soun", b"x"), codec=b"Qx9?"), "a.mov", "Qx9?"),
    "audio in QuickTime with a number": (movie((b"soun", b"x"), codec=b"ms\x12\x34"), "a.mov", "0x1234"),
    "subtitles in MP4": (movie((b"sbtl", b"x"), codec=b"stpp"), "a.mp4", "stpp"),
    "frames of MPEG-4": (movie((b"soun", b"x"), described=esds(0xDD)), "a.m4a", "MPEG-4 0xDD"),
    "frames of MPEG-4 in QuickTime": (
        movie((b"soun", b"x"), described=box(b"wave", box(b"frma", b"mp4a") + esds(0xDD))),
        "a.mov",
        "MPEG-4 0xDD",
    ),
    "a track in Matroska": (matroska(b"V_WHATEVER", b"x"), "a.mkv", "V_WHATEVER"),
    "a track in Matroska without data": (
        matroska(b"V_VPX", b"x").replace(ebml("A3", b"\x81\0\0\0x"), ebml("EC", b"\x81\0\0\0x")),
        "a.mkv",
        "V_VPX",
    ),
    "video of AVI in Matroska": (
        matroska(b"V_MS/VFW/FOURCC", b"x", ebml("63A2", bitmap_header(b"Qx9?"))),
        "a.mkv",
        "Qx9?",
    ),
    "audio of WAV in Matroska": (matroska(b"A_MS/ACM", b"x", ebml("63A2", b"\x34\x12" + bytes(16))), "a.mkv", "0x1234"),
    "video of QuickTime in Matroska": (matroska(b"V_QUICKTIME", b"x", ebml("63A2", b"\0\0\0\0Qx9?")), "a.mkv", "Qx9?"),
    "video in Windows Media": (WMV.replace(b"WMV2", b"Qx9?"), "a.wmv", "Qx9?"),
    "audio in Windows Media": (WMV.replace(b"\x61\1\2\0\x80\xbb", b"\x34\x12\2\0\x80\xbb"), "a.wmv", "0x1234"),
    "video in Windows Media that only some players show": (
        asf(asf_video(b"WMV3"), extended=asf_extended(stream=asf_video(b"Qx9?"))),
        "a.wmv",
        "Qx9?",
    ),
    "audio in WAV": (wav_of(0x1234), "a.wav", "0x1234"),
    "audio in WAV with a GUID": (wav_of(0xFFFE, 0x12345678), "a.wav", "0x12345678"),
    "a stream in Ogg": (ogg_page(b"\x80kate\0\0\0", serial=1), "a.ogg", "kate"),
}
REVEALING_IMAGES: Final = """
    MJLS png tiff gif tga dpx exr sgi qdrw CFHD aprn aprh apv1 vvc1 evc1 drac theo SVQ1 svqi G2M4
"""
REVEALING_SOUND: Final = "dvca vdva mha1 mhm1 ac-4 iamf drms"
REVEALING_TRACKS: Final = (
    "V_DIRAC V_MPEGI/ISO/VVC V_PNG V_SVQ1 A_WAVPACK4 D_WEBVTT/METADATA S_KATE S_TEXT/USF B_VOBBTN A_MS/ACMX V_"
)


class TestRefused:
    @pytest.mark.parametrize("case", UNKNOWN)
    def test_unknown_codecs_are_named_with_what_to_do(self, case: str) -> None:
        content, name, codec = UNKNOWN[case]
        message = re.escape(f"can't be cleaned: “{codec}”. Convert it to MP3, or to MP4 with H.264 and AAC.")
        with pytest.raises(ValidationError, match=message):
            cleaned(content, name)

    def test_names_of_any_bytes_are_readable_in_the_message(self) -> None:
        for name, shown in ((b"<\0\xff>", "< >"), (b"\1\2\3\xff", "0x010203ff"), (b"\xe9\xe9\xe9\xe9", "0xe9e9e9e9")):
            with pytest.raises(ValidationError, match=f"“{shown}”"):
                cleaned(avi(name, b""), "a.avi")
        with pytest.raises(ValidationError, match=r"“x{40}”"):
            cleaned(matroska(b"x" * 9_000, b""), "a.mkv")

    @pytest.mark.parametrize("name", REVEALING_IMAGES.split())
    def test_images_with_metadata_are_refused(self, name: str) -> None:
        for content, file in (
            (avi(four(name), SECRET), "a.avi"),
            (movie((b"vide", SECRET), codec=four(name), described=bytes(50)), "a.mov"),
            (matroska(b"V_MS/VFW/FOURCC", SECRET, ebml("63A2", bitmap_header(four(name)))), "a.mkv"),
        ):
            with pytest.raises(ValidationError, match=f"“{name.strip()}”"):
                cleaned(content, file)

    @pytest.mark.parametrize("name", REVEALING_SOUND.split())
    def test_sound_with_metadata_is_refused(self, name: str) -> None:
        with pytest.raises(ValidationError, match=f"“{name}”"):
            cleaned(movie((b"soun", SECRET), codec=four(name)), "a.mov")

    @pytest.mark.parametrize("codec", REVEALING_TRACKS.split())
    def test_tracks_of_matroska_with_metadata_are_refused(self, codec: str) -> None:
        with pytest.raises(ValidationError, match=f"“{codec}”"):
            cleaned(matroska(codec.encode(), SECRET), "a.mkv")

    @pytest.mark.parametrize("audio", ["avi", "wav", "mp4"])
    def test_vorbis_outside_ogg_and_matroska_whose_description_has_comments_is_refused(self, audio: str) -> None:
        content = recording(audio, audio="vorbis")
        assert reveals(content)
        with pytest.raises(ValidationError, match=r"“(?:0x566F|MPEG-4 0xDD)”"):
            cleaned(content, f"a.{audio}")

    def test_tracks_without_a_description_are_refused(self) -> None:
        for content, file in (
            (movie((b"vide", b"x"), codec=b"vp09").replace(b"stsd", b"free"), "a.mp4"),
            (wav().replace(b"fmt ", b"junk"), "a.wav"),
            (matroska(b"V_MS/VFW/FOURCC", b"x"), "a.mkv"),
            (matroska(b"V_QUICKTIME", b"x"), "a.mkv"),
            (movie((b"soun", b"x"), described=box(b"esds", b"x")), "a.mp4"),
        ):
            with pytest.raises(ValidationError, match="incomplete or damaged"):
                cleaned(content, file)


class TestUndescribedData:
    def test_of_avi_becomes_padding(self) -> None:
        content = avi(b"cvid", b"images")
        for described in (b"strf", b"strh"):
            clean = cleaned(content.replace(described, b"JUNK"), "a.avi")
            assert b"images" not in clean
            assert len(clean) == len(content)

    def test_of_matroska_is_refused(self) -> None:
        content = matroska(b"V_VP9", b"images")
        begin, end = content.index(bytes.fromhex("1654AE6B")), content.index(bytes.fromhex("1F43B675"))
        late = content[:begin] + content[end:] + content[begin:end]
        other = content.replace(b"\x81\0\0\0images", b"\x82\0\0\0images")
        for each in (late, other):
            with pytest.raises(ValidationError, match="incomplete or damaged"):
                cleaned(each, "a.mkv")

    def test_each_part_of_a_joined_matroska_is_cleaned_by_its_own_codecs(self) -> None:
        first, second = matroska(b"V_VP9", SECRET), matroska(b"V_MPEG2", b"\0\0\1\xb2" + SECRET)
        clean = cleaned(first + second, "a.mkv")
        assert clean.count(SECRET) == 1
        assert b"\0\0\1\xb2" + bytes(len(SECRET)) in clean

    def test_of_windows_media_is_refused(self) -> None:
        assert b"packets" in cleaned(asf(asf_video(b"WMV3")), "a.wmv")
        with pytest.raises(ValidationError, match="incomplete or damaged"):
            cleaned(asf(), "a.wmv")


class TestWindowsMedia:
    DURATION: Final = "C6BD9450-867F-4907-83A3-C77921B733AD"

    def test_loses_the_names_of_streams_and_what_follows_their_properties(self) -> None:
        followed = asf(asf_video(b"WMV3"), extended=asf_extended(stream=SECRET))
        assert cleaned(followed, "a.wmv") == followed.replace(SECRET, bytes(len(SECRET)))
        extended = asf_extended(self.DURATION, name=SECRET, stream=asf_video(b"WMV2"))
        content = asf(asf_video(b"WMV3"), extended=extended)
        assert cleaned(content, "a.wmv") == content.replace(SECRET, bytes(len(SECRET)))

    def test_loses_its_id_which_may_consist_of_a_network_address_and_the_time(self) -> None:
        def with_id(file_id: bytes) -> bytes:
            properties = asf_object("8CABDCA1-A947-11CF-8EE4-00C00C205365", file_id + bytes(64))
            index = asf_object("33000890-E5B1-11CF-89F4-00A0C90349CB", file_id + bytes(16))
            content = asf(properties, asf_video(b"WMV3")) + index
            return content.replace(bytes(16) + b"packets", file_id + b"packets")

        assert cleaned(with_id(b"I" * 16), "a.wmv") == with_id(bytes(16))

    @pytest.mark.parametrize(
        "extension", ["399595EC-8667-4E2D-8FDB-98814CE76C1E", "E165EC0E-19ED-45D7-B4A7-25CBD1E28E9B"]
    )
    def test_with_time_codes_or_file_names_in_its_packets_is_refused(self, extension: str) -> None:
        content = asf(asf_video(b"WMV3"), extended=asf_extended(self.DURATION, extension))
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(content, "a.wmv")

    def test_with_extended_properties_that_are_cut_off_is_refused(self) -> None:
        cut = asf_extended(self.DURATION, name=SECRET)[24:-3]
        content = asf(asf_video(b"WMV3"), extended=asf_object("14E6A5CB-C672-4332-8399-A96952065B5A", cut))
        with pytest.raises(ValidationError, match="incomplete or damaged"):
            cleaned(content, "a.wmv")


class TestSubtitles:
    def test_of_dvds_lose_comments_in_their_description(self) -> None:
        kept = b"size: 720x576\npalette: 000000, ffffff\n"
        clean = cleaned(matroska(b"S_VOBSUB", b"x", ebml("63A2", b"# " + SECRET + b"\n" + kept)), "a.mkv")
        assert not reveals(clean)
        assert kept in clean


class TestProRes:
    HEADER: Final = bytes(4) + b"apl0" + struct.pack(">HH", 32, 32)
    IMAGE: Final = b"\x40" + struct.pack(">IH", 8 + 5, 1) + b"\0image"

    def frame(self, said: bytes, images: int = 1) -> bytes:
        """Return a frame with a matrix, and with this text in its header and at its end."""
        shape = bytes([0x84 if images == 2 else 0x80]) + bytes(6) + b"\x02"
        header = struct.pack(">H", 20 + 64 + len(said)) + self.HEADER[2:] + shape + b"m" * 64 + said
        return header + self.IMAGE * images + said

    @pytest.mark.parametrize("images", [1, 2])
    def test_loses_additions_to_headers_and_after_images(self, images: int) -> None:
        def boxed(said: bytes) -> bytes:
            frame = self.frame(said, images)
            return (struct.pack(">I", 8 + len(frame)) + b"icpf" + frame) * 2

        empty = bytes(len(SECRET))
        clean = cleaned(movie((b"vide", boxed(SECRET)), codec=b"apch", described=bytes(50)), "a.mov")
        assert boxed(empty) in clean
        # Matroska has frames without the box.
        assert self.frame(empty, images) in cleaned(matroska(b"V_PRORES", self.frame(SECRET, images)), "a.mkv")

    @pytest.mark.parametrize("frame", [b"image", b"\0\0\0\x09icpfx", b"\0\0\0\x08icpf", b"\0\0\x01\0icpf" + bytes(30)])
    def test_that_is_something_else_is_refused(self, frame: bytes) -> None:
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(movie((b"vide", frame), codec=b"apcn", described=bytes(50)), "a.mov")

    def test_with_images_longer_than_the_frame_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="incomplete or damaged"):
            cleaned(matroska(b"V_PRORES", self.frame(b"")[:-1]), "a.mkv")


class TestDNxHD:
    def frame(self, said: bytes) -> bytes:
        """Return a frame whose header has this text in place of the time code and of data of users."""
        header = bytearray(0x280)
        header[:8], header[0x28:0x2C] = b"\0\0\2\x80\1\1\x80\xa0", struct.pack(">I", 1235)
        header[0x30 : 0x30 + len(said)] = header[0x60 : 0x60 + len(said)] = said
        return bytes(header) + b"image" * 20_000

    def test_loses_time_codes_and_data_of_users(self) -> None:
        # Avid adds four bytes after interlaced frames.
        frames = self.frame(SECRET) * 2 + b"more" + self.frame(SECRET)
        expected = self.frame(b"") * 2 + b"more" + self.frame(b"")
        assert expected in cleaned(movie((b"vide", frames), codec=b"AVdn", described=bytes(50)), "a.mov")
        assert expected in cleaned(avi(b"AVdh", frames), "a.avi")

    def test_that_is_something_else_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="a type that can't be cleaned"):
            cleaned(movie((b"vide", b"image"), codec=b"AVdn", described=bytes(50)), "a.mov")
