#!/bin/sh
# Takes a member out of its cluster: leave.sh CLIENT-URLS-OF-THE-OTHERS PEER-URL-OF-THE-MEMBER
set -eu
export ETCDCTL_API=3
others=$1
peer=$2

# Lines of `id, status, name, peer URLs, client URLs, is learner`.
members=$(etcdctl --endpoints "$others" member list)
id=$(echo "$members" | grep -F " $peer," | cut -d, -f1)
if [ -z "$id" ]; then
    echo "leave: $peer is no member" >&2
    exit 0
fi
etcdctl --endpoints "$others" member remove "$id"
