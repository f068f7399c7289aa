"""``python -m cloudtui``."""

from cloudtui.cli import main

if __name__ == "__main__":
    main()
