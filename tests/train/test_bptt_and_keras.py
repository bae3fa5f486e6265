"""The gradients by hand against those that Keras takes."""

import numpy as np
import pytest

from improv.tutorials.bptt import from_kernel, lstm_backward, lstm_forward, rnn_backward, rnn_forward

tf = pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")
keras = pytest.importorskip("keras")

INPUTS, UNITS, BATCH, STEPS = 3, 4, 2, 5


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, a0, c0 as by hand, and the gradient of a loss by every activation."""
    rng = np.random.default_rng(seed)
    shapes = (INPUTS, BATCH, STEPS), (UNITS, BATCH), (UNITS, BATCH), (UNITS, BATCH, STEPS)
    return tuple(rng.standard_normal(shape) for shape in shapes)


def taken(layer: object, x: np.ndarray, starts: list[np.ndarray], da: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Keras's activations, then its gradients by x, the starts and the weights."""
    by_batch = tf.constant(x.transpose(1, 2, 0))
    first = [tf.constant(start.T) for start in starts]
    with tf.GradientTape() as tape:
        tape.watch([by_batch, *first])
        a = layer(by_batch, initial_state=first)
        loss = tf.reduce_sum(a * da.transpose(1, 2, 0))
    weights = [v.value for v in layer.trainable_variables]
    return [a.numpy()], [g.numpy() for g in tape.gradient(loss, [by_batch, *first, *weights])]


def test_the_lstm() -> None:
    x, a0, c0, da = drawn(1)
    layer = keras.layers.LSTM(UNITS, return_sequences=True, dtype="float64", bias_initializer="random_normal")
    layer.build((BATCH, STEPS, INPUTS))
    kernel, recurrent, bias = layer.get_weights()
    a, _, _, caches = lstm_forward(x, a0, from_kernel(kernel, recurrent, bias), c0)
    found = lstm_backward(da, caches)
    (a_keras,), (dx, da0, dc0, dkernel, drecurrent, dbias) = taken(layer, x, [a0, c0], da)
    np.testing.assert_allclose(a.transpose(1, 2, 0), a_keras, atol=1e-12)
    np.testing.assert_allclose(found["x"].transpose(1, 2, 0), dx, atol=1e-12)
    np.testing.assert_allclose(found["a0"].T, da0, atol=1e-12)
    np.testing.assert_allclose(found["c0"].T, dc0, atol=1e-12)
    for name, gradient in from_kernel(dkernel, drecurrent, dbias).items():
        np.testing.assert_allclose(found[name], gradient, atol=1e-11, err_msg=name)


def test_the_rnn() -> None:
    x, a0, _, da = drawn(2)
    layer = keras.layers.SimpleRNN(UNITS, return_sequences=True, dtype="float64", bias_initializer="random_normal")
    layer.build((BATCH, STEPS, INPUTS))
    kernel, recurrent, bias = layer.get_weights()
    parameters = {"Wax": kernel.T, "Waa": recurrent.T, "ba": bias[:, None], "Wya": np.zeros((1, UNITS)), "by": np.zeros((1, 1))}
    a, _, caches = rnn_forward(x, a0, parameters)
    found = rnn_backward(da, caches)
    (a_keras,), (dx, da0, dkernel, drecurrent, dbias) = taken(layer, x, [a0], da)
    np.testing.assert_allclose(a.transpose(1, 2, 0), a_keras, atol=1e-12)
    for name, gradient in {"x": dx.transpose(2, 0, 1), "a0": da0.T, "Wax": dkernel.T, "Waa": drecurrent.T, "ba": dbias[:, None]}.items():
        np.testing.assert_allclose(found[name], gradient, atol=1e-12, err_msg=name)
