"""The PikPak client."""
