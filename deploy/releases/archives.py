"""Archives of releases: fetching, verifying their signature, and unpacking."""

import hashlib
import shutil
import subprocess
import tarfile
import tomllib
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from releases.errors import UpgradeError
from releases.programs import say
from releases.versions import is_version

# The public keys that may sign releases, in the format of `ssh-keygen` (ALLOWED SIGNERS).
DEFAULT_SIGNERS: Final = Path("/etc/broadside/release-signers")
# The purpose of a signature, so that signatures for anything else don't count.
NAMESPACE: Final = "broadside-release"
_SIGNATURE: Final = ".sig"
# In bytes. A release is a few megabytes in size.
_MAX_ARCHIVE: Final = 2**28
_MAX_UNPACKED: Final = 2**30
_MAX_SIGNATURE: Final = 2**16
# How many seconds a download may stall.
_TIMEOUT: Final = 60
# The errors raised by reading an archive that is truncated or corrupt.
_DAMAGED: Final = (tarfile.TarError, EOFError, zlib.error)


@dataclass(frozen=True)
class Archive:
    """A release in a file: its version, and the SHA-256 of the file."""

    path: Path
    version: str
    digest: str

    def unpack(self, target: Path) -> None:
        """Write the files into the folder `target`, which must not exist yet. Raises UpgradeError or OSError."""
        try:
            self._unpack(target)
        except tarfile.FilterError as error:
            raise UpgradeError(f"{self.path.name} contains a path that leads outside: {error}.") from error
        except _DAMAGED as error:
            raise UpgradeError(
                f"{self.path.name} is damaged: {error}. Download it again. Nothing was changed."
            ) from error

    def _unpack(self, target: Path) -> None:
        prefix = f"broadside-{self.version}/"
        total = 0
        target.mkdir(parents=True)
        with tarfile.open(self.path, "r:gz") as archive:
            for member in archive:
                total += member.size
                inside = member.name.removeprefix(prefix)
                if total > _MAX_UNPACKED or not (member.isreg() or member.isdir()):
                    raise UpgradeError(
                        f"{self.path.name} contains something that is never in a release: {member.name}."
                    )
                if inside == member.name:
                    if member.isdir() and f"{member.name}/" == prefix:
                        continue
                    raise UpgradeError(f"{self.path.name} contains something outside of {prefix}: {member.name}.")
                member.name = inside
                # The filter refuses paths that lead out of the folder, and drops owners and unusual permissions.
                archive.extract(member, target, filter="data")


@dataclass(frozen=True)
class Source:
    """Where an archive comes from: a file, or an https URL. Its signature is next to it, with `.sig` appended.

    If the file `signers` exists, one of them must have signed the archive. Otherwise only local files are installed,
    unless `is_unsigned_allowed`.
    """

    location: str
    signers: Path
    is_unsigned_allowed: bool = False

    @contextmanager
    def obtain(self) -> Iterator[Archive]:
        """Yield the archive, verified. Raises UpgradeError."""
        with TemporaryDirectory(prefix="broadside-") as folder:
            path = self._fetch(Path(folder))
            self._verify(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            yield Archive(path, read_version(path), digest)

    def _fetch(self, folder: Path) -> Path:
        if "://" not in self.location:
            path = Path(self.location)
            if not path.is_file():
                raise UpgradeError(f"The file {path} does not exist.")
            # A copy, so that it can't be changed after it was verified.
            copy = folder / path.name
            shutil.copyfile(path, copy)
            signature = path.with_name(path.name + _SIGNATURE)
            if signature.is_file():
                shutil.copyfile(signature, copy.with_name(copy.name + _SIGNATURE))
            return copy
        if not self.location.startswith("https://"):
            raise UpgradeError("Releases are only downloaded over https://.")
        if not self.signers.is_file() and not self.is_unsigned_allowed:
            raise UpgradeError(
                f"{self.signers}, which lists who may sign releases, is missing. Put the public key there, as "
                "docs/maintaining.md describes, and run this again. Nothing was changed."
            )
        path = folder / self.location.rpartition("/")[2]
        say(f"Downloading {self.location} …")
        _download(self.location, path, _MAX_ARCHIVE)
        if self.signers.is_file():
            _download(self.location + _SIGNATURE, path.with_name(path.name + _SIGNATURE), _MAX_SIGNATURE)
        return path

    def _verify(self, path: Path) -> None:
        if not self.signers.is_file():
            say(f"{self.signers} is missing, so the signature of this release is not checked.")
            return
        signature = path.with_name(path.name + _SIGNATURE)
        if not signature.is_file():
            raise UpgradeError(f"{path.name}{_SIGNATURE}, its signature, is missing next to it. Nothing was changed.")
        signer = _find_signer(self.signers, signature)
        with path.open("rb") as file:
            done = _ssh_keygen(file, "verify", "-f", self.signers, "-I", signer, "-n", NAMESPACE, "-s", signature)
        if not signer or done.returncode:
            raise UpgradeError(
                f"The signature of {path.name} is not by anyone in {self.signers}, or the file was changed. Don't use "
                "this file: download it again. Nothing was changed."
            )
        say(f"Signed by {signer}.")


def read_version(path: Path) -> str:
    """Return the version in an archive. Raises UpgradeError if it is not a release of Broadside."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                folder, _slash, name = member.name.partition("/")
                if name == "pyproject.toml" and member.size < 2**20 and (file := archive.extractfile(member)):
                    project = tomllib.loads(file.read().decode())["project"]
                    version = str(project["version"])
                    if project["name"] == "broadside" and is_version(version) and folder == f"broadside-{version}":
                        return version
    except (*_DAMAGED, OSError, ValueError, KeyError, TypeError):
        pass
    raise UpgradeError(f"{path.name} is not a Broadside release, or it is damaged. Nothing was changed.")


def _find_signer(signers: Path, signature: Path) -> str:
    done = _ssh_keygen(None, "find-principals", "-f", signers, "-s", signature)
    return done.stdout.decode(errors="replace").partition("\n")[0].strip() if done.returncode == 0 else ""


def _ssh_keygen(source: BinaryIO | None, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603  our own arguments
            ["ssh-keygen", "-Y", *arguments],  # noqa: S607  the system knows where it is
            stdin=source or subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UpgradeError("ssh-keygen is missing. Install openssh-client, and run this again.") from error


def _download(url: str, path: Path, limit: int) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response, path.open("wb") as file:  # noqa: S310  only https
            if not response.url.startswith("https://"):
                raise UpgradeError(f"{url} redirects to a URL without https://. Nothing was changed.")
            size = 0
            while piece := response.read(2**20):
                size += len(piece)
                if size > limit:
                    raise UpgradeError(f"{url} is too large for a release. Nothing was changed.")
                file.write(piece)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise UpgradeError(f"{url} can't be downloaded: {error}. Nothing was changed.") from error
