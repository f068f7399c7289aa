"""TLS of the sandbox's listeners: bodies both ways, and clients that go away."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from cloudtui.sandbox.http import Disconnected, FileBody, Request, Response
from cloudtui.sandbox.listener import Server
from cloudtui.sandbox.world import World
