"""Installing refuses anything but a release, and is safe to repeat (deploy/releases)."""

import io
import os
import secrets
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from releases.archives import Source, read_version
from releases.errors import UpgradeError
from releases.installing import install
from releases.layout import Layout
from releases.preparing import check_settings, prepare
from releases.programs import Account
from releases.site import Site
from releases.upgrading import upgrade
from releases.versions import order

from tests.factories.servers import StubServer

type Files = dict[str, str]

PROJECT = '[project]\nname = "broadside"\nversion = "{}"\n'


def make_archive(folder: Path, version: str, files: Files | None = None, *, links: Files | None = None) -> Path:
    path = folder / f"broadside-{version}.tar.gz"
    content = {f"broadside-{version}/pyproject.toml": PROJECT.format(version), **(files or {})}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that creates a signing key."""

    def make(name: str) -> Path:
        path = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)  # noqa: S603, S607  # our own arguments
        return path

    return make


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    settings = tmp_path / "settings"
    settings.write_text("SECRET_KEY=x\nBROADSIDE_DATA=/var/lib/broadside\n")
    return Layout(tmp_path / "root", settings)


def sign(path: Path, key: Path, namespace: str = "broadside-release") -> None:
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", namespace, path], check=True)  # noqa: S603, S607  # as above


def allow(folder: Path, *keys: Path) -> Path:
    signers = folder / "release-signers"
    signers.write_text("".join(f"{key.name}@example.org {key.with_suffix('.pub').read_text()}" for key in keys))
    return signers


def install_by_hand(layout: Layout, *versions: str) -> None:
    """Create release folders, the last of which is in use."""
    for version in versions:
        layout.release(version).mkdir(parents=True)
        layout.switch(version)


def test_an_older_python_is_named_before_anything_else_is_imported() -> None:
    code = "import sys, tarfile; sys.version_info = (3, 11, 2); del tarfile.data_filter; import releases.archives"
    deploy = Path(__file__).resolve().parents[2] / "deploy"
    done = subprocess.run([sys.executable, "-c", code], cwd=deploy, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert done.returncode == 1
    assert done.stderr.startswith("Broadside needs Python 3.12 or later, as in Debian 13. This is Python 3.11.2.")


class TestSignatures:
    def test_a_release_with_the_signature_of_one_of_the_signers_is_accepted(
        self, tmp_path: Path, key: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        path, maintainer = make_archive(tmp_path, "1.2.3"), key("maintainer")
        sign(path, maintainer)
        with Source(str(path), allow(tmp_path, key("another"), maintainer)).obtain() as archive:
            assert archive.version == "1.2.3"
        assert "Signed by maintainer@example.org." in capsys.readouterr().out

    @pytest.mark.parametrize("what", ["no signature", "another key", "another purpose", "changed", "of another file"])
    def test_any_other_signature_is_refused(self, tmp_path: Path, key: Callable[[str], Path], what: str) -> None:
        path, maintainer = make_archive(tmp_path, "1.2.3"), key("maintainer")
        if what == "another key":
            sign(path, key("stranger"))
        elif what == "another purpose":
            sign(path, maintainer, "git")
        elif what == "changed":
            sign(path, maintainer)
            path.write_bytes(path.read_bytes() + b"\0")
        elif what == "of another file":
            other = make_archive(tmp_path, "1.2.2")
            sign(other, maintainer)
            other.with_name(f"{other.name}.sig").rename(path.with_name(f"{path.name}.sig"))
        with (
            pytest.raises(UpgradeError, match="signature"),
            Source(str(path), allow(tmp_path, maintainer)).obtain(),
        ):
            pytest.fail("It was accepted.")

    @pytest.mark.parametrize(
        ("location", "text"),
        [
            ("https://example.org/broadside-1.2.3.tar.gz", "who may sign"),
            ("http://example.org/broadside-1.2.3.tar.gz", "over https"),
            ("ftp://example.org/broadside-1.2.3.tar.gz", "over https"),
            ("missing.tar.gz", "does not exist"),
        ],
    )
    def test_an_untrusted_or_missing_archive_is_refused(self, tmp_path: Path, location: str, text: str) -> None:
        with pytest.raises(UpgradeError, match=text), Source(location, tmp_path / "missing").obtain():
            pytest.fail("It was accepted.")


class TestArchives:
    def test_the_files_are_unpacked(self, tmp_path: Path) -> None:
        path = make_archive(tmp_path, "1.2.3", {"broadside-1.2.3/core/a.py": "a"})
        with Source(str(path), tmp_path / "missing").obtain() as archive:
            archive.unpack(tmp_path / "target")
        assert (tmp_path / "target/core/a.py").read_text() == "a"

    @pytest.mark.parametrize(
        "files",
        [
            {"broadside-1.2.3/../../outside": "x"},
            {"/outside": "x"},
            {"outside": "x"},
            {"broadside-1.2.4/a.py": "x"},
        ],
    )
    def test_a_file_outside_the_release_is_refused(self, tmp_path: Path, files: Files) -> None:
        path = make_archive(tmp_path, "1.2.3", files)
        with (
            Source(str(path), tmp_path / "missing").obtain() as archive,
            pytest.raises(UpgradeError, match="outside"),
        ):
            archive.unpack(tmp_path / "deep" / "target")
        assert not list(tmp_path.rglob("outside"))

    def test_a_link_is_refused(self, tmp_path: Path) -> None:
        path = make_archive(tmp_path, "1.2.3", links={"broadside-1.2.3/a": "/etc/passwd"})
        with (
            Source(str(path), tmp_path / "missing").obtain() as archive,
            pytest.raises(UpgradeError, match="never in a release"),
        ):
            archive.unpack(tmp_path / "target")

    def test_a_truncated_archive_is_refused(self, tmp_path: Path) -> None:
        """The download itself doesn't notice."""
        path = make_archive(tmp_path, "1.2.3", {"broadside-1.2.3/core/a.py": secrets.token_hex(99_999)})
        os.truncate(path, path.stat().st_size // 2)
        with (
            Source(str(path), tmp_path / "missing").obtain() as archive,
            pytest.raises(UpgradeError, match="is damaged"),
        ):
            archive.unpack(tmp_path / "target")

    @pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b\x08\x00damaged"])
    def test_a_file_that_is_not_an_archive_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "broadside-1.2.3.tar.gz"
        path.write_bytes(content)
        with pytest.raises(UpgradeError, match="not a Broadside release"):
            read_version(path)

    def test_an_archive_of_another_project_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "other.tar.gz"
        make_archive(tmp_path, "1.2.3", {"other/pyproject.toml": PROJECT}).rename(path)
        assert read_version(path) == "1.2.3"
        with tarfile.open(path, "w:gz") as archive:
            member = tarfile.TarInfo("broadside-1.2.3/pyproject.toml")
            text = PROJECT.format("1.2.3").replace("broadside", "other").encode()
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        with pytest.raises(UpgradeError, match="not a Broadside release"):
            read_version(path)


class TestVersions:
    def test_are_ordered_by_their_numbers(self) -> None:
        versions = ["0.9.10", "1.0.0rc1", "1.0.0rc2", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
        assert sorted(set(versions), key=order) == versions

    @pytest.mark.parametrize("text", ["", "1", "1.2", "v1.2.3", "1.2.3-4", "1.2.3.dev1", "../1.2.3", "1.2.3\n"])
    def test_of_any_other_form_are_refused(self, text: str) -> None:
        with pytest.raises(UpgradeError, match="release number"):
            order(text)


class TestLayout:
    def test_two_older_releases_are_kept(self, layout: Layout) -> None:
        install_by_hand(layout, "0.1.0", "0.2.0", "0.3.0", "0.10.0", "0.9.0")
        assert layout.remove_old() == ["0.1.0"]
        assert {path.name for path in layout.current.parent.joinpath("releases").iterdir()} == {
            *("0.2.0", "0.3.0", "0.9.0", "0.10.0")
        }
        assert layout.current_version() == "0.9.0"

    def test_a_release_counts_as_prepared_only_when_it_is_complete(self, layout: Layout) -> None:
        install_by_hand(layout, "1.0.0")
        assert not layout.is_prepared("1.0.0", "digest")
        layout.mark_prepared("1.0.0", "digest")
        assert layout.is_prepared("1.0.0", "digest")
        assert not layout.is_prepared("1.0.0", "another")
        layout.remove("1.0.0")
        assert not layout.is_prepared("1.0.0", "digest")

    def test_only_one_upgrade_runs_at_a_time(self, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("releases.layout._PATIENCE", 0)
        with layout.locked(), pytest.raises(UpgradeError, match="Another installation or upgrade"), layout.locked():
            pytest.fail("It was locked twice.")
        with layout.locked():
            pass

    def test_processes_left_by_a_killed_upgrade_are_waited_for(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with layout.locked():
            left = subprocess.Popen(["sleep", "600"], close_fds=False)  # noqa: S607  the system's

        def end(seconds: float) -> None:
            left.kill()
            left.wait()

        monkeypatch.setattr("releases.layout.time.sleep", end)
        with layout.locked():
            assert left.returncode

    @pytest.mark.parametrize("lines", ["", "BROADSIDE_DATA=var\n", "#BROADSIDE_DATA=/var/lib/broadside\n"])
    def test_the_data_must_not_be_in_a_release(self, layout: Layout, lines: str) -> None:
        layout.settings.write_text(lines)
        with pytest.raises(UpgradeError, match="BROADSIDE_DATA"):
            check_settings(layout)


class TestPreparing:
    @pytest.fixture
    def release(self, tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
        """Return a function that prepares a release, with a uv that links the system's Python, and returns the link."""
        program = tmp_path / "uv"
        folder = '"$UV_PROJECT_ENVIRONMENT/bin"'
        program.write_text(f"#!/bin/sh\nmkdir -p {folder}\nln -sfn /bin/true {folder}/python\n")
        program.chmod(0o755)
        monkeypatch.setenv("UV", str(program))
        path = make_archive(tmp_path, "1.2.3", {"broadside-1.2.3/core/a.py": "a = 1"})

        def release() -> Path:
            with Source(str(path), tmp_path / "missing", is_unsigned_allowed=True).obtain() as archive:
                return prepare(layout, archive).folder / ".venv/bin/python"

        return release

    def test_makes_a_complete_release(self, layout: Layout, release: Callable[[], Path]) -> None:
        folder = release().parent.parent.parent
        assert folder == layout.release("1.2.3")
        assert (folder / ".env").resolve() == layout.settings
        assert list(folder.glob("core/__pycache__/a.*.pyc"))

    def test_leaves_the_disk_as_it_was_if_there_is_not_enough_room(
        self, layout: Layout, release: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as full:
            full.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=649 * 10**6))
            with pytest.raises(UpgradeError, match=r"a release needs 650 MB, and .* has 649 MB"):
                release()
        assert not layout.release("1.2.3").exists()
        monkeypatch.setenv("UV", "/bin/false")
        with pytest.raises(UpgradeError, match="could not be installed"):
            release()
        assert not layout.release("1.2.3").exists()

    def test_again_repairs_the_packages_after_the_system_has_replaced_its_python(
        self, layout: Layout, release: Callable[[], Path]
    ) -> None:
        python = release()
        layout.switch("1.2.3")
        python.unlink()
        python.symlink_to("/usr/bin/python3.0")
        assert release().exists()


class TestRefusals:
    def test_a_downgrade_is_refused(self, tmp_path: Path, layout: Layout) -> None:
        install_by_hand(layout, "1.1.0")
        source = Source(str(make_archive(tmp_path, "1.0.9")), tmp_path / "missing")
        with pytest.raises(UpgradeError, match=r"Version 1\.0\.9 is older than 1\.1\.0"):
            upgrade(layout, Account(), source, Site("127.0.0.1:1", "false", 0), with_backup=False)
        assert layout.current_version() == "1.1.0"

    def test_an_upgrade_without_an_installation_is_refused(self, tmp_path: Path, layout: Layout) -> None:
        source = Source(str(make_archive(tmp_path, "1.0.0")), tmp_path / "missing")
        with pytest.raises(UpgradeError, match="For the first release, use “install”"):
            upgrade(layout, Account(), source, Site("127.0.0.1:1", "false", 0), with_backup=False)

    def test_a_second_installation_is_refused(self, tmp_path: Path, layout: Layout) -> None:
        install_by_hand(layout, "1.0.0")
        source = Source(str(make_archive(tmp_path, "1.1.0")), tmp_path / "missing")
        with pytest.raises(UpgradeError, match="is already installed in"):
            install(layout, Account(), source)

    def test_another_archive_of_the_version_in_use_is_refused(self, tmp_path: Path, layout: Layout) -> None:
        install_by_hand(layout, "1.0.0")
        layout.mark_prepared("1.0.0", "of the archive that it was made from")
        source = Source(str(make_archive(tmp_path, "1.0.0")), tmp_path / "missing")
        with pytest.raises(UpgradeError, match="A release never changes"):
            upgrade(layout, Account(), source, Site("127.0.0.1:1", "false", 0), with_backup=False)


class TestRunningSite:
    def test_is_ready_when_the_new_version_answers_three_times_in_a_row(self, web_server: StubServer) -> None:
        for version in ("1.0.0", "1.1.0", "1.0.0", "1.1.0"):
            web_server.answer("/readyz/web", body=f'{{"version": "{version}", "problems": {{}}}}'.encode())
        Site(web_server.host, "true", 10).wait_until_ready("1.1.0", "token")
        assert web_server.requests["/readyz/web"] == 6
        assert {headers["Authorization"] for headers in web_server.headers} == {"Bearer token"}

    def test_is_not_ready_if_the_old_version_answers(self, web_server: StubServer) -> None:
        web_server.answer("/readyz/web", body=b'{"version": "1.0.0", "problems": {}}')
        with pytest.raises(UpgradeError, match=r"1\.1\.0 of the site can't answer readers: it does not answer"):
            Site(web_server.host, "true", 0.1).wait_until_ready("1.1.0", "token")

    def test_problems_are_named_if_it_is_not_ready(self, web_server: StubServer) -> None:
        body = b'{"version": "1.1.0", "problems": {"database": "", "migrations": "The database lacks 1 migration."}}'
        web_server.answer("/readyz/web", 503, body)
        with pytest.raises(UpgradeError, match="lacks 1 migration"):
            Site(web_server.host, "true", 0.1).wait_until_ready("1.1.0", "token")

    def test_is_reported_as_down_at_once(self) -> None:
        started = time.monotonic()
        assert not Site("127.0.0.1:1", "true", 60).is_running()
        assert time.monotonic() - started < 30

    @pytest.mark.parametrize("command", ["false", "/nonexistent/program"])
    def test_a_reload_that_fails_is_reported(self, command: str) -> None:
        with pytest.raises(UpgradeError, match=command):
            Site("127.0.0.1:1", command, 0).reload()
