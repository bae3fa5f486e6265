"""How to install one of improv's extras here, as a command that is true for how improv itself was installed."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

DISTRIBUTION = "improv-jazz"


def install(extra: str) -> str:
    """`pip install ...`, for an extra of pyproject.toml: from the checkout, file or repository that improv came from."""
    checkout = Path(__file__).resolve().parent.parent
    try:
        said = distribution(DISTRIBUTION).read_text("direct_url.json")
        origin = json.loads(said) if said else {}
    except (PackageNotFoundError, OSError, ValueError):
        origin = {"url": checkout.as_uri(), "dir_info": {"editable": True}} if (checkout / "pyproject.toml").is_file() else {}
    url = str(origin.get("url", ""))
    if isinstance(vcs := origin.get("vcs_info"), dict):
        return f"pip install '{DISTRIBUTION}[{extra}] @ {vcs.get('vcs', 'git')}+{url}'"
    if not url.startswith("file:"):
        return f"pip install '{DISTRIBUTION}[{extra}]'"
    path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}'{'.' if path == Path.cwd() else path}[{extra}]'"
