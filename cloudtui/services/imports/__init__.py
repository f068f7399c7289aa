"""Accounts of other programs, read from their files: rclone's and putil's."""
