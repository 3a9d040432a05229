"""Arrow's columns as rows of Python values; all but ``library`` needs ``pyarrow``."""
