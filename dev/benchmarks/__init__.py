"""How fast the operator is, beside the official SDK and the usual script: ``make bench``.

All that is written goes to ``.bench/`` in this repository; nothing is left running.
"""
