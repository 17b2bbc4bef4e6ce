#!/bin/sh
# Builds the Containerfile for 64-bit ARM on another machine, without a registry of images: a Debian trixie with its own Python,
# made of Debian's packages, takes the place of python:3.13-slim. QEMU runs every ARM program. Then, if asked, it runs it:
#     sudo apps/edge/build-under-emulation.sh FOLDER [NETWORK.onnx IMAGES OUTPUT]
# FOLDER keeps the images, the base for the next run too. OUTPUT gets the masks of the folder IMAGES, to be
# compared with those of another machine. Needs root, the network, and of Debian: buildah mmdebstrap arch-test qemu-user-static
# binfmt-support.
set -eu
if [ $# -ne 1 ] && [ $# -ne 4 ]; then
    echo "usage: $0 FOLDER [NETWORK.onnx IMAGES OUTPUT]" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
base=localhost/python:3.13-slim # the short name in the Containerfile finds it

buildah() {
    command buildah --root "$folder/store" --runroot "$folder/run" "$@"
}
# Certificates of this machine: a proxy may have added its own.
build() {
    buildah build --isolation chroot --pull=never --platform linux/arm64 --volume /etc/ssl/certs:/etc/ssl/certs:ro "$@"
}

if ! arch-test arm64 >/dev/null; then
    echo "$0: ARM programs do not run here; install qemu-user-static and binfmt-support" >&2
    exit 1
fi
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    mkdir -p "$folder/base"
    mmdebstrap --variant=minbase --architectures=arm64 --include=python3,python3-venv,ca-certificates,netbase,tzdata \
        trixie "$folder/base/system.tar"
    # A virtual environment in /usr/local has python and pip where the image of that name has them.
    printf '%s\n' 'FROM scratch' 'ADD system.tar /' 'RUN python3 -m venv /usr/local' \
        'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' >"$folder/base/Containerfile"
    build --tag "$base" "$folder/base"
fi
build --file "$here/Containerfile" --tag imexseg-edge "$here/../.."
buildah images
[ $# -eq 4 ] || exit 0

# The files of the image, as its user, but without /sys: there an emulated program finds the processor of this machine, and the
# library that asks for it (in onnxruntime) takes it for an ARM processor and crashes.
container=$(buildah from --pull=never imexseg-edge)
trap 'buildah umount "$container" >/dev/null; buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")
mkdir -p "$root/data/masks" "$4"
cp "$2" "$root/data/network.onnx"
cp -r "$3" "$root/data/images"
chown -R 1000:1000 "$root/data"
edge() {
    chroot --userspec=1000:1000 "$root" /usr/local/bin/imexseg edge /data/network.onnx "$@"
}
edge --benchmark --threads 1 --json
edge --source /data/images --output /data/masks --headless
cp -r "$root/data/masks/." "$4"
