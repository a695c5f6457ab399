#!/bin/sh
# Writes keys into a demo node: fill.sh URL COUNT
set -eu
url=$1
count=$2

key=1
while [ "$key" -le "$count" ]; do
    curl --silent --show-error --fail --max-time 10 --request PUT --data "value $key" "$url/kv/key-$key"
    key=$((key + 1))
done
