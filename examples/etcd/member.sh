#!/bin/sh
# Runs one etcd member of a network; arguments are further flags for etcd.
#
# Every node starts from a copy of the same seed, $DATA_DIR/snapshot.db, a snapshot that
# `etcdctl snapshot save` wrote. A member with data of its own goes on with it. Without,
# it joins the cluster of its peers where that is up, and else restores the snapshot as
# one of the members in PEERS, which is the same on every node and makes them one cluster.
# Members that are not in PEERS any more are removed by those that are, as they restart:
# stop a removed node last.
#
# Needs NODE_NAME, NODE_HOST, PORT_CLIENT, PORT_PEER, DATA_DIR and PEERS
# (`name=http://host:port`, separated by commas) in its environment.
set -eu

data=$DATA_DIR/etcd
client=http://$NODE_HOST:$PORT_CLIENT
peer=http://$NODE_HOST:$PORT_PEER
export ETCDCTL_API=3

say() {
    echo "member: $*" >&2
}

# The peer URLs of the other nodes, one per line.
others() {
    echo "$PEERS" | tr , '\n' | sed 's/^[^=]*=//' | grep -vxF "$peer" || true
}

# The client URLs of the cluster as the first peer that answers tells them, separated by commas.
endpoints() {
    for other in $(others); do
        if members=$(curl --silent --fail --max-time 2 "$other/members"); then
            echo "$members" | grep -o '"clientURLs":\["[^]]*' | sed 's/"clientURLs":\[//; s/"//g' |
                grep -vF "$client" | paste -sd, -
            return
        fi
    done
}

ctl() {
    etcdctl --endpoints "$cluster" "$@"
}

# Lines of `id, status, name, peer URLs, client URLs, is learner`.
members() {
    ctl member list
}

# Tries again for half a minute: a cluster refuses changes for a while after another one.
patiently() {
    for _ in $(seq 30); do
        if "$@" >&2; then return; fi
        sleep 1
    done
    say "gave up: $*"
    return 1
}

remove_strangers() {
    members | while IFS=, read -r id _ _ url _; do
        case ,$PEERS, in
        *="${url# }",*) ;;
        *)
            say "removing $id at$url, which is not in PEERS"
            patiently ctl member remove "$id"
            ;;
        esac
    done
}

# Makes this node a member; etcd then takes the data from the others. Whoever was a member
# at this address before has lost its data, and cannot go on.
join() {
    say "joining the cluster at $cluster"
    for id in $(members | grep -F " $peer," | cut -d, -f1); do
        patiently ctl member remove "$id"
    done
    patiently ctl member add "$NODE_NAME" --peer-urls "$peer"
    # Only the URLs have to be the cluster's; a member that has not started has no name yet.
    initial=$(members | grep -vF " $peer," | sed 's/^\([^,]*\), [^,]*, [^,]*, \([^,]*\),.*/\1=\2/' | paste -sd, -)
    initial=$initial,$NODE_NAME=$peer
}

restore() {
    say "restoring the snapshot"
    rm -rf "$data.new" "$data"
    etcdctl snapshot restore "$DATA_DIR/snapshot.db" --data-dir "$data.new" --name "$NODE_NAME" \
        --initial-cluster "$PEERS" --initial-advertise-peer-urls "$peer"
    mv "$data.new" "$data"
}

# A cluster is up if it answers a read that takes a majority.
cluster=$(endpoints)
if [ -n "$cluster" ] && ! ctl get up --command-timeout 1s >/dev/null 2>&1; then cluster=; fi

initial=
if [ -n "$cluster" ]; then remove_strangers; fi
if [ -d "$data/member/wal" ]; then
    say "going on with the data in $data"
elif [ -n "$cluster" ]; then
    join
else
    restore
fi
exec etcd --name "$NODE_NAME" --data-dir "$data" \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    ${initial:+--initial-cluster-state existing --initial-cluster "$initial"} "$@"
