#!/usr/bin/env bash
# Shows that the README's two commands work on a machine with nothing on it: in a chroot with a minimal Debian 12, Node and npm, libatomic1
# and the authorities' certificates, on a fresh clone of this repository's HEAD that only its owner can read, as root and as a normal user.
#
#   sudo e2e/chroot/run.sh              both commands, as both users
#   sudo e2e/chroot/run.sh test         only `npm test`; `start` is `npm start -- --check`
#
# Needs root, debootstrap and a registry for npm. From this machine come, at run time only: Node and npm, the resolver's and npm's
# configuration, and the certificates. Nothing is mounted into it but /proc and /dev; mounts and processes are in namespaces of their own
# and end with the script, however it ends.
#
#   NODE_DIR=DIR    where bin/node and lib/node_modules/npm are taken from; any Node from 20 on will do. Default: the node on the PATH
#   STEP_SECONDS=N  the most that one step may take (900)
#   KEEP=1          leaves the chroot for a look, and says where it is
#
# Prints PASS or FAIL and the seconds of each step, and ends with 0 only if all passed. A step passes when its command ends with 0, leaves no
# process running and nothing of Sallyport in /tmp.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
  echo 'a chroot needs root: sudo e2e/chroot/run.sh' >&2
  exit 2
fi
if [ "${SALLYPORT_CHROOT_INSIDE:-}" != yes ]; then
  exec env SALLYPORT_CHROOT_INSIDE=yes unshare --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi

cd "$(dirname "$0")/../.."
readonly suite=bookworm packages=libatomic1,ca-certificates
readonly base=${XDG_CACHE_HOME:-$HOME/.cache}/sallyport/chroot-$suite
readonly step_seconds=${STEP_SECONDS:-900}
node_dir=${NODE_DIR:-$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")}
readonly node_dir
steps=("$@")
[ "${#steps[@]}" -gt 0 ] || steps=(start test)

work=$(mktemp -d /var/tmp/sallyport-chroot-XXXXXX)
readonly work
readonly root=$work/root
failed=0

finish() {
  end_processes
  umount --recursive --lazy "$root/proc" "$root/dev" 2>/dev/null || true
  if [ "${KEEP:-}" = 1 ]; then
    echo "kept: $root; what the steps said: $work/*.log"
  else
    rm -rf --one-file-system "$work"
  fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# Processes whose root is the chroot: one process id and command line a line.
processes() {
  local pid
  for pid in /proc/[0-9]*; do
    [ "$(readlink "$pid/root" 2>/dev/null)" = "$root" ] || continue
    printf '%s %s\n' "${pid#/proc/}" "$(tr '\0' ' ' <"$pid/cmdline" 2>/dev/null)"
  done
}

end_processes() {
  local pid
  processes | while read -r pid _; do kill -9 "$pid" 2>/dev/null || true; done
}

# The bare system is made once; a killed debootstrap leaves no stamp behind.
make_base() {
  [ -e "$base/.made-for-sallyport" ] && return
  command -v debootstrap >/dev/null || { echo 'debootstrap is missing: apt-get install debootstrap' >&2; exit 2; }
  echo "making a minimal Debian ($suite) in $base"
  rm -rf --one-file-system "$base"
  mkdir -p "$base"
  debootstrap --variant=minbase --include="$packages" "$suite" "$base" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 2
  }
  touch "$base/.made-for-sallyport"
}

copy_if_there() {
  [ -e "$1" ] || return 0
  mkdir -p "$(dirname "$2")"
  cp --dereference "$1" "$2"
}

make_root() {
  cp --archive --reflink=auto "$base" "$root"
  install -D "$node_dir/bin/node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp --recursive "$node_dir/lib/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  local file
  for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do copy_if_there "$file" "$root$file"; done
  copy_if_there "$(npm config get globalconfig)" "$root/usr/local/etc/npmrc"
  mount -t proc proc "$root/proc"
  mount --rbind --make-rslave /dev "$root/dev"
  chroot "$root" useradd --create-home --shell /bin/sh person
}

# home_of USER
home_of() { chroot "$root" getent passwd "$1" | cut -d: -f6; }

# A clone in the user's home that only the user can read.
make_clone() {
  local user=$1 home
  home=$root$(home_of "$user")
  copy_if_there "$HOME/.npmrc" "$home/.npmrc"
  cp --archive "$work/clone" "$home/sallyport"
  chmod 0700 "$home" "$home/sallyport"
  chroot "$root" chown --recursive "$user:" "$(home_of "$user")"
}

# in_root USER COMMAND…: runs a command in the user's clone, with nothing of our environment but what npm needs to reach its registry.
in_root() {
  local user=$1 home passed
  shift
  home=$(home_of "$user")
  mapfile -t passed < <(env | grep -iE '^(npm_config_[a-z_]+|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)=' || true)
  timeout --kill-after=10 "$step_seconds" chroot --userspec="$user:$user" "$root" \
    /usr/bin/env --ignore-environment --chdir="$home/sallyport" "HOME=$home" "USER=$user" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${passed[@]+"${passed[@]}"} "$@" </dev/null
}

# step USER NAME COMMAND…
step() {
  local user=$1 name=$2 started=$SECONDS code=0 log left
  shift 2
  log=$work/$user-$name.log
  in_root "$user" "$@" >"$log" 2>&1 || code=$?
  local took=$((SECONDS - started)) why=
  [ "$code" -eq 0 ] || why="ended with $code"
  # What is on its way out may take a moment.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(processes)
    [ -n "$left" ] || break
    sleep 0.2
  done
  [ -z "$left" ] || why="${why:+$why; }left running: $left"
  end_processes
  left=$(find "$root/tmp" -mindepth 1 -maxdepth 1 -name 'sallyport-*' ! -name 'sallyport-cache-*' -printf '%f ')
  [ -z "$left" ] || why="${why:+$why; }left in /tmp: $left"
  find "$root/tmp" -mindepth 1 -maxdepth 1 -name 'sallyport-*' ! -name 'sallyport-cache-*' -exec rm -rf {} +
  if [ -z "$why" ]; then
    printf 'PASS %4d s  as %-6s %s\n' "$took" "$user" "$*"
  else
    printf 'FAIL %4d s  as %-6s %s: %s\n' "$took" "$user" "$*" "$why"
    failed=1
  fi
  show "$name" "$code" "$log"
}

# The lines of a step that are worth a look.
show() {
  local name=$1 code=$2 log=$3
  if [ "$name" = test ]; then
    grep -E '^ℹ (tests|pass|fail|cancelled|skipped) ' "$log" | tr '\n' ' ' || true
    echo
  else
    grep -E 'installed in|first recorded query|All .* steps' "$log" || true
  fi
  [ "$code" -eq 0 ] && return
  if [ "$name" = test ]; then
    # Where and what, without the stacks.
    sed -n '/^✖ failing tests/,$p' "$log" | grep -vE '^ +(at |generatedMessage|code:|actual:|expected:|operator:|diff:|})' | head -n 200
  else
    tail -n 40 "$log"
  fi
}

# One clone for both users, whatever is committed meanwhile. As root, git asks whether a folder of somebody else's is to be trusted.
env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' git clone --quiet --no-hardlinks "$PWD" "$work/clone"
make_base
make_root
echo "Node $(chroot "$root" /usr/local/bin/node --version), npm $(chroot "$root" /usr/local/bin/npm --version), $(git -C "$work/clone" rev-parse --short HEAD)"
for user in root person; do
  make_clone "$user"
  for name in "${steps[@]}"; do
    case $name in
      start) step "$user" start npm start -- --check ;;
      test) step "$user" test npm test ;;
      *) echo "unknown step $name; known: start, test" >&2; exit 2 ;;
    esac
  done
done
exit "$failed"
