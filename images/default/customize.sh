# shellcheck shell=sh
# Makes a plain Debian root a good guest. Run by mmdebstrap with sh, as the root of the new system's namespace, with
# the new root as $1, and passed as a string because that user need not be able to read this folder.
set -eu
root=$1

# Nothing of the place where the image was built stays in it.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/resolv.conf" "$root/etc/apt/sources.list"
rm -f "$root"/etc/apt/sources.list.d/*
printf 'Acquire::Languages "none";\n' >"$root/etc/apt/apt.conf.d/90vers"
mv "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/90vers"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<'END'
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END

# Names. The agent replaces the host name and writes resolv.conf.
echo vers >"$root/etc/hostname"
cat >"$root/etc/hosts" <<'END'
127.0.0.1 localhost
127.0.1.1 vers
::1 localhost ip6-localhost ip6-loopback
END
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
echo 'LANG=C.UTF-8' >"$root/etc/default/locale"

# Empty, not absent and not "uninitialized": systemd makes an id, but does not take this for a first boot, in which it
# would enable every unit that a package brings.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"

# SSH by socket activation: no sshd runs until someone connects. The agent makes the host keys.
rm -f "$root"/etc/ssh/ssh_host_*
chroot "$root" systemctl --quiet disable ssh.service
chroot "$root" systemctl --quiet enable ssh.socket
# It is there for those who come by SSH; a daemon of its own is not wanted.
chroot "$root" systemctl --quiet disable rsync.service
cat >"$root/etc/ssh/sshd_config.d/vers.conf" <<'END'
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
# Where the agent writes variables that /etc/environment cannot hold.
PermitUserEnvironment yes
END

# The journal stays in memory, small: it is copied with every branch.
mkdir -p "$root/etc/systemd/journald.conf.d"
cat >"$root/etc/systemd/journald.conf.d/vers.conf" <<'END'
[Journal]
Storage=volatile
RuntimeMaxUse=8M
END

# Units that cost boot time or idle CPU and do nothing for a guest whose disk, clock and console are the host's.
chroot "$root" systemctl --quiet set-default multi-user.target
chroot "$root" systemctl --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    systemd-tmpfiles-clean.timer e2scrub_reap.service \
    systemd-random-seed.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-pstore.service systemd-boot-system-token.service systemd-ask-password-wall.path \
    systemd-ask-password-console.path systemd-firstboot.service systemd-hwdb-update.service \
    systemd-networkd.service systemd-timesyncd.service systemd-sysusers.service systemd-modules-load.service \
    systemd-tmpfiles-setup-dev.service systemd-journal-flush.service \
    modprobe@loop.service modprobe@dm_mod.service modprobe@configfs.service modprobe@drm.service modprobe@fuse.service modprobe@efi_pstore.service \
    dev-mqueue.mount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    proc-sys-fs-binfmt_misc.automount getty-static.service
mkdir -p "$root/etc/systemd/system-generators"
for generator in getty gpt-auto hibernate-resume cryptsetup veritysetup integritysetup bless-boot rc-local; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done

# The console is the machine's log, not a terminal.
chroot "$root" systemctl --quiet mask getty@.service serial-getty@.service console-getty.service

# Compiled Python checks its sources by time, as in any Debian: by hash, which a build with SOURCE_DATE_EPOCH gets,
# every import would read and hash its source.
chroot "$root" env -u SOURCE_DATE_EPOCH python3 -m compileall -q -f --invalidation-mode timestamp \
    /usr/lib/python3 /usr/lib/python3.11

# systemd lets every user ping; a file capability would bind the image to the user namespace it was built in.
chroot "$root" setcap -r /usr/bin/ping 2>/dev/null || chmod 0755 "$root/usr/bin/ping"

# Files that differ between two builds and that the system makes again when it needs them.
rm -rf "$root/var/cache/ldconfig" "$root/var/cache/apt" "$root/var/cache/debconf"
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/cache/debconf"
find "$root/var/log" -type f -delete
rm -f "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- "$root"/var/lib/dpkg/*-old
