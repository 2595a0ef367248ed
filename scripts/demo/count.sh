#!/bin/bash
# count [N]: adds N to the counter of this machine and prints it.
exec 3<>/dev/tcp/127.0.0.1/7000
echo "${1:-0}" >&3
read -r count <&3
echo "$count"
