#!/bin/sh
# Makes seed/snapshot.db: starts a server, writes some keys, takes a snapshot, stops the server.
#
# The server listens on sockets in a directory of its own and needs no port.
set -eu
cd "$(dirname "$0")"
if [ -e seed/snapshot.db ]; then exit 0; fi

work=$(mktemp -d)
server=
clean() {
    if [ -n "$server" ]; then { kill "$server" && wait "$server"; } 2>/dev/null || true; fi
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
export ETCDCTL_API=3

# What looks like a host and a port is the socket's name.
start() {
    cd "$work"
    exec etcd --data-dir "$work/data" --listen-client-urls unix://localhost:1 --listen-peer-urls unix://localhost:2 \
        --advertise-client-urls http://localhost:1 >"$work/log" 2>&1
}
start &
server=$!

ctl() {
    (cd "$work" && etcdctl --endpoints unix://localhost:1 "$@")
}

tries=0
until ctl put greeting hello --command-timeout 1s >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 100 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "prepare: etcd does not answer; its log ends with" >&2
        tail -n 5 "$work/log" >&2
        exit 1
    fi
    sleep 0.1
done
ctl put planet earth >/dev/null
ctl snapshot save snapshot.db >/dev/null 2>&1
mkdir -p seed
mv "$work/snapshot.db" seed/snapshot.db
echo "prepare: wrote seed/snapshot.db"
