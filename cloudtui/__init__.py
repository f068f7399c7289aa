"""A dual-pane file manager for the terminal: disk, PikPak and pCloud."""
