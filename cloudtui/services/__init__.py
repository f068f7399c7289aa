"""Everything below the screen: no textual, no rich, no printing."""
