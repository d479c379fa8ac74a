/**
 * Builds the file system of a child inside fresh namespaces, where bubblewrap is missing; run by `/bin/sh` as root of those namespaces.
 *
 * Arguments: an empty folder, bytes for /tmp, `mapped`, `sealed` or `root`, the places (`ro SOURCE PLACE`, `link TARGET PLACE`, `ws` as working folder),
 * `--`, and the command. Places hold no white space and no backslash: mountinfo would write those in another way.
 */
export const UNSHARE_SCRIPT = `set -eu
umask 022
theirs=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 bytes=$2 kind=$3
shift 3
if command -v ip >/dev/null; then ip link set lo up; else ifconfig lo up; fi
mount -t tmpfs -o size=1m,mode=755,nosuid,nodev tmpfs "$root"
cd "$root"
mkdir proc dev tmp old
mount -t tmpfs -o "size=$bytes,mode=1777,nosuid,nodev" tmpfs tmp
mount -t tmpfs -o size=64k,mode=755,nosuid tmpfs dev
while [ "$1" != -- ]; do
  mkdir -p ".\${3%/*}"
  if [ "$1" = link ]; then
    ln -s "$2" ".$3"
  else
    if [ -d "$2" ]; then mkdir -p ".$3"; else : >".$3"; fi
    # A folder that holds other mounts can be bound only with them.
    mount --rbind "$2" ".$3"
  fi
  shift 3
done
shift
work=$1
shift
# Whatever was bound is read-only, with each mount below it; options that are locked must be given again.
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ place options _; do
  case $place in
    "$root"/tmp | "$root"/dev) ;;
    "$root"/*)
      more=
      case ,$options, in *,noexec,*) more=,noexec ;; esac
      mount -o "remount,bind,ro,nosuid,nodev$more" "$place"
      ;;
  esac
done <<MOUNTS
$mounts
MOUNTS
mkdir dev/shm
mount -t tmpfs -o size=16m,mode=1777,nosuid,nodev tmpfs dev/shm
for device in null zero full random urandom; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -o remount,bind,ro,nosuid dev
mount -t proc -o nosuid,nodev,noexec proc proc
# One more namespace, made below, and none beneath that: a namespace of one's own is where most holes of kernels lie.
if [ "$kind" = mapped ]; then echo 1 >proc/sys/user/max_user_namespaces; fi
for file in sys sysrq-trigger irq bus; do
  if [ -e "proc/$file" ]; then
    mount --bind "proc/$file" "proc/$file"
    mount -o remount,bind,ro,nosuid,nodev,noexec "proc/$file"
  fi
done
if [ "$kind" = sealed ]; then mount --bind /proc/sys/user proc/sys/user; fi
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,bind,ro,nosuid,nodev /
cd "$work"
PATH=$theirs
exec "$@"
`
