"""PikPak as rclone and other clients know it: user, drive, storage and content hosts."""
