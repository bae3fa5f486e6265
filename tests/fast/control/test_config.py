"""improv.toml: what it says, and what is said of mistakes in it."""

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.control.bindings import Binding
from improv.control.config.control_tree import ControlConfig, MetricsConfig, OscConfig
from improv.control.config.errors import ConfigError
from improv.control.config.reading import check_models, load_config, nested, read_config
from improv.control.config.sample import sample
from improv.control.config.toml_lines import line_of, lines_of
from improv.control.config.tree import (
    BindingConfig,
    Config,
    InputConfig,
    MusicConfig,
    PerformerTable,
    PresetTable,
    RecordConfig,
    SettingsTable,
    Tables,
    is_live,
)
from improv.core.modes import MODES
from improv.core.settings import OWN, SETTINGS, Settings
from improv.models.loader import DEFAULT, find_model

HERE = Path("/stage/improv.toml")

TRIO = """
model = "jazz"
log_json = true

[music]
changes = "Dm7 | G7 | Cmaj7 | %"
metre = "3/4"
clock = "midi"
tempo = 96
click = 10
tap = "cc80"

[settings]
temperature = 0.9
mode = "duet"

[[input]]
name = "keys"
port = "Keystation"
channels = [1, 2]

[[input]]
name = "pads"
port = "nanoKONTROL"
role = "control"

[[performer]]
name = "left"
output = "FLUID"
hears = ["keys", "right"]
temperature = 1.4

[[performer]]
name = "right"
model = "models/mine"
output = "FLUID"
channel = 2
hears = ["left"]
mode = "comp"
seed = 4

[record]
folder = "takes"
keep_days = 30

[control]
socket = "/run/improv/socket"
[control.osc]
listen = "0.0.0.0"
port = 9001
secret = "blue in green"
allow = ["192.168.1.0/24"]
[control.metrics]

[[binding]]
cc = 74
channel = 1
setting = "temperature"
low = 0.5
high = 2

[[binding]]
program = 3
preset = "ballad"

[[binding]]
key = 36
input = "pads"
model = "models/mine"
performer = "left"

[preset.ballad]
tempo = 60.0
mode = "solo"
"""


def uncommented(text: str) -> str:
    """The sample with every key in use."""
    return "\n".join(line[1:] if line.startswith("#") and line[1:2] not in ("", " ") else line for line in text.split("\n"))


def test_a_file_is_read_into_values() -> None:
    shared = {"temperature": 0.9, "mode": "duet"}
    config = read_config(TRIO, HERE)
    assert config == Config(
        model="jazz",
        log_json=True,
        music=MusicConfig(changes="Dm7 | G7 | Cmaj7 | %", metre_text="3/4", clock="midi", tempo=96.0, click=10, tap="cc80"),
        settings=SettingsTable(**shared),
        inputs=(InputConfig("keys", "Keystation", (1, 2)), InputConfig("pads", "nanoKONTROL", role="control")),
        performers=(
            PerformerTable("left", "jazz", "FLUID", 1, ("keys", "right"), **shared | {"temperature": 1.4}),
            PerformerTable("right", "/stage/models/mine", "FLUID", 2, ("left",), 4, **shared | {"mode": "comp"}),
        ),
        record=RecordConfig(True, Path("/stage/takes"), 30.0),
        control=ControlConfig(
            Path("/run/improv/socket"), OscConfig("0.0.0.0", 9001, "blue in green", ("192.168.1.0/24",)), MetricsConfig("127.0.0.1", 9464)
        ),
        binding=(
            BindingConfig(cc=74, channel=1, setting="temperature", low=0.5, high=2.0),
            BindingConfig(program=3, preset="ballad"),
            BindingConfig(key=36, input="pads", model="/stage/models/mine", performer="left"),
        ),
        preset={"ballad": PresetTable(tempo=60.0, mode="solo")},
    )
    assert config.bindings == (
        Binding("cc", 74, 1, "temperature", low=0.5, high=2.0),
        Binding("program", 3, action="preset", name="ballad"),
        Binding("key", 36, action="model", name="/stage/models/mine", performer="left", input="pads"),
        Binding("cc", 80, action="tap"),
    )
    assert config.presets == {"ballad": {"tempo": 60.0, "mode": "solo"}}
    assert [i.channels for i in config.inputs] == [{1, 2}, set(range(1, 17))]
    assert config.music.metre == (3, 4)
    assert [p.settings for p in config.performers] == [shared | {"temperature": 1.4}, shared | {"mode": "comp"}]


def test_changes_are_parsed_in_the_metre() -> None:
    sheet = read_config(TRIO, HERE).music.sheet
    assert sheet is not None
    assert (sheet.starts, sheet.length) == ([0.0, 3.0, 6.0], 12.0)


def test_a_performers_settings_are_its_own_then_everybodys_then_the_musics() -> None:
    config = read_config(TRIO, HERE)
    assert [config.settings_of(p) for p in config.performers] == [
        Settings(mode="duet", temperature=1.4, clock="midi", tempo=96.0, click=10),
        Settings(mode="comp", temperature=0.9, clock="midi", tempo=96.0, click=10),
    ]


def test_no_log_shows_the_secret() -> None:
    assert "blue in green" not in repr(read_config(TRIO, HERE))


def test_words_of_before_go_on_working_and_are_told() -> None:
    text = '[settings]\ngrain = 5.0\n[[binding]]\nkey = 37\naction = "back"\nname = "a"\n'
    config = read_config(text, Path("improv.toml"))
    assert config.bindings == (Binding("key", 37, action="recall", name="a"),)
    assert config.notes == (
        "improv.toml:2: settings, grain: is no setting any more, and is ignored; take the line out",
        "improv.toml:5: binding \"a\", action: 'back' is called 'recall' now; both work",
    )
    assert read_config(TRIO, HERE).notes == ()


def test_what_a_reload_takes_over_is_said_by_the_tree() -> None:
    live = {key.encode_name for kind in (MusicConfig, RecordConfig, PerformerTable) for key in msgspec.structs.fields(kind) if is_live(key)}
    assert live == {"changes", "tap", "keep_days", "keep_mb", "model", *SETTINGS}


# The file that init writes


def test_the_sample_performs_as_jam_would() -> None:
    config = read_config(sample(), HERE)
    assert config == read_config("", HERE)
    (performer,) = config.performers
    assert config.settings_of(performer) == Settings()
    assert (performer.model, performer.output, performer.channel, performer.hears) == (DEFAULT, None, 1, ("keys",))
    assert config.inputs == (InputConfig("keys"),)
    assert (config.music, config.control, config.bindings) == (MusicConfig(), ControlConfig(), ())


def test_every_line_of_the_sample_can_be_taken_into_use() -> None:
    config = read_config(uncommented(sample()), HERE)
    assert config.music == MusicConfig("Dm7 | G7 | Cmaj7 | %", tune="blues-bb", key="Eb", advance=0.0, tap="cc80")
    assert {b.action or b.setting for b in config.bindings} == {
        *("temperature", "panic", "preset", "model", "keep", "recall", "mode", "capture", "mark", "manner", "tap")
    }
    assert config.control.osc is not None
    assert config.control.osc.allow == ("192.168.1.0/24",)


def keys_of(kind: type, path: str = "") -> set[str]:
    found = set()
    for key in msgspec.structs.fields(kind):
        table, _ = nested(key.type)
        found |= {f"{path}{key.encode_name}"} if table is None else keys_of(table, f"{path}{key.encode_name}.")
    return found


def test_every_key_of_the_schema_is_told_in_the_sample() -> None:
    told, section = set(), ""
    for line in sample().split("\n"):
        if line.startswith("# ---- "):
            section = line.split()[2] + "."
        elif line.startswith("# ") and ": " in line and not line.startswith("#  "):
            told.add(section + line[2:].split(":")[0])
    # Settings are told once, in [settings] and [music]; presets and performers take them as well.
    again = {f"performer.{name}" for name in OWN} | {f"preset.{name}" for name in SETTINGS}
    assert keys_of(Tables) - told == again
    assert {f"settings.{name}" for name in OWN} <= told


def test_what_is_told_of_a_setting_comes_from_its_table() -> None:
    plain = " ".join(sample().replace("\n#   ", " ").split())
    for name, row in SETTINGS.items():
        assert f"# {name}: {row.help}" in plain


# Mistakes


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(text, Path("improv.toml"))
    return str(caught.value)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """modle = "jazz"
temperature = 1
[music]
temppo = 100
tempo = 1000
changes = "Dm7 | Xq"
[[performer]]
name = "sax"
hears = ["keyz"]
mode = "trde"
top_p = nan
"""
    assert wrong(text).split("\n") == [
        "improv.toml: 8 mistakes",
        "improv.toml:1: modle: unknown key; did you mean 'model'?",
        "improv.toml:2: temperature: unknown key here; it belongs in [settings]",
        "improv.toml:4: music, temppo: unknown key; did you mean 'tempo'?",
        "improv.toml:5: music, tempo: 1000: expected a number from 20 to 400",
        "improv.toml:6: music, changes: column 7: chord 'Xq': expected a note name A to G, got 'Xq'",
        "improv.toml:9: performer \"sax\", hears: nobody is called 'keyz'; did you mean 'keys'?",
        f"improv.toml:10: performer \"sax\", mode: 'trde': expected one of {', '.join(sorted(MODES))}; did you mean 'trade'?",
        'improv.toml:11: performer "sax", top_p: nan: expected a number from 0.05 to 1',
    ]


TWO = '[[performer]]\nname = "a"\n[[performer]]\nname = "b"\n'
BINDING = "[[binding]]\ncc = 1\n"
OPEN = '[control.osc]\nlisten = "0.0.0.0"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "improv.toml:1: column 5: not TOML: invalid value; put text in quotes"),
        ('model = "a"\nmodel = "b"', "improv.toml:2: column 12: not TOML: cannot overwrite a value"),
        ("a = 1\n\nb = [\n1,\n", "improv.toml:3: not TOML: "),
        ('a = """\nb', "improv.toml:1: not TOML: "),
        ("music = 3", "improv.toml:1: music: expected a table, [music]"),
        ('[input]\nname = "a"', "improv.toml:1: input: expected [[input]], with double brackets, for each"),
        ("[[input]]\nport = 'x'", "improv.toml:1: input 1: 'name' is missing"),
        ("[[input]]\nname = 'a b'", "'a b': expected a word of letters, digits, - and _ in quotes, a letter first"),
        (
            "[[input]]\nname = 'a'\nchannels = [0]",
            'improv.toml:3: input "a", channels: [0]: expected a list, each a whole number from 1 to 16',
        ),
        ("[record]\non = 1", "improv.toml:2: record, on: 1: expected true or false"),
        ("[settings]\nlow = true", "improv.toml:2: settings, low: true: expected a whole number from 0 to 127"),
        ("[settings]\nlow = 60.0", "60.0: expected a whole number from 0 to 127"),
        ("[settings]\nlow = 80", "improv.toml:2: settings, low: low 80 and high 84: the range must span an octave"),
        ("[settings]\ntempo = 90", "improv.toml:2: settings, tempo: unknown key here; it belongs in [music]"),
        (
            "[music]\nmetre = '4/5'",
            "improv.toml:2: music, metre: '4/5': expected two numbers, for example",
        ),
        ("[music]\ntap = 'cc128'", "'cc128': expected cc0 to cc127, or key0 to key127"),
        ("[music]\nclick = 1", "improv.toml:2: music, click: it clicks on channel 1, on which 'improv' plays"),
        ("[music]\ncount_in = 1\n[[performer]]\nname = 'a'\nchannel = 10", "music, count_in: it clicks on channel 10, on which 'a' plays"),
        (TWO, "improv.toml:3: performer \"b\", channel: 1: 'a' plays on channel 1 of the virtual output too"),
        (TWO.replace('"b"', '"A"\nchannel = 2'), "improv.toml:4: performer \"A\", name: 'A' is the name of a performer already"),
        ('[[performer]]\nname = "set"', "'set' is the name of a command; choose another name"),
        ('[[performer]]\nname = "a"\nhears = ["a"]', "'a' can't listen to itself"),
        ('[[performer]]\nname = "a"\nhears = []', "it hears nobody, so in mode 'trade' it would never play"),
        ('[[input]]\nname = "pads"\nrole = "control"\n[[performer]]\nname = "a"\nhears = ["pads"]', "'pads' only steers"),
        ('[[input]]\nname = "a"\n[[input]]\nname = "b"', "improv.toml:3: input \"b\": 'a' listens to the same virtual port and channels"),
        (
            "[[binding]]\ncc = 1\nkey = 2\nsetting = 'recall'",
            "improv.toml:1: binding 1: say what is moved by one of cc, program, key; not cc and key",
        ),
        (BINDING, "say what it does by one of setting, preset, model, action; none is given"),
        (BINDING + "setting = 'temprature'", "improv.toml:3: binding 1, setting: 'temprature': not known; did you mean 'temperature'?"),
        (BINDING + "setting = 'recall'\nhigh = 4", "improv.toml:4: binding 1, high: 4: recall goes from 0 to 3"),
        (BINDING + "setting = 'mode'\nlow = 1", f"mode is one of {', '.join(MODES)}, and has no range"),
        (BINDING + "setting = 'mode'\nvalue = 'sol'", "did you mean 'solo'?"),
        (BINDING + "setting = 'recall'\nlow = 2.0\nhigh = 2.0", "low and high are the same"),
        ("[[binding]]\nkey = 1\nsetting = 'recall'", "say what recall becomes, by value = ...; a key is not moved through a range"),
        (BINDING + "action = 'keep'", 'say which bookmark, for example name = "a"'),
        (BINDING + "action = 'manner'", "say which manner, for example name = \"spare\", for action 'manner'"),
        (BINDING + "action = 'tap'\nvalue = 3", "belongs to a setting, and none is bound here"),
        (BINDING + "preset = 'balad'\n[preset.ballad]\nmode = 'solo'", "no preset is called 'balad'; did you mean 'ballad'?"),
        (BINDING + "action = 'panic'\nperformer = 'x'", "no performer is called 'x'; there are improv"),
        ("[preset.x]", "improv.toml:1: preset, x: is empty"),
        (OPEN, "improv.toml:2: control, osc, listen: '0.0.0.0' can be reached from outside"),
        (OPEN + 'secret = "short"', "improv.toml:3: control, osc, secret: '...': expected text of 8 to 128 characters, in quotes"),
        (OPEN + 'allow = ["10.0.0.0/99"]', "control, osc, allow 1: '10.0.0.0/99': expected an address or a network"),
        ('[control.metrics]\nlisten = "stage"', "'stage': expected an address"),
        ('[control.metrics]\nallow = ["the lan"]', "control, metrics, allow 1: 'the lan': expected an address or a network"),
        ("[music]\nday = 1979-05-27", "improv.toml:2: music, day: unknown key"),
        (f"x = {'[' * 3000}{']' * 3000}", "improv.toml:1: tables or lists are nested too deep"),
        (f"x = {'9' * 5000}", "improv.toml: not TOML that can be read (ValueError)"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, said: str) -> None:
    assert said in wrong(text)


@pytest.mark.parametrize("more", ['secret = "blue in green"', 'allow = ["192.168.1.20"]', 'listen = "127.0.0.1"', 'listen = "::1"'])
def test_osc_is_open_to_those_who_are_named(more: str) -> None:
    text = "[control.osc]\n" + more if "listen" in more else OPEN + more
    assert read_config(text, HERE).control.osc is not None


def test_no_more_mistakes_are_told_than_can_be_read() -> None:
    lines = wrong("\n".join(f"x{i} = 1" for i in range(100))).split("\n")
    assert (len(lines), lines[0], lines[-1]) == (42, "improv.toml: 100 mistakes", "and 60 more")


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "improv.toml"
    with pytest.raises(ConfigError, match=r"no such file; `improv init --to .*` writes one"):
        load_config(path)
    with pytest.raises(ConfigError, match="is no regular file"):
        load_config(tmp_path)
    path.write_bytes(b'model = "jazz"\nx = "\xff"')
    with pytest.raises(ConfigError, match=r"improv\.toml:2: not UTF-8 text"):
        load_config(path)
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(ConfigError, match="it may have 262,144"):
        load_config(path)


def test_models_are_looked_for_when_asked(tmp_path: Path) -> None:
    check_models(read_config("", tmp_path / "improv.toml"), find_model)
    text = '[[performer]]\nname = "a"\nmodel = "jaz"\n[[binding]]\nprogram = 1\nmodel = "there/not"'
    with pytest.raises(ConfigError) as caught:
        check_models(read_config(text, tmp_path / "improv.toml"), find_model)
    assert "performer \"a\": no model 'jaz'" in str(caught.value)
    assert f"binding 1: model {tmp_path}/there/not: no such folder" in str(caught.value)


# Lines


def test_lines_of_keys() -> None:
    text = 'a = 1\n\n[b]\nc.d = """\n[no]\n"""\n[[e]]\n[[e]]\nf = [\n  1, # one\n  {g = 2}]\n[e.h]\ni = 1\n[[e.j]]\nk = 1'
    where = lines_of(text)
    assert where == {
        ("a",): 1,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "c", "d"): 4,
        ("e", 0): 7,
        ("e", 1): 8,
        ("e", 1, "f"): 9,
        ("e", 1, "f", 0): 9,
        ("e", 1, "f", 1): 9,
        ("e", 1, "f", 1, "g"): 9,
        ("e", 1, "h"): 12,
        ("e", 1, "h", "i"): 13,
        ("e", 1, "j", 0): 14,
        ("e", 1, "j", 0, "k"): 15,
    }
    assert line_of(("e", 1, "l"), where) == 8
    assert line_of(("nowhere",), where) == 1


# Rubbish

KEYS = st.sampled_from(
    ["name", "cc", "key", "setting", "hears", "low", "listen", "mode", "tempo", "changes", "metre", "x", "preset", "value"]
)
VALUES = st.sampled_from(
    ['"keys"', '"trade"', "1", "-5", "1e400", "nan", "true", "[]", "[1]", '["keys"]', "{}", "{a = 1}", "1979-05-27", '""']
)
HEADERS = st.sampled_from(
    ["[music]", "[settings]", "[[input]]", "[[performer]]", "[record]", "[control.osc]", "[[binding]]", "[preset.a]", "[x]"]
)
LINES = st.lists(st.one_of(st.builds("{} = {}".format, KEYS, VALUES), HEADERS), max_size=12).map("\n".join)


@given(st.one_of(LINES, st.text(max_size=60)))
def test_whatever_stands_in_it_is_a_configuration_or_a_mistake(text: str) -> None:
    said = f"{HERE}: a configuration"
    try:
        read_config(text, HERE)
    except ConfigError as e:
        said = str(e)
    assert said.startswith(str(HERE))


@given(LINES)
def test_every_key_has_a_line(text: str) -> None:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    where = lines_of(text)
    assert {path[0] for path in where} == set(raw)
    assert all(1 <= line <= text.count("\n") + 1 for line in where.values())


@pytest.mark.parametrize(
    "text", ["\n".join(f"x{i} = 1" for i in range(20_000)), "x = [\n" + "1,\n" * 20_000 + "]", "[[binding]]\n" * 20_000]
)
def test_a_file_full_of_mistakes_is_no_burden(text: str) -> None:
    lines = wrong(text).split("\n")
    assert len(lines) <= 42
    assert sum(map(len, lines)) < 10_000
