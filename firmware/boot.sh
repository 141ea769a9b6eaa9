#!/usr/bin/env bash
# firmware/boot.sh BOARD: for now only starts it
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
