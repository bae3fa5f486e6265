"""improv on a whole Linux system: a Debian 12 guest under QEMU, with ALSA's sequencer, USB, systemd and PipeWire.

    sudo apt install qemu-system-x86 mmdebstrap genext2fs e2fsprogs
    python scripts/linux_guest.py                        # builds the guest once (minutes), then runs all trials (half an hour)
    python scripts/linux_guest.py --only vanish --only pipewire
    python scripts/linux_guest.py --shell                # a root shell in it; `poweroff` ends it
    python scripts/linux_guest.py --list

The trials are in scripts/linux_guest_trials.py, which runs inside; each prints one line of what was seen. The machine is emulated
(`--accel tcg`, about ten times slower than this one) with one core, unless you say otherwise. It has no network. Nothing of this
machine is touched but the folder of --folder. What came out on one machine stands in docs/trials.md. Exit code: 0 all passed,
1 one failed, or the guest did not come to its end.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from linux_guest_trials import TRIALS, VERDICT
from wheels import SYSTEMS, environment, needed

ROOT = Path(__file__).parents[1]
SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "dbus-user-session", "libpam-systemd", "kmod", "linux-image-amd64"),
    *("python3", "python3-venv", "alsa-utils", "iproute2", "procps", "util-linux", "sudo"),
    *("pipewire", "pipewire-bin", "pipewire-jack", "pipewire-alsa", "wireplumber"),
)
DISK = "6G"
RECIPE = "1"  # another number where `guest` builds otherwise, so that it builds anew
SYSTEM = "/opt/improv"  # where improv is in the guest
UNIT = f"""\
[Unit]
Description=improv's trials
After=dbus.service systemd-user-sessions.service
[Service]
Type=simple
ExecStart=/bin/sh -c 'mkdir -p /opt/trials && cd /opt/trials && tar xf /dev/vdb && exec {SYSTEM}/bin/python linux_guest_trials.py'
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
"""
NEEDED = {"qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap", "genext2fs": "genext2fs", "resize2fs": "e2fsprogs"}


def run(*command: str, **options: object) -> None:
    """Run a program; where it fails, so does this."""
    if subprocess.run(command, **options).returncode:  # type: ignore[call-overload]
        raise SystemExit(f"linux_guest: failed: {' '.join(command)[:300]}")


def dependencies() -> list[str]:
    """What the guest's Python needs for improv."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    return list(needed(wanted, environment(next(s for s in SYSTEMS if s.name == "Linux x86-64"), PYTHON)).values())


def guest(folder: Path) -> Path:
    """The folder of the guest's disk, kernel and first file system, built where it is not there or was built from something else."""
    recipe = "\n".join([RECIPE, SUITE, PYTHON, DISK, UNIT, *PACKAGES, *dependencies()])
    built = folder / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    if (built / "done").exists():
        return built
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    print(f"building a Debian guest in {built}", flush=True)
    tags = [word for minor in range(17, 37) for word in ("--platform", f"manylinux_2_{minor}_x86_64")]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--python-version", PYTHON]
    run(*pip, *tags, "--platform", "manylinux2014_x86_64", "--dest", str(built / "wheels"), *dependencies())
    (built / "trials.service").write_text(UNIT)
    (built / "fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    hooks = [
        f"copy-in {built}/wheels /opt",
        f'chroot "$1" python3 -m venv {SYSTEM}',
        f'chroot "$1" sh -c "{SYSTEM}/bin/pip install --quiet --no-index /opt/wheels/*.whl"',
        f"upload {built}/trials.service /etc/systemd/system/trials.service",
        f"upload {built}/fstab /etc/fstab",
        'chroot "$1" systemctl enable trials.service',
        'chroot "$1" systemctl set-default multi-user.target',
        f"copy-out /boot {built}",
    ]
    disk = built / "disk.img"
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "--format=ext2"]
    run(*command, *(f"--customize-hook={hook}" for hook in hooks), SUITE, str(disk))
    run("truncate", "-s", DISK, str(disk))
    subprocess.run(["e2fsck", "-fy", str(disk)], capture_output=True)
    run("resize2fs", str(disk), capture_output=True)
    run("tune2fs", "-j", str(disk), capture_output=True)
    (built / "done").touch()
    return built


def parcel(path: Path, chosen: Iterable[str], shell: bool) -> None:
    """What goes into the guest, as an archive that is its second disk: improv as a wheel, the trials, and which of them."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT))
        with tarfile.open(path, "w") as archive:
            for each in (*Path(folder).glob("*.whl"), *(ROOT / "scripts").glob("linux_guest_*.py")):
                archive.add(each, each.name)
            text = "\n".join(["shell"] if shell else chosen).encode()
            info = tarfile.TarInfo("chosen")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))


def machine(built: Path, second: Path, accel: str, cores: int, memory: int) -> list[str]:
    """QEMU's command line. What the guest writes is forgotten at its end."""
    kernel, first = next(built.glob("boot/vmlinuz-*")), next(built.glob("boot/initrd.img-*"))
    words = "root=/dev/vda rw console=ttyS1 quiet"
    return [
        *("qemu-system-x86_64", "-accel", accel, "-cpu", "host" if accel == "kvm" else "max", "-smp", str(cores), "-m", str(memory)),
        *("-display", "none", "-monitor", "none", "-serial", "stdio", "-serial", f"file:{built / 'boot.log'}"),
        *("-nic", "none", "-kernel", str(kernel), "-initrd", str(first), "-append", words),
        *("-drive", f"file={built / 'disk.img'},format=raw,if=virtio,snapshot=on"),
        *("-drive", f"file={second},format=raw,if=virtio,readonly=on"),
    ]


def lines(command: list[str], log: Path, limit: float) -> Iterator[str]:
    """What the guest says, line by line, also written to a file. limit: seconds."""
    child = subprocess.Popen(["timeout", str(limit), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdout
    with log.open("w", encoding="utf-8") as file, child:
        for raw in child.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            file.write(line + "\n")
            file.flush()
            yield line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(TRIALS), metavar="NAME", help="run this trial (and others named so)")
    parser.add_argument("--list", action="store_true", help="say which trials there are")
    parser.add_argument("--shell", action="store_true", help="a root shell instead of the trials")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "improv-guest", help="where the guest is kept")
    parser.add_argument("--accel", default="tcg", choices=("tcg", "kvm"), help="emulated, or with the machine's help (default: tcg)")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--memory", type=int, default=2048, help="MB")
    parser.add_argument("--limit", type=float, default=5400.0, help="seconds after which the guest is ended")
    parser.add_argument("--verbose", action="store_true", help="show all that the guest says, not only what was seen")
    args = parser.parse_args()
    if args.list:
        print("\n".join(f"{name:10} {trial.__doc__.splitlines()[0]}" for name, trial in TRIALS.items()))
        return 0
    if missing := [
        package for program, package in NEEDED.items() if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None
    ]:
        raise SystemExit(f"linux_guest: missing here: sudo apt install {' '.join(missing)}")
    built = guest(args.folder.absolute())
    with tempfile.TemporaryDirectory() as folder:
        second = Path(folder) / "parcel.tar"
        parcel(second, [name for name in TRIALS if name in (args.only or TRIALS)], args.shell)
        command = machine(built, second, args.accel, args.cores, args.memory)
        if args.shell:
            return subprocess.run(command).returncode
        seen = []
        for line in lines(command, built / "console.log", args.limit):
            if line.startswith(VERDICT):
                seen.append(line.removeprefix(VERDICT))
            if args.verbose or line.startswith(VERDICT):
                print(line.removeprefix(VERDICT), flush=True)
    print(f"all that the guest said: {built / 'console.log'}")
    return int(not seen or seen[-1] != "end" or any(" FAILED " in line for line in seen))


if __name__ == "__main__":
    sys.exit(main())
