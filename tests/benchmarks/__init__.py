"""Benchmarks, run by hand: `python -m tests.benchmarks`. Not part of the test suite."""
