"""What is told to be installed fits how improv was installed."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from improv import extras


class Distribution:
    def __init__(self, origin: object):
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'improv-jazz[link]'"),  # from an index
        ({"url": Path("/music/improv jazz").as_uri(), "dir_info": {"editable": True}}, "pip install -e '/music/improv jazz[link]'"),
        ({"url": Path("/music/improv").as_uri(), "dir_info": {}}, "pip install '/music/improv[link]'"),
        ({"url": Path("/music/improv_jazz-1-py3-none-any.whl").as_uri()}, "pip install '/music/improv_jazz-1-py3-none-any.whl[link]'"),
        (
            {"url": "https://example.org/improv.git", "vcs_info": {"vcs": "git", "commit_id": "1" * 40}},
            "pip install 'improv-jazz[link] @ git+https://example.org/improv.git'",
        ),
    ],
)
def test_the_hint_fits_how_improv_was_installed(origin: object, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "distribution", lambda name: Distribution(origin))
    assert extras.install("link") == command


def test_from_a_checkout_that_was_never_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> object:
        raise PackageNotFoundError(name)

    checkout = tmp_path / "checkout"
    (checkout / "improv").mkdir(parents=True)
    (checkout / "pyproject.toml").touch()
    monkeypatch.setattr(extras, "distribution", missing)
    monkeypatch.setattr(extras, "__file__", str(checkout / "improv" / "extras.py"))
    monkeypatch.chdir(tmp_path)
    assert extras.install("train") == f"pip install -e '{checkout.resolve()}[train]'"
    monkeypatch.chdir(checkout)
    assert extras.install("train") == "pip install -e '.[train]'"
