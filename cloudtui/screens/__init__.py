"""One module per place of the program."""
