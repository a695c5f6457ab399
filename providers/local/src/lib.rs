//! Buckets, archives, volumes, networks, snapshots and replicas on this machine.
