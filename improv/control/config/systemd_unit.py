"""A systemd unit for the daemon, of the system or of a user: real-time priority, a watchdog, restarts, no more rights than MIDI takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

WATCHDOG = 20  # seconds without a sign of life; a machine that stood still for ten goes on
TEXT = """\
{head}
# What it says: {journal} -f
[Unit]
Description=improv, a jazz co-player
{order}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={python} -P -m improv daemon --config {config}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory={folder}
{who}RuntimeDirectory=improv
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
Environment={environment}
WatchdogSec={watchdog}
Restart=always
RestartSec=500ms
TimeoutStartSec=180
TimeoutStopSec=5
KillMode=mixed

# In time
LimitRTPRIO=95
LimitMEMLOCK=infinity
{rights}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy={target}
"""
SYSTEM = {
    "head": """\
# /etc/systemd/system/improv.service. Write it there and start it:
#   improv init --to {config} --systemd | sudo tee /etc/systemd/system/improv.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now improv
#   sudo loginctl enable-linger {user}      # so that {runtime}, and PipeWire or JACK there, are up from the boot on""",
    "journal": "journalctl -u improv",
    "order": """\
# ALSA's sequencer is loaded first. `char-alsa` below is known to systemd only where `snd` was there as the service started.
After=modprobe@snd.service modprobe@snd_seq.service sound.target network.target user@{uid}.service
Wants=modprobe@snd.service modprobe@snd_seq.service user@{uid}.service""",
    "who": "User={user}\nSupplementaryGroups=audio\n",
    "environment": "PYTHONUNBUFFERED=1 XDG_RUNTIME_DIR={runtime}",
    "rights": """\
Nice=-11
OOMScoreAdjust=-500

# No more than it needs. Devices of ALSA stay open to it, and the sockets and shared memory of JACK and PipeWire: so no
# PrivateDevices, PrivateTmp, PrivateIPC, PrivateUsers, RestrictRealtime or MemoryDenyWriteExecute.
NoNewPrivileges=yes
CapabilityBoundingSet=
DevicePolicy=closed
DeviceAllow=char-alsa rw
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writes}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=no
ProtectHostname=yes""",
    "target": "multi-user.target",
}
USER = {
    "head": """\
# ~/.config/systemd/user/improv.service. Write it there and start it, with no rights of the system's:
#   mkdir -p ~/.config/systemd/user
#   improv init --to {config} --systemd --user > ~/.config/systemd/user/improv.service
#   systemctl --user daemon-reload && systemctl --user enable --now improv
#   sudo loginctl enable-linger {user}      # so that it plays from the boot on, without a login""",
    "journal": "journalctl --user -u improv",
    "order": "After=pipewire.service wireplumber.service",
    "who": "",
    "environment": "PYTHONUNBUFFERED=1",
    "rights": """
# No more than it needs; what shields files and devices takes the system's rights.
NoNewPrivileges=yes""",
    "target": "default.target",
}


def unit(config: Path, python: Path, user: str, uid: int, writes: Iterable[Path], own: bool = False) -> str:
    """The unit's text. config, python: absolute. writes: folders and files that it writes to. own: for the user's own manager."""
    runtime = f"/run/user/{uid}"
    paths = [runtime, "/dev/shm", "/tmp", *dict.fromkeys(_escaped(p) for p in writes)]
    facts = {
        "config": _escaped(config),
        "folder": _escaped(config.parent, quoted=False),
        "python": _escaped(python),
        "user": user,
        "uid": str(uid),
        "runtime": runtime,
        "watchdog": str(WATCHDOG),
        "writes": " ".join(f'"-{p[1:]}' if p.startswith('"') else f"-{p}" for p in paths),
    }
    return TEXT.format(**facts, **{name: text.format(**facts) for name, text in (USER if own else SYSTEM).items()})


def _escaped(path: Path, quoted: bool = True) -> str:
    """A path in a unit: % and $ mean something there, and blanks part words."""
    text = str(path).replace("%", "%%")
    if not quoted:
        return text
    text = text.replace("$", "$$")
    return f'"{text}"' if " " in text or "\t" in text else text
