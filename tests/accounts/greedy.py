"""Takes too much of what its first bytes name: for the test of bounded processes."""

import json
import os
import sys

wish = sys.stdin.buffer.read()
if wish == b"processor":
    while True:
        pass
if wish == b"memory":
    sys.stdout.write(str(len(bytearray(2 * 1024**3))))
if wish == b"environment":
    json.dump(dict(os.environ), sys.stdout)
