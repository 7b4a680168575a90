#!/bin/sh
# image-rootfs.sh NODE_BINARY DEST: what the image has beside Outrider itself, made without a package manager.
#   DEST/root    becomes /: Node.js, the libraries it loads, users, CA certificates, the outrider command
#   DEST/state   becomes /var/lib: the folder that Outrider may write to
set -eu
[ $# = 2 ] || { echo "usage: image-rootfs.sh NODE_BINARY DEST" >&2; exit 64; }
node=$(readlink -f "$1")
root=$2/root

mkdir -p "$root/etc/ssl/certs" "$root/usr/local/bin" "$root/tmp" "$root/dev" "$root/proc" "$root/sys" "$root/run"
chmod 1777 "$root/tmp"
cp "$node" "$root/usr/local/bin/node"
chmod 0755 "$root/usr/local/bin/node"
ldd "$node" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
  chmod 0755 "$root$library"
done

# Numbers are what Kubernetes checks; the names are for people.
printf '%s\n' root:x:0:0:root:/root:/sbin/nologin \
  outrider:x:10001:10001:outrider:/var/lib/outrider:/sbin/nologin \
  nobody:x:65534:65534:nobody:/:/sbin/nologin >"$root/etc/passwd"
printf '%s\n' root:x:0: outrider:x:10001: nogroup:x:65534: >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
"$node" -p 'require("node:tls").rootCertificates.join("\n")' >"$root/etc/ssl/certs/ca-certificates.crt"

# The kernel reads the first line itself, so the command needs no shell: kubectl exec POD -- outrider records
# It takes no flags: `outrider run` begins anew with them.
cat >"$root/usr/local/bin/outrider" <<'EOF'
#!/usr/local/bin/node
import('/app/dist/outrider.js');
EOF
chmod 0755 "$root/usr/local/bin/outrider"

# Writable by the image's user, and by the group 0 of clusters that choose the user themselves.
mkdir -p "$2/state/outrider"
chmod 0775 "$2/state/outrider"
