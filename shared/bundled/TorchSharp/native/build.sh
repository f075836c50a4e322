#!/bin/sh
# build.sh FOLDER: configures (once) and builds the shim in FOLDER. One build of a folder at a time; who waited finds it done.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
folder=$1
mkdir -p "$folder"
exec 9>"$folder/lock"
flock -w 900 9 || { echo "error: another build has held $folder/lock for 15 minutes" >&2; exit 1; }
command -v cmake >/dev/null || { echo "error: cmake is missing (Debian: apt-get install cmake g++ libtorch-dev)" >&2; exit 1; }
cmake -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=None >"$folder/cmake.log" 2>&1 || { sed -n '/CMake Error/,$p' "$folder/cmake.log" >&2; exit 1; }
cmake --build "$folder" --parallel 2 >"$folder/build.log" 2>&1 || { grep -E 'error|Error' "$folder/build.log" >&2; exit 1; }
touch "$folder/libtorchsharp_shim.so"
