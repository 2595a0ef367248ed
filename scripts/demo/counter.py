#!/usr/bin/env python3
"""Counts in memory, ten times a second, and answers on TCP port 7000.

A client sends a number, which is added to the count, and gets the count back. Nothing is kept on the disk. Returns to
the shell as soon as it listens, and counts on in the background.
"""

import os
import socket
import time

TICK_SECONDS = 0.1

server = socket.create_server(("127.0.0.1", 7000))
if os.fork():
    os._exit(0)
os.setsid()
null = os.open(os.devnull, os.O_RDWR)
for stream in range(3):
    os.dup2(null, stream)

count = 0
next_tick = time.monotonic() + TICK_SECONDS
while True:
    server.settimeout(max(next_tick - time.monotonic(), 0.001))
    try:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(1)
            count += int(connection.makefile().readline() or 0)
            connection.sendall(f"{count}\n".encode())
    except (TimeoutError, OSError, ValueError):
        pass
    if time.monotonic() >= next_tick:
        count += 1
        next_tick += TICK_SECONDS
