#!/bin/sh
# Trains models/digits. Needs Debian's python3-scipy and python3-onnx; see README.md. Takes a minute and 1 GB of memory.
set -eu
exec "$(dirname "$0")/integer/train.sh" digits mnist 1.1.0 \
  3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390
