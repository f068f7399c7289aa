"""Tests of the PikPak client."""
