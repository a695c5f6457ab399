#!/bin/sh
# Installs Debian packages for the tests; run as root: install.sh PACKAGE…
#
# Debian starts a server as it installs it. The tests start their own, so while packages
# are installed a policy-rc.d forbids starting services, unless the machine has a policy
# of its own, which is left alone; and an etcd that this script brought is stopped and
# not started at boot.
set -eu

policy=/usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive

# noclobber: an existing policy is never overwritten.
if (set -C; printf '#!/bin/sh\nexit 101\n' >"$policy") 2>/dev/null; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    chmod 755 "$policy"
fi

apt-get update
apt-get install --yes --no-install-recommends "$@"

for package in "$@"; do
    if [ "$package" = etcd-server ]; then
        update-rc.d etcd disable
        service etcd stop
    fi
done
