"""The page as it lies in the wheel: small, whole, of its own server alone, and strict enough for its Content-Security-Policy."""

import re
import tomllib
from pathlib import Path

import pytest

import improv.control.page

STATIC = Path(improv.control.page.__file__).parent / "static"
ROOT = Path(__file__).parents[4]
TEXTS = [path for path in sorted(STATIC.rglob("*")) if path.suffix in (".html", ".css", ".js", ".svg") and "vendor" not in path.parts]
SCRIPTS = sorted((STATIC / "js").glob("*.js"))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_page_is_small() -> None:
    assert sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file()) < 250_000


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", re.sub(r"^\s*//.*$", "", text_of(path), flags=re.M)))
    assert found - {"http://www.w3.org/2000/svg", "//www.w3.org/2000/svg"} == set()


def test_no_script_and_no_style_stands_in_the_html() -> None:
    html = text_of(STATIC / "index.html")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_what_the_policy_forbids(path: Path) -> None:
    assert re.findall(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|setAttribute\(\"style\"", text_of(path)) == []


def test_every_file_that_is_named_is_there_and_every_script_is_used() -> None:
    html = text_of(STATIC / "index.html")
    named = {(STATIC / name).resolve() for name in re.findall(r"(?:src|href)=\"([^\"#]+)\"", html)}
    for path in TEXTS:
        pattern = r"from \"(\./[^\"]+)\"" if path.suffix == ".js" else r"url\(\"([^\"]+)\"\)"
        named |= {(path.parent / name).resolve() for name in re.findall(pattern, text_of(path))}
    assert [str(path) for path in named if not path.is_file()] == []
    assert [path.name for path in SCRIPTS if path.resolve() not in named] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_tells_one_story(path: Path) -> None:
    text = text_of(path)
    assert text.startswith("// ")
    assert text.count("\n") <= 350
    lists = re.findall(r"^import \{([^}]+)\}", text, flags=re.M)
    imported = [name.strip().split(" as ")[-1] for names in lists for name in names.split(",")]
    assert [name for name in imported if len(re.findall(rf"\b{name}\b", text)) < 2] == []


def test_the_synth_that_is_not_ours_is_named_with_its_licence() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert "improv/control/page/static/vendor/webaudio-tinysynth.LICENSE" in project["license-files"]
    assert "Apache License" in text_of(STATIC / "vendor" / "webaudio-tinysynth.LICENSE")
    for place in (STATIC / "vendor" / "README.txt", ROOT / "README.md"):
        assert "webaudio-tinysynth" in text_of(place)
