"""Tests of the pCloud client."""
