"""A new Debian that runs in a folder, with systemd as its first process, in its own namespaces. Needs root."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 60  # seconds
# What every Debian has, besides the packages that apt needs: systemd with dbus, ps and kill, and ip.
PACKAGES = "systemd-sysv,dbus,procps,iproute2,ca-certificates"
# Makes a separate file system, and starts the new system in it.
BOOT = """
set -e
mount --bind "$1" "$1"
cd "$1"
hostname new
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
pivot_root . mnt
umount --lazy /mnt
# It can't change the machine outside: its modules, clock and devices.
exec env -i container=ci PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv \
    --bounding-set=-sys_module,-sys_boot,-sys_time,-sys_rawio,-mknod \
    --inh-caps=-sys_module,-sys_boot,-sys_time,-sys_rawio,-mknod /lib/systemd/systemd --unit=multi-user.target
"""


class NotAllowedError(Exception):
    """This machine doesn't allow something that a separate system needs. The message says what."""


class System:
    """A Debian that runs in a folder."""

    def __init__(self, folder: Path, hosts: str) -> None:
        """`folder` must be empty. `hosts` are names that the system resolves to this machine."""
        self.folder = folder
        self._hosts = hosts
        self._starter: subprocess.Popen[bytes] | None = None
        self._first = 0
        self._group = cgroup_folder() / f"broadside-{os.getpid()}"

    def make(self) -> None:
        """Install Debian in the folder, with what this machine needs to reach its servers."""
        cache = Path("/var/cache/apt/archives")
        run("debootstrap", "--variant=minbase", f"--cache-dir={cache}", f"--include={PACKAGES}", "trixie", self.folder)
        etc = self.folder / "etc"
        shutil.copy("/etc/resolv.conf", etc / "resolv.conf")
        (etc / "hosts").write_text(f"127.0.0.1 localhost {self._hosts}\n")
        (etc / "dpkg/dpkg.cfg.d/ci").write_text("force-unsafe-io\n")
        access = [line for line in run("apt-config", "dump").splitlines() if line.startswith("Acquire::")]
        (etc / "apt/apt.conf.d/90ci").write_text("\n".join(access))
        for certificate in Path("/usr/local/share/ca-certificates").glob("*.crt"):
            shutil.copy(certificate, self.folder / "usr/local/share/ca-certificates")

    def start(self) -> None:
        """Start systemd as the first process. Raises NotAllowedError."""
        self._group.mkdir()
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--propagation=private"]
        # Inside this control group, it can't touch those of other processes.
        join = f'echo $$ > {self._group}/cgroup.procs && exec unshare --fork --kill-child "$@"'
        command = ["sh", "-c", join, "sh", *namespaces, "sh", "-c", BOOT, "sh", str(self.folder)]
        self._starter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _tenth in range(10 * PATIENCE):
            time.sleep(0.1)
            if self._starter.poll() is not None:
                raise NotAllowedError(self._starter.communicate()[1].decode())
            children = Path(f"/proc/{self._starter.pid}/task/{self._starter.pid}/children").read_text().split()
            if not children:
                continue
            self._first = int(children[0])
            if "running" in self.run("systemctl is-system-running || true", checked=False):
                return
        raise NotAllowedError(self.run("systemctl --failed --no-pager", checked=False))

    def command(self, script: str, folder: str = "/root") -> list[str]:
        """Return the command that runs a script in the system, as root."""
        names = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "UV_INDEX_URL")
        environment = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
        environment += ["HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive"]
        # uv only trusts the certificates that it is told to.
        environment += ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]
        environment += ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        enter = ["nsenter", f"--target={self._first}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root"]
        return [*enter, f"--wdns={folder}", "env", "-i", *environment, "bash", "-euo", "pipefail", "-c", script]

    def run(self, script: str, *, folder: str = "/root", checked: bool = True) -> str:
        """Run a script and return its output. If it fails, print the output and exit."""
        done = subprocess.run(
            self.command(script, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if checked else subprocess.DEVNULL,
            text=True,
        )
        if checked and done.returncode:
            print(done.stdout[-6000:])
            print(self.run("journalctl --no-pager --lines=40", checked=False))
            sys.exit(f"A step failed with status {done.returncode}.")
        return done.stdout

    def type(self, script: str, answers: dict[str, str]) -> None:
        """Run a script in a terminal, and type the answers to its questions, in order."""
        terminal, inside = pty.openpty()
        process = subprocess.Popen(
            self.command(script), stdin=inside, stdout=inside, stderr=inside, start_new_session=True
        )
        os.close(inside)
        seen = ""
        for question, answer in answers.items():
            while question not in seen:
                seen += os.read(terminal, 1000).decode()
            os.write(terminal, f"{answer}\n".encode())
            seen = seen.rpartition(question)[2]
        with suppress(OSError):  # Linux raises it when the last process has closed the terminal.
            while piece := os.read(terminal, 1000):
                seen += piece.decode()
        os.close(terminal)
        if process.wait():
            sys.exit(f"{script.strip()!r} failed:\n{seen}")

    def stop(self) -> None:
        if self._first:
            with suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)
        if self._starter:
            self._starter.wait()
        for _tenth in range(10 * PATIENCE):
            with suppress(OSError):
                for group in sorted(self._group.rglob("*/"), reverse=True):
                    group.rmdir()
                self._group.rmdir()
                return
            time.sleep(0.1)


def cgroup_folder() -> Path:
    """Return the folder of the unified hierarchy of control groups."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, folder, kind, *_rest = line.split()
        if kind == "cgroup2":
            return Path(folder)
    raise NotAllowedError("There are no control groups of version 2.")


def run(*command: object, **options: Any) -> str:
    """Run a program and return its output. If it fails, print the output and exit."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return str(done.stdout)
