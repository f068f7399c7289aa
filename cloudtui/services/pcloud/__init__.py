"""The pCloud client."""
