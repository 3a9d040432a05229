"""The demo, benchmarks and screenshots; the Makefile runs them, from the top folder."""
