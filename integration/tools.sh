#!/bin/sh
# Makes sure that every tool the tests drive is there. As root it installs what is
# missing from the system's packages, without letting their services start;
# otherwise it prints the one command to run and stops. A tool that is missing
# after that fails the run: no test skips itself.
set -eu

# tool:packages that bring it; a tool may be a pattern
wanted='gcc:gcc,libc6-dev openssl:openssl curl:curl gnutls-cli:gnutls-bin patch:patch /usr/sbin/named:bind9 /usr/sbin/nginx:nginx /usr/sbin/apache2:apache2-bin /usr/sbin/haproxy:haproxy /usr/sbin/hitch:hitch systemd-analyze:systemd /usr/lib/postgresql/*/bin/postgres:postgresql /usr/sbin/mariadbd:mariadb-server redis-server:redis-server'

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

command -v go >/dev/null 2>&1 ||
	die 'go is missing: install Go 1.26 or newer from https://go.dev/dl/ and put it on PATH'

missing() {
	for entry in $wanted; do
		# shellcheck disable=SC2086 # a pattern
		command -v ${entry%%:*} >/dev/null 2>&1 || printf '%s\n' "${entry#*:}" | tr ',' ' '
	done
}

packages=$(missing | tr '\n' ' ' | sed 's/ *$//')
[ -n "$packages" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends $packages"
command -v apt-get >/dev/null 2>&1 || die "missing: $packages (this system has no apt-get)"
[ "$(id -u)" = 0 ] || die "missing: $packages; run as root:
  $install"

# invoke-rc.d and deb-systemd-invoke ask this file whether a service may start.
policy=/usr/sbin/policy-rc.d
kept=$policy.kept-by-dwaar
restore() {
	rm -f "$policy"
	[ ! -e "$kept" ] || mv "$kept" "$policy"
}
[ ! -e "$policy" ] || mv "$policy" "$kept"
trap restore EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=120 update
# shellcheck disable=SC2086 # one word per package
apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $packages

packages=$(missing | tr '\n' ' ' | sed 's/ *$//')
[ -z "$packages" ] || die "still missing after installing: $packages"
