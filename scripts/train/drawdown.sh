#!/bin/sh
# Trains models/drawdown. Needs Debian's python3-scipy and python3-onnx; see README.md. Takes a few seconds.
set -eu
exec "$(dirname "$0")/integer/train.sh" drawdown vega-datasets 3.2.1 \
  6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3
