#!/usr/bin/env bash
# Make a virtual environment that holds exactly what requirements.lock names, and Tidegate itself.
#
#   scripts/prepare.sh VENV [PYTHON]
#
# Nothing unpinned is ever fetched: pgpy has no wheel, and pip would build it with whatever setuptools it finds, so
# the setuptools of the lock goes in first and builds happen without isolation. Needs no root.
set -euo pipefail

venv=${1:?usage: scripts/prepare.sh VENV [PYTHON]}
chosen=${2:-}

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

python=
for candidate in ${chosen:-python3 python3.11 python3.12 python3.13}; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Tidegate needs Python 3.11, 3.12 or 3.13; ${chosen:-no python3} on the PATH is one." >&2
    echo "Install one and name it: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi

# An environment that a killed make left half made, or that belongs to another Python, is made anew.
if ! fits "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
    { [ -n "$chosen" ] && [ "$("$venv/bin/python" -V)" != "$("$python" -V)" ]; }; then
    echo "Making $venv with $("$python" -V)"
    if ! "$python" -m venv --clear "$venv"; then
        echo "$python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input -qq "$@"
}

echo "Installing what requirements.lock names into $venv"
sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock >"$venv/setuptools.lock"
pip install --require-hashes --no-deps --only-binary :all: --requirement "$venv/setuptools.lock"
pip install --require-hashes --no-deps --no-build-isolation --requirement requirements.lock
pip install --no-deps --no-build-isolation --editable .
