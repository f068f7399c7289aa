"""The headless commands, one module per noun. They call the services and print; no logic of their
own about clouds, and nothing of the screen is ever imported."""
