"""Files are cleaned in another process, which can take too long, use too much memory or crash without doing harm."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils import translation

from media import sandbox
from media.sandbox import clean_in_sandbox
from tests.factories.files import PDF, SAMPLES, picture
from tests.factories.hostile_files import REFUSED
from tests.factories.revealing_files import docx

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """End the processes that earlier tests have left."""
    while sandbox._idle:
        sandbox._idle.pop().end()


def cleaned(content: bytes, extension: str) -> bytes:
    with clean_in_sandbox(ContentFile(content), extension) as file:
        return file.read()


def replace_process(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Run this program in place of ours. It has the socket in `connection`."""
    start = "import json, os, resource, signal, socket, sys; connection = socket.socket(fileno=int(sys.argv[-1]))\n"
    popen = subprocess.Popen

    def start_other(command: list[str], **options: Any) -> Any:
        return popen([sys.executable, "-c", start + program, command[-1]], **options)

    monkeypatch.setattr(subprocess, "Popen", start_other)


class TestProcess:
    def test_is_reused_for_several_files(self) -> None:
        assert cleaned(SAMPLES[".txt"], ".txt") == SAMPLES[".txt"]
        (process,) = sandbox._idle
        assert cleaned(PDF, ".pdf").startswith(b"%PDF")
        assert sandbox._idle == [process]

    def test_is_replaced_if_it_has_ended(self) -> None:
        cleaned(PDF, ".pdf")
        (process,) = sandbox._idle
        process._process.terminate()
        process._process.wait()
        assert cleaned(PDF, ".pdf").startswith(b"%PDF")
        assert sandbox._idle != [process]

    def test_is_replaced_if_all_idle_ones_have_ended(self) -> None:
        sandbox._idle.extend(sandbox._Sandbox() for _number in range(sandbox._ATTEMPTS + 1))
        ended = list(sandbox._idle)
        for process in ended:
            process._process.terminate()
            process._process.wait()
        assert cleaned(PDF, ".pdf").startswith(b"%PDF")
        assert not set(sandbox._idle) & set(ended)

    def test_is_told_the_language_of_the_editor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replace_process(
            monkeypatch,
            "request = json.loads(socket.recv_fds(connection, 9999, 2)[0])\n"
            "connection.send(json.dumps({'error': request['language']}).encode())",
        )
        with translation.override("de"), pytest.raises(ValidationError, match="'de'"):
            cleaned(PDF, ".pdf")

    def test_passes_on_the_messages_of_the_cleaners(self) -> None:
        with pytest.raises(ValidationError, match="is incomplete, or not of the type"):
            cleaned(b"words", ".pdf")

    def test_large_files_are_not_copied(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(sandbox, "IN_MEMORY", 1000)
        (tmp_path / "a.txt").write_bytes(b"text " * 1000)
        with (tmp_path / "a.txt").open("rb") as file:
            file.read(100)
            source: Any = ContentFile(b"")
            source.file, source.size = file, 5000
            with clean_in_sandbox(source, ".txt") as result:
                assert (result.size, result.read()) == (5000, b"text " * 1000)
            # The position in our own file is unchanged.
            assert file.read(5) == b"text "

    def test_knows_no_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_KEY", "planted-secret")
        replace_process(
            monkeypatch,
            "socket.recv_fds(connection, 9999, 2)\n"
            "connection.send(json.dumps({'error': ' '.join(sorted(os.environ))}).encode())",
        )
        with pytest.raises(ValidationError) as answered:
            cleaned(PDF, ".pdf")
        assert set(answered.value.message.split()) <= {*sandbox._ENVIRONMENT, "LC_CTYPE"}

    def test_loads_neither_settings_nor_models(self) -> None:
        program = "import sys, media.sandbox_process; print(*sys.modules)"
        run = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.defpath},
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = set(run.stdout.split())
        assert not loaded & {"config.settings", "media.models", "django.db.models", "accounts.models"}
        # Large libraries that few files need are loaded on demand.
        assert "pikepdf" not in loaded


class TestLimits:
    def test_a_file_that_takes_too_long_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "SECONDS", 0.1)
        replace_process(monkeypatch, "socket.recv_fds(connection, 9999, 2)\nsignal.pause()")
        with pytest.raises(ValidationError, match="takes too much time or memory"):
            cleaned(PDF, ".pdf")
        assert sandbox._idle == []

    @pytest.mark.parametrize("death", ["SIGKILL", "SIGSEGV", "SIGXCPU", "SIGABRT"])
    def test_a_crash_refuses_the_file(self, monkeypatch: pytest.MonkeyPatch, death: str) -> None:
        program = "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nsocket.recv_fds(connection, 9999, 2)\n"
        replace_process(monkeypatch, program + f"os.kill(os.getpid(), signal.{death})")
        with pytest.raises(ValidationError, match="takes too much time or memory"):
            cleaned(PDF, ".pdf")

    def test_a_process_that_fails_to_start_is_not_blamed_on_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replace_process(monkeypatch, "sys.exit(1)")
        with pytest.raises(OSError, match="can't be started"):
            cleaned(PDF, ".pdf")

    def test_time_and_memory_are_limited_and_there_is_no_core_file(self) -> None:
        cleaned(PDF, ".pdf")
        (process,) = sandbox._idle
        limits = Path(f"/proc/{process._process.pid}/limits").read_text()
        found = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()}
        assert int(found["Max cpu time"]) <= sandbox.SECONDS + 10
        assert int(found["Max data size"]) == 2**30
        assert found["Max core file size"] == "0"
        assert int(found["Max open files"]) == 64
        # If the machine's memory runs out first, it is killed before the worker (200) and the web server (0).
        assert int(Path(f"/proc/{process._process.pid}/oom_score_adj").read_text()) == 500

    @pytest.mark.parametrize(
        "part",
        [b"<a>" + b"<b/>" * 10_000_000 + b"</a>", b"<b>" * 10_000 + b"</b>" * 10_000],
        ids=["of too many elements", "nested too deeply"],
    )
    def test_markup_that_needs_too_much_memory_is_refused(self, part: bytes) -> None:
        with pytest.raises(ValidationError, match=r"Save it again|too much time or memory|too many parts"):
            cleaned(docx(**{"word/styles.xml": part}), ".docx")
        assert cleaned(PDF, ".pdf").startswith(b"%PDF")

    @pytest.mark.parametrize("case", ["a WebM of exabytes", "an RTF with a thousand groups", "an archive of gigabytes"])
    def test_hostile_files_are_refused_with_the_message_of_their_cleaner(self, case: str) -> None:
        content, name = REFUSED[case]
        with pytest.raises(ValidationError) as refused:
            cleaned(content, Path(name).suffix)
        assert "takes too much" not in refused.value.message


class TestFiles:
    def test_an_image_gets_the_extension_of_its_format(self) -> None:
        with clean_in_sandbox(ContentFile(picture("WEBP")), "", as_image=True) as file:
            assert file.name == ".webp"

    def test_have_no_name_on_the_disk(self, settings: Any) -> None:
        with clean_in_sandbox(ContentFile(PDF), ".pdf") as file:
            assert file.size == len(file.read())
            assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []

    def test_a_full_disk_is_not_blamed_on_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replace_process(
            monkeypatch, "socket.recv_fds(connection, 9999, 2)\nconnection.send(json.dumps({'errno': 28}).encode())"
        )
        with pytest.raises(OSError, match="No space left"):
            cleaned(PDF, ".pdf")


def test_the_source_is_read_from_its_beginning() -> None:
    source = ContentFile(SAMPLES[".csv"])
    source.read()
    assert io.BytesIO(clean_in_sandbox(source, ".csv").read()).getvalue() == SAMPLES[".csv"]
