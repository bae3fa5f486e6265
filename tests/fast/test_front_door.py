"""What the README and its pages promise: links that lead somewhere, commands that exist, messages that improv really prints."""

import json
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from improv import __version__
from improv.cli import main
from improv.extras import DISTRIBUTION

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "models" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Sections of the first README, which others may have linked.
ONCE = (
    "jam in-time-with-the-band in-a-mood on-stage steering-it-from-outside what-is-kept it-learns-from-you the-model in-time "
    "with-ableton-link a-slow-port what-is-in-here"
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings, and those that are given by hand."""
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
    slugs = {re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


def test_every_link_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            if target.startswith(("https://", "http://")):
                continue
            path, _, anchor = target.partition("#")
            at = (page.parent / path).resolve() if path else page
            if not at.exists() or (anchor and anchor not in anchors(at)):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_links_to_the_first_readme_go_on_working() -> None:
    assert set(ONCE.split()) <= anchors(ROOT / "README.md")


def documented() -> list[list[str]]:
    """Every command that the pages show, in words, without its comment."""
    found = []
    for page in PAGES:
        text = text_of(page)
        shown = chain(re.findall(r"^    (.*)$", text, flags=re.M), re.findall(r"`([^`\n]+)`", text))
        for line in shown:
            for part in re.split(r"&&|\|\s*sudo|;", re.sub(r"\s+#\s.*$", "", line)):
                words = part.strip().removeprefix(".venv/bin/").split()
                if len(words) > 1 and words[0] == "improv" and re.fullmatch(r"[a-z]+", words[1]):
                    found.append(words[1:])
    return found


def said_by(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as over:
        main([*words, "--help"])
    assert over.value.code == 0, words
    return capsys.readouterr().out


def test_every_command_and_option_shown_exists(capsys: pytest.CaptureFixture[str]) -> None:
    commands = documented()
    assert len(commands) > 80
    helps: dict[str, str] = {}
    unknown = []
    for words in commands:
        name = " ".join(words[:2] if words[0] == "ctl" and len(words) > 1 and not words[1].startswith("-") else words[:1])
        if name not in helps:
            helps[name] = said_by(name.split(), capsys)
        unknown += [f"{name} {w}" for w in words if w.startswith("--") and not re.search(rf"{w}\b", helps[name])]
    assert unknown == []


def test_messages_in_the_table_of_faults_are_improvs_own() -> None:
    source = "\n".join(text_of(path) for path in sorted((ROOT / "improv").rglob("*.py")))
    table = text_of(ROOT / "docs" / "playing.md").split("## When something is wrong")[1].split("### Exit codes")[0]
    quoted = re.findall(r"^\| `([^`]+)` \|", table, flags=re.M)
    assert len(quoted) >= 6
    assert [message for message in quoted if not all(part in source for part in message.split(": "))] == []


def test_ci_finds_the_one_test_command() -> None:
    assert len(re.findall(r"^    .*pytest$", text_of(ROOT / "README.md"), flags=re.M)) == 1


def test_hints_to_install_name_this_distribution_and_its_extras() -> None:
    name, extras = PROJECT["project"]["name"], PROJECT["project"]["optional-dependencies"]
    hints = [hint for path in PAGES for hint in re.findall(r"pip install (?:-e )?'([^'\[]*)\[([\w,{}-]+)\]'", text_of(path))]
    assert len(hints) >= 6
    assert {which for which, _ in hints} <= {".", name}
    assert {extra for _, named in hints for extra in named.split(",")} <= extras.keys()
    code = [text_of(path) for path in (ROOT / "improv").rglob("*.py") if path.name != "extras.py"]
    asked = [extra for text in code for extra in re.findall(r"\binstall\([\"'](\w+)[\"']\)", text)]
    assert len(asked) >= 4
    assert set(asked) <= extras.keys()
    assert not [text for text in code if re.search(r"pip install[^\n]*improv-jazz\[", text)]  # how it was installed is known there alone
    assert name == DISTRIBUTION
    inside = [which for row in extras.values() for which in row if which.startswith("improv")]
    assert all(which.startswith(f"{name}[") for which in inside)


def test_the_wheel_holds_all_models_and_says_that_it_is_typed() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped = re.findall(r"^\| `(\w+)` \|", text_of(ROOT / "docs" / "models.md"), flags=re.M)
    files = {f"models/{model}/{name}" for model in shipped for name in ("card.json", "weights.safetensors")}
    beside = {what: f"{what}.safetensors" for what in ("quotations", "critic", "accents")}  # where a card tells of it
    for model in shipped:
        card = json.loads(text_of(ROOT / "models" / model / "card.json"))
        files |= {f"models/{model}/{name}" for what, name in beside.items() if what in card}
    assert included == {path: f"improv/{path}" for path in files}
    assert all((ROOT / path).exists() for path in files)
    assert (ROOT / "improv" / "py.typed").exists()


def test_the_changelog_has_this_version() -> None:
    assert __version__ in re.findall(r"^## \[([^\]]+)\]", text_of(ROOT / "CHANGELOG.md"), flags=re.M)
