"""The streaming TCN against the convolution over the whole sequence, and as a model's network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import TCN, random_weights, small_card

from improv.bench.plain import PlainTcn
from improv.core.vocabulary import Context, Value
from improv.models.card import ModelError, check
from improv.models.model import Model
from improv.models.tcn import Tcn, cached, convolved, stack_shapes
from improv.session.snapshot import read_snapshot, write_snapshot
from improv.train.example import example_piece, said_of

INPUTS, SUMMED = 9, 3


def stacks_of(rng: np.random.Generator, channels: int, layers: int, units: tuple[int, ...]) -> list[dict[str, np.ndarray]]:
    return [{k: 0.6 * rng.standard_normal(shape) for k, shape in stack_shapes(INPUTS, channels, layers, u).items()} for u in units]


def heard(rng: np.random.Generator, notes: int) -> np.ndarray:
    return np.array([rng.choice(INPUTS, SUMMED, replace=False) for _ in range(notes)])


def hot(rows: np.ndarray) -> np.ndarray:
    x = np.zeros((len(rows), INPUTS))
    np.put_along_axis(x, rows, 1.0, axis=1)
    return x


def streamed(tcn: Tcn, rows: np.ndarray) -> np.ndarray:
    a, c = tcn.start()
    said = []
    for row in rows:
        a, c = tcn.step(a, c, row)
        said.append(a)
    return np.array(said)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5), st.integers(1, 80), st.integers(1, 3))
def test_streaming_is_the_convolution_over_the_whole_sequence(seed: int, channels: int, layers: int, notes: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    stacks, rows = stacks_of(rng, channels, layers, (4, 7, 2)[:count]), heard(rng, notes)
    expected = np.hstack([convolved(stack, hot(rows)) for stack in stacks])
    np.testing.assert_allclose(streamed(Tcn(stacks, SUMMED), rows), expected, atol=1e-5 * max(1.0, expected.max()))


def test_a_layer_is_a_gated_dilated_convolution_with_residual_and_skip() -> None:
    """The equations note by note, written with the sums of a convolution's definition."""
    rng = np.random.default_rng(4)
    (w,), x = stacks_of(rng, 3, 3, (5,)), hot(heard(rng, 20))
    inputs = [[sum(x[t, i] * w["kernel"][i] for i in range(INPUTS)) + w["bias"] for t in range(20)]]
    skipped = np.tile(w["skip_bias"], (20, 1))
    for layer in range(3):
        following = []
        for t in range(20):
            before = inputs[layer][t - 2**layer] if t >= 2**layer else np.zeros(3)
            gates = w["past"][layer].T @ before + w["now"][layer].T @ inputs[layer][t] + w["gates_bias"][layer]
            z = np.tanh(gates[:3]) / (1 + np.exp(-gates[3:]))
            skipped[t] += w["skip"][layer].T @ z
            following.append(inputs[layer][t] + (w["residual"][layer].T @ z if layer < 2 else 0))
        inputs.append(following)
    np.testing.assert_allclose(convolved(w, x), np.maximum(skipped, 0), atol=1e-12)


def test_it_hears_the_last_2_to_the_layers_notes_and_nothing_before_them() -> None:
    rng = np.random.default_rng(6)
    (w,), rows = stacks_of(rng, 4, 3, (6,)), heard(rng, 40)
    other = rows.copy()
    other[10] = (rows[10] + 1) % INPUTS
    changed = np.abs(streamed(Tcn([w], SUMMED), rows) - streamed(Tcn([w], SUMMED), other)).max(axis=1) > 1e-6
    assert np.flatnonzero(changed).tolist() == [10, 11, 12, 13, 14, 15, 16, 17]


def test_a_state_is_a_value_that_steps_leave_alone() -> None:
    model = Model(small_card(TCN), random_weights(network=TCN))
    state, last = model.start(), None
    for pitch in (60, 62, 59, 67, 65):
        state, last = model.step(state, Value(6, pitch, 4, 6), last, Context()), pitch
    kept = state.a.copy(), state.c.copy()
    once = model.step(state, Value(6, 70, 4, 6), last, Context())
    model.step(state, Value(3, 40, 2, 6), last, Context())
    again = model.step(state, Value(6, 70, 4, 6), last, Context())
    for array, before in ((state.a, kept[0]), (state.c, kept[1]), (again.a, once.a), (again.c, once.c)):
        np.testing.assert_array_equal(array, before)


def test_members_vote_recall_works_and_a_state_comes_back_from_the_disk(tmp_path: Path) -> None:
    card, weights = small_card(TCN) | {"weights_sha256": "w"}, random_weights(network=TCN)
    piece, models = example_piece(40), [Model(card, weights) for _ in range(2)]
    assert models[0].cells.spans == [slice(0, 12), slice(12, 24), slice(24, 40), slice(40, 56)]
    assert models[0].start().c.shape == (4 * cached(6, 3) + 1,)
    state, last = models[0].start(), None
    for value, at in zip(piece.values, piece.contexts, strict=True):
        state, last = models[0].step(state, value, last, at), value.pitch
    said = models[0].read(state)
    assert np.abs(said.ioi - models[0].read(state, recall=0.0).ioi).max() > 1e-3  # what was heard has a say
    write_snapshot(tmp_path / "kept", {"one": (models[0], state)})
    back = read_snapshot(tmp_path / "kept", {"one": models[1]})["one"]
    value, at = piece.values[3], piece.contexts[3]
    one, other = (m.read(m.step(s, value, last, at)) for m, s in zip(models, (state, back), strict=True))
    np.testing.assert_array_equal(one.ioi, other.ioi)
    assert one.end == other.end


def test_distributions_depend_on_the_past() -> None:
    said = said_of(Model(small_card(TCN), random_weights(network=TCN)), example_piece(40))
    for name in ("ioi", "pitch", "duration", "lag"):
        np.testing.assert_allclose(said[name].sum(1), 1, atol=1e-9)
        assert np.abs(said[name][5] - said[name][25]).max() > 1e-4


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ({"kind": "transformer"}, "network.kind is 'transformer'.*lstm, tcn"),
        ({"kind": ["tcn"]}, "network.kind"),
        ({"channels": 0}, "network.channels is 0"),
        ({"layers": 4096}, "network.layers is 4096"),
        ({"layers": 0}, "network.layers is 0"),
        ({"channels": 4096, "layers": 12}, "would keep"),
        ({"channels": 5}, "0.rhythm.kernel is float32"),
        ({"layers": 2}, "0.rhythm.past is float32"),
        ({"kind": "lstm"}, "0.rhythm.kernel is float32"),
    ],
)
def test_a_tcn_that_does_not_fit_is_refused(network: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        check(small_card(TCN | network), random_weights(network=TCN))


def test_a_kind_without_its_sizes_is_refused() -> None:
    without = {k: v for k, v in TCN.items() if k != "channels"}
    with pytest.raises(ModelError, match=r"network\.channels is None"):
        check(small_card(without), random_weights(network=TCN))


def test_the_bench_compares_with_the_same_network_convolved_anew_for_every_note() -> None:
    """Its plain way keeps as many notes as the stack can hear, so it says the same once there were that many."""
    rng = np.random.default_rng(8)
    (w,), rows = stacks_of(rng, 4, 3, (6,)), heard(rng, 30)
    plain = PlainTcn(w)
    said = np.array([plain.step(x) for x in hot(rows)])
    np.testing.assert_allclose(said[8:], streamed(Tcn([w], SUMMED), rows)[8:], atol=1e-5)
