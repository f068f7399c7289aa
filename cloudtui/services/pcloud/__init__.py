"""The pCloud client: storage over pCloud's HTTP API, with an OAuth token and nothing else."""
