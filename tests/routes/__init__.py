"""Tests of the ways between two clouds."""
