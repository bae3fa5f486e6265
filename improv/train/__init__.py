"""Training: the only room that imports tensorflow. Importing this imports none of it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before tensorflow is first imported: it says much that nobody asked
