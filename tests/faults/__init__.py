"""Servers, networks and disks that misbehave, as the commands see it."""
