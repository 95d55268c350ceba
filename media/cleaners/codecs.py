"""The codecs that are accepted, and how their frames are cleaned. A file with any other codec is refused.

A codec is either cleaned, or has frames in which no program or device stores names, places or times: there is no room
for them, or nothing but the name of the encoder. Sources: the specifications of the codecs, and FFmpeg's decoders of
those without one. The names are those that FFmpeg knows (libavformat/riff.c, isom_tags.c, matroska.c).
"""

from typing import IO, Final

from media.cleaners.frames import (
    CleanFrames,
    clean_dnxhd,
    clean_dv,
    clean_jpeg2000,
    clean_jpegs,
    clean_mpeg,
    clean_prores,
    clean_prores_frame,
    clean_vc1,
    keep_frames,
)
from media.cleaners.nal_units import UnitCleaner
from media.cleaners.obus import clean_obus
from media.cleaners.streams import damaged, unsupported_codec

# The length of the header that describes frames in AVI, Windows Media and Matroska, and where it names the codec.
BITMAP_HEADER: Final = 40
NAME: Final = slice(16, 20)
_LENGTH: Final = 4
_clean_h264, _clean_h265 = UnitCleaner(is_h265=False), UnitCleaner(is_h265=True)
# By name in AVI, QuickTime, MP4 and Windows Media, in capitals, without spaces at the end. Left out, so refused, are:
# images that are complete files (PNG, TIFF, Targa, DPX, QuickDraw, JPEG-LS), CineForm, ProRes RAW, APV, H.266, EVC,
# Dirac and Theora, which have metadata; Sorenson Video 1, whose frames can contain a message; GoToMeeting, which
# records more than the screen; audio of DV, which has dates; MPEG-H, AC-4 and IAMF, which have labels.
_NAMES: Final[tuple[tuple[CleanFrames, str], ...]] = (
    (
        clean_jpegs,
        """
        ACDV AJPG AVDJ AVI1 AVI2 AVRN CJPG DMB1 IJLV IJPG JPEG JPGL JR24 LJPG MJPA MJPG MMJP MSC2 MTSJ MVJP QIVG SLMJ
        SP53 SP54 SP55 SP56 SP57 SP58 ZJPG
        """,
    ),
    (clean_jpeg2000, "AVJ2 IPJ2 LJ2C LJ2K MJ2C MJP2"),
    (
        clean_dv,
        """
        AVD1 AVDV CDV5 CDVC CDVH DV25 DV50 DV5N DV5P DVC DVCP DVCS DVH1 DVH2 DVH3 DVH4 DVH5 DVH6 DVHD DVHP DVHQ DVIS DVL
        DVLP DVPP DVSD DVSL PDVC SL25 SLDV
        """,
    ),
    (
        # MPEG-1, 2 and 4, and Chinese AVS.
        clean_mpeg,
        """
        3IV2 AVMP AVS2 AVS3 BLZ0 BW10 CAVS DCOD DIGI DIV1 DIVX DM4V DMK2 DREX DVR DX50 DXGM DYM4 EM2V EM4A EPHV FFDS
        FMP4 FVFW G264 GEOV GEOX GLV4 GMP4 GTM4 HDV1 HDV2 HDV3 HDV4 HDV5 HDV6 HDV7 HDV8 HDV9 HDVA HDX4 LMP2 M1V M1V1 M2V
        M2V1 M4CC M4S2 M4T3 M701 M702 M703 M704 M705 MMES MNM4 MP1V MP2V MP4S MP4V MPEG MPG1 MPG2 MPGV MVXM MX3N MX3P
        MX4N MX4P MX5N MX5P PIM1 PIM2 PLV1 PM4V QMP4 RMP4 SEDG SIPP SLIF SM4V SMP4 SN40 ULDX UMP4 VCR2 VIDM VSPX WAWV
        WV1F XD51 XD54 XD55 XD59 XD5A XD5B XD5C XD5D XD5E XD5F XDH2 XDHD XDV1 XDV2 XDV3 XDV4 XDV5 XDV6 XDV7 XDV8 XDV9
        XDVA XDVB XDVC XDVD XDVE XDVF XMPG XVID XVIX ZMP4
        """,
    ),
    (clean_vc1, "VC-1 WMVA WVC1 WVP2"),
    (
        # Including the names of Panasonic's and Sony's cameras.
        _clean_h264,
        """
        AI12 AI13 AI15 AI16 AI1P AI1Q AI52 AI53 AI55 AI56 AI5P AI5Q AIVX AVC1 AVC2 AVC3 AVC4 AVIN AVLG DAVC DVA1 DVAV
        GAVC H264 INMC Q264 RV64 SHR0 SHR1 SHR2 SHR3 SHR4 SHR5 SHR6 SHR7 SMV2 TSHD UMSV V264 VSSH X264 XALG
        """,
    ),
    (_clean_h265, "DVHE H265 HEV1 HEVC HVC1 X265"),
    (clean_obus, "AV01 DAV1"),
    (clean_dnxhd, "AVDH AVDN"),
    (clean_prores, "AP4H AP4X APCH APCN APCO APCS"),
    (
        # Uncompressed images.
        keep_frames,
        """
        012V 24BG 2VU1 2VUY A12V ABGR AUV2 AVRP AV32 AYUV B16G B48R B565 B64A BGGR BGRA BXBG BXRG BXY2 BXYV C210 DIB
        DVOO GREY HDYC I09B I09L I0AB I0AL I0CB I0CL I0FB I0FL I29B I29L I2AB I2AL I2CB I2CL I40A I410 I411 I420 I422
        I42A I440 I444 I49B I49L I4AB I4AL I4CB I4CL I4FB I4FL IYUV J420 J422 J440 J444 L555 L565 NO16 NV12 NV21 P422
        R10G R10K R210 R411 R420 RAW RGB2 RGBA RV15 RV16 RV24 RV32 SUDS UYNV UYNY UYV1 UYVY V210 V308 V408 V410 V422
        VDTZ VYUY WRAW Y210 Y216 Y408 Y410 Y411 Y416 Y41B Y41P Y422 Y42B Y8 Y800 YUNV YUV2 YUV4 YUV9 YUVA YUVS YUY2 YUYV
        YV12 YV16 YV24 YVU9 YVYU
        """,
    ),
    (
        # Lossless compression and screen recorders, such as FFV1, HuffYUV, Lagarith, Ut Video, Animation, TechSmith.
        keep_frames,
        """
        8BPS AASC AAS4 AZPR CLLC CRAM CSCD FFV1 FFVH FICV FMVC FPS1 FSV1 HFYU HYMT ISCC KGV1 LAGS LOCO M0G0 M0R0 M0RA
        M0RG M0Y0 M0Y2 M0Y4 M2RA M2RG M4RA M4RG M8G0 M8RA M8RG M8Y0 M8Y2 M8Y4 M8YA MAGY MRLE MSCC MSS1 MSS2 MSVC MSZH
        MTS2 MWSC RLE RLE1 RPZA RSCC SCPR SMC SNOW SPV1 SRGC TSC2 TSCC ULH0 ULH2 ULH4 ULRA ULRG ULY0 ULY2 ULY4 UMH2 UMH4
        UMRA UMRG UMY2 UMY4 UQRA UQRG UQY0 UQY2 VBLE VMNC WCMV WHAM WRLE XTOR YLC0 ZECO ZLIB ZMBV
        """,
    ),
    (
        # Microsoft's MPEG-4, Windows Media 7 to 9, H.261, H.263, Flash, VP3 to VP9, Sorenson Video 3, Cinepak, Indeo,
        # TrueMotion, webcams, and the intermediates of Apple, NewTek, Resolume and Hap. (H.263 has a place for text,
        # in annex W, which no phone uses.)
        keep_frames,
        """
        3IVD AP41 ASV1 ASV2 AUR2 AURA CLJR COL0 COL1 CVID CYUV DIV2 DIV3 DIV4 DIV5 DIV6 DUCK DVX3 DXD3 DXDI FLV1 FLV4
        GXVE H261 H263 HAP1 HAP5 HAPA HAPM HAPY I263 ICOD IV31 IV32 IV41 IV50 L263 LM20 LSVM M263 MP41 MP42 MP43 MPG3
        MPG4 PVEZ PXLT Q1.0 Q1.1 QPEG RT21 RV10 RV20 RV30 RV40 RV60 S263 SHQ0 SHQ1 SHQ2 SHQ3 SHQ4 SHQ5 SHQ7 SHQ9 SVQ3
        T263 TM20 TR20 U263 ULTI VCR1 VIXL VP08 VP09 VP30 VP31 VP40 VP50 VP60 VP61 VP62 VP6A VP6F VP70 VP71 VP80 VP90
        VSM4 VX1K WMV1 WMV2 WMV3 WMVP WNV1 X263 YUV8 ZYGO
        """,
    ),
    (
        # Audio. AAC, MP3 and AC-3 have room for data, but only encoders leave their names there.
        keep_frames,
        """
        23NI 42NI .MP1 .MP2 .MP3 AC-3 AGSM ALAC ALAW APAC DTS DTSC DTSE DTSH DTSL DTSX EC-3 FL32 FL64 FLAC FPCM ILBC
        IMA4 IN24 IN32 IPCM LPCM MAC3 MAC6 MLPA MP3 MP4A NELL NMOS NONE OPUS QCLP QCLQ QDM2 QDMC RAW SAC3 SAMR SAWB SAWP
        SEVC SOWT SPEX SPXN SQCP SSMV TWOS ULAW
        """,
    ),
    # Subtitles, which readers see, and encrypted frames, which no one can read.
    (keep_frames, "C608 C708 TEXT TX3G WVTT ENCA ENCV"),
)
_BY_NAME: Final[dict[bytes, CleanFrames]] = {
    **{name.encode(): clean for clean, names in _NAMES for name in names.split()},
    # Numbers in place of names: uncompressed images and two kinds of run-length encoding, and MPEG.
    **dict.fromkeys((b"", b"\1", b"\2", b"\3"), keep_frames),
    **dict.fromkeys((b"\4", b"\1\0\0\x10", b"\2\0\0\x10", b"\4\0\0\x10"), clean_mpeg),
}
# The codecs whose descriptions after the header consist of the same units as their frames.
_DESCRIBED_BY_UNITS: Final = {clean_mpeg, clean_vc1, _clean_h264, _clean_h265}
# By number, in hexadecimal, in WAV, AVI, Windows Media and QuickTime: PCM, ADPCM and others of telephones and dictation
# machines, GSM, G.72x, AMR, MP3, Windows Media, AAC, AC-3, DTS, Speex and FLAC. The last two are the beginnings of
# GUIDs, of AC-3. Left out is Vorbis, whose description has comments.
_NUMBERS: Final = """
    1 2 3 6 7 A B 10 11 14 17 20 22 31 32 38 40 41 42 45 50 55 57 58 61 62 64 69 75 83 FF 111 125 130 135 160
    161 162 163 200 270 28E 28F 401 402 1500 1501 1600 1602 1610 2000 2001 2222 4143 5346 6C75 706D 729A A100
    A106 A109 CD02 F1AC A7FB87AF E06D802C
"""
_SOUND: Final = frozenset(int(number, 16) for number in _NUMBERS.split())
# The number that refers to another one, which follows at this offset.
_EXTENSIBLE: Final = 0xFFFE
_SUBFORMAT: Final = slice(24, 28)
# What precedes the number in QuickTime.
_NUMBERED: Final = b"ms"
# By the kind of frames in a description of MPEG-4 (ISO/IEC 14496-1, 7.2.6.6). Left out are PNG and Vorbis.
_OBJECTS: Final[dict[int, CleanFrames]] = {
    **dict.fromkeys((0x20, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x6A), clean_mpeg),
    0x6C: clean_jpegs,
    0x6E: clean_jpeg2000,
    # AAC and MP3, and those of telephones, AC-3 and DTS.
    **dict.fromkeys((0x40, 0x66, 0x67, 0x68, 0x69, 0x6B), keep_frames),
    **dict.fromkeys((0xA0, 0xA1, 0xA5, 0xA6, 0xA9, 0xAA, 0xAB, 0xAC, 0xE1), keep_frames),
}
# By name in Matroska. Left out are WavPack, which keeps the metadata of WAV files, and text tracks with data of
# programs or with comments (metadata in WebVTT, USF, Kate).
_OF_MATROSKA: Final[tuple[tuple[CleanFrames, str], ...]] = (
    (clean_jpegs, "V_MJPEG"),
    (clean_jpeg2000, "V_JPEG2000"),
    (clean_mpeg, "V_MPEG1 V_MPEG2 V_MPEG4/ISO/SP V_MPEG4/ISO/ASP V_MPEG4/ISO/AP V_CAVS V_AVS2 V_AVS3"),
    (_clean_h264, "V_MPEG4/ISO/AVC"),
    (_clean_h265, "V_MPEGH/ISO/HEVC"),
    (clean_obus, "V_AV1"),
    (clean_prores_frame, "V_PRORES"),
    (
        keep_frames,
        """
        V_MPEG4/MS/V3 V_FFV1 V_REAL/RV10 V_REAL/RV20 V_REAL/RV30 V_REAL/RV40 V_SNOW V_THEORA V_UNCOMPRESSED V_VP8 V_VP9
        """,
    ),
    (
        keep_frames,
        """
        A_AAC A_AAC/MPEG2/MAIN A_AAC/MPEG2/LC A_AAC/MPEG2/LC/SBR A_AAC/MPEG2/SSR A_AAC/MPEG4/MAIN A_AAC/MPEG4/LC
        A_AAC/MPEG4/LC/SBR A_AAC/MPEG4/SSR A_AAC/MPEG4/LTP A_AC3 A_AC3/BSID9 A_AC3/BSID10 A_ALAC A_ATRAC/AT1 A_DTS
        A_DTS/EXPRESS A_DTS/LOSSLESS A_EAC3 A_FLAC A_MLP A_MPEG/L1 A_MPEG/L2 A_MPEG/L3 A_OPUS A_OPUS/EXPERIMENTAL
        A_PCM/FLOAT/IEEE A_PCM/INT/BIG A_PCM/INT/LIT A_QUICKTIME/QDM2 A_QUICKTIME/QDMC A_REAL/14_4 A_REAL/28_8
        A_REAL/ATRC A_REAL/COOK A_REAL/RALF A_REAL/SIPR A_TRUEHD A_TTA1 A_VORBIS
        """,
    ),
    (
        keep_frames,
        """
        D_WEBVTT/CAPTIONS D_WEBVTT/DESCRIPTIONS D_WEBVTT/SUBTITLES S_ARIBSUB S_ASS S_DVBSUB S_HDMV/PGS S_HDMV/TEXTST
        S_SSA S_TEXT/ASCII S_TEXT/ASS S_TEXT/SSA S_TEXT/UTF8 S_TEXT/WEBVTT S_VOBSUB
        """,
    ),
)
_BY_ID: Final = {name.encode(): clean for clean, names in _OF_MATROSKA for name in names.split()}


def cleaner_of(name: bytes) -> CleanFrames:
    """Return the cleaner for this name of a codec in AVI or QuickTime. Raises ValidationError if it is unknown."""
    if len(name) < _LENGTH:
        raise damaged()
    if clean := _BY_NAME.get(name.rstrip(b"\0 ").upper()):
        return clean
    if name.startswith(_NUMBERED):
        _check_number(int.from_bytes(name[2:]))
        return keep_frames
    raise unsupported_codec(name)


def cleaner_of_bitmaps(header: bytes) -> CleanFrames:
    """Return the cleaner for frames that this header describes. Raises ValidationError for an unknown codec."""
    return cleaner_of(header[NAME])


def clean_bitmap_description(source: IO[bytes], target: IO[bytes], header: bytes, start: int, end: int) -> None:
    """Overwrite the messages that follow the header of the description between two positions."""
    clean = cleaner_of_bitmaps(header)
    if clean in _DESCRIBED_BY_UNITS:
        clean(source, target, start + BITMAP_HEADER, end)


def cleaner_of_object(kind: int) -> CleanFrames:
    """Return the cleaner for this kind of frames in MPEG-4. Raises ValidationError for an unknown one."""
    if clean := _OBJECTS.get(kind):
        return clean
    raise unsupported_codec(b"MPEG-4 0x%02X" % kind)


def cleaner_of_id(codec: bytes) -> CleanFrames:
    """Return the cleaner for the codec with this name in Matroska. Raises ValidationError for an unknown one."""
    if clean := _BY_ID.get(codec):
        return clean
    raise unsupported_codec(codec)


def check_sound(description: bytes) -> None:
    """Raise ValidationError unless audio that is described like this (`WAVEFORMATEX`) has an accepted codec."""
    number = int.from_bytes(description[:2], "little")
    _check_number(int.from_bytes(description[_SUBFORMAT], "little") if number == _EXTENSIBLE else number)


def _check_number(number: int) -> None:
    if number not in _SOUND:
        raise unsupported_codec(b"0x%04X" % number)
