"""PikPak and pCloud as one local server, written from the published wire formats alone."""
