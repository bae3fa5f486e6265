"""A model for people who take it elsewhere: the one-note step as ONNX, TFLite, .keras or SavedModel.

`stages.py` holds the mathematics, once; `as_onnx.py` and `as_keras.py` are two sets of operations that it is
written in; `check.py` runs what was written in its own runtime; `leaflet.py` is the JSON that goes beside it.
Importing this imports none of those libraries.
"""
