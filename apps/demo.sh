#!/bin/sh
# The whole way from nothing to a mask, on generated Q-tips. `make demo` runs it in the project's environment.
set -eu
out=demo
rm -rf "$out"

echo "1/4  training the default network on generated Q-tips"
imexseg train --output "$out/run"

echo "2/4  evaluating it on test images it has not seen"
imexseg evaluate "$out/run/best.safetensors" "$out/run/data" --split test

echo "3/4  segmenting a few images"
imexseg predict "$out/run/data/images/test/00000[0-5].png" \
  --weights "$out/run/best.safetensors" --output "$out/predictions"

echo "4/4  done. Look at:"
echo "  report    $out/run/report.html"
echo "  pictures  $out/predictions"
echo "  weights   $out/run/best.safetensors"
