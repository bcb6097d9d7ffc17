#!/usr/bin/env bash
# Install by apt-get what the tests and checks lack of their real counterparts; quick and silent where nothing is lacking.
#
#   scripts/install_servers.sh {rabbitmq|postgresql|openssh|vsftpd|apache2|clients|gnupg|prometheus|podman}...
#
# The tests start private servers of their own on loopback ports. What the packages would start by themselves is
# kept from starting, now and at the next boot; both means are taken back before this script ends.
set -euo pipefail

lacks() {
    case $1 in
    rabbitmq) [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ;;
    postgresql) ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
    openssh) ! { [ -x /usr/sbin/sshd ] && command -v ssh-keygen >/dev/null && command -v sftp >/dev/null; } ;;
    vsftpd) [ ! -x /usr/sbin/vsftpd ] ;;
    apache2) [ ! -x /usr/sbin/apache2 ] ;;
    clients) ! { type lftp rsync curl cadaver litmus; } >/dev/null 2>&1 ;;
    gnupg) ! { type gpg gpg-agent; } >/dev/null 2>&1 ;;
    prometheus) ! command -v promtool >/dev/null ;;
    podman) ! { type podman runc debootstrap iptables && [ -x /usr/lib/podman/aardvark-dns ]; } >/dev/null 2>&1 ;;
    *)
        echo "$0: unknown part '$1'; known are rabbitmq, postgresql, openssh, vsftpd, apache2, clients, gnupg, prometheus, podman" >&2
        exit 2
        ;;
    esac
}

packages_of() {
    case $1 in
    rabbitmq) echo rabbitmq-server ;;
    postgresql) apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+$' | sort -t- -k2 -n | tail -1 ;;
    openssh) echo openssh-server openssh-client ;;
    vsftpd) echo vsftpd ;;
    apache2) echo apache2 ;;
    clients) echo lftp rsync curl cadaver litmus ;;
    gnupg) echo gpg gpg-agent ;;
    prometheus) echo prometheus ;;
    podman) echo podman runc netavark aardvark-dns iptables debootstrap ca-certificates ;;
    esac
}

lacking=()
for part in "$@"; do
    if lacks "$part"; then lacking+=("$part"); fi
done
if [ ${#lacking[@]} -eq 0 ]; then
    exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    {
        echo "The tests run on real servers, and this machine lacks: ${lacking[*]}."
        echo "They could not be installed, because this is not root on a machine with apt-get. What to do:"
        echo "  on Debian or Ubuntu: sudo $0 ${lacking[*]}, and again what you did"
        echo "  elsewhere: .venv/bin/pytest tests/unit runs the tests that need no servers"
    } >&2
    exit 1
fi

policy=/usr/sbin/policy-rc.d
no_cluster=/etc/postgresql-common/createcluster.d/tidegate-tests.conf
own_policy=
take_back() {
    rm -f "$no_cluster"
    if [ -n "$own_policy" ]; then rm -f "$policy"; fi
}
trap take_back EXIT
trap 'exit 130' INT TERM

if [ ! -e "$policy" ]; then
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
mkdir -p "$(dirname "$no_cluster")"
echo 'create_main_cluster = false' >"$no_cluster"

export DEBIAN_FRONTEND=noninteractive
echo "Installing for the tests: ${lacking[*]}"
apt-get update -qq
packages=()
for part in "${lacking[@]}"; do
    # shellcheck disable=SC2207 # package names hold no blanks
    packages+=($(packages_of "$part"))
done
apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null

if [ -d /run/systemd/system ]; then
    for part in "${lacking[@]}"; do
        case $part in
        rabbitmq) systemctl --quiet disable rabbitmq-server.service epmd.socket ;;
        postgresql) systemctl --quiet disable postgresql.service ;;
        openssh) systemctl --quiet disable ssh.service ;;
        vsftpd) systemctl --quiet disable vsftpd.service ;;
        apache2) systemctl --quiet disable apache2.service ;;
        prometheus) systemctl --quiet disable prometheus.service ;;
        podman) systemctl --quiet disable podman.socket podman.service podman-restart.service podman-auto-update.timer ;;
        esac
    done
fi

for part in "${lacking[@]}"; do
    if lacks "$part"; then
        echo "$0: ${packages[*]} were installed, and yet $part is not where the tests look for it" >&2
        exit 1
    fi
done
