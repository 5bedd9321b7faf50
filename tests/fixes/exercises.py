# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a fix's part of the kernel is put to, by the path of its file: the longest prefix that fits."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    """modules: loaded besides that which is patched. script: done while the patch is live. make, use, drop: objects that are made in one
    state of the kernel and used and let go in another, as judge.py has it. All are of the shell, in a machine with `exercise`, ip, tc and
    busybox; each line's failure is a failure, but of those that begin with a minus."""
    modules: tuple
    script: str = ""
    make: str = ""
    use: str = ""
    drop: str = ""

    def __add__(self, other):
        return Exercise((*self.modules, *other.modules), *("\n".join(filter(None, parts)) for parts in (
            (self.script, other.script), (self.make, other.make), (self.use, other.use), (other.drop, self.drop))))


def link(kind, options="", modules=()):
    """A network device of that kind: made, set up; used, shown; removed."""
    lower = "ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up" if "link v0" in options else ""
    return Exercise((kind, *modules), make=f"""
        {lower}
        ip link add name x0 {options if options.startswith("link") else ""} type {kind} {"" if options.startswith("link") else options}
        ip addr add 10.9.8.7/24 dev x0
        ip link set x0 up
        """, use="""
        ip -s -d link show x0
        -ping -c 1 -W 1 10.9.8.9
        -ip link set x0 mtu 1400
        exercise sockets
        """, drop=f"""
        ip link set x0 down
        ip link del x0
        {"ip link del v0" if lower else ""}
        """)


def queue(kind, options=""):
    """A queue of packets on the loopback interface."""
    return Exercise((f"sch_{kind}",), make=f"tc qdisc add dev lo root {kind} {options}", use=f"""
        exercise sockets
        tc -s qdisc show dev lo
        -tc qdisc change dev lo root {kind} {options}
        """, drop="tc qdisc del dev lo root")


def incoming(modules, rule, use=""):
    """A rule for each packet that comes in."""
    return Exercise(("sch_ingress", *modules), make=f"""
        tc qdisc add dev lo ingress
        tc filter add dev lo ingress {rule}
        """, use=f"""
        exercise sockets
        tc -s filter show dev lo ingress
        {use}
        """, drop="tc qdisc del dev lo ingress")


def action(kind, options="", modules=()):
    return incoming((f"act_{kind}", "cls_matchall", *modules), f"protocol ip matchall action {kind} {options}", f"tc actions show action {kind}")


def match(kind, options):
    names = Exercise((), make="mkdir -p /etc/iproute2\necho '1 cmp\n2 nbyte' >/etc/iproute2/ematch_map", drop="rm /etc/iproute2/ematch_map")
    return names + incoming(("cls_basic", "act_gact", f"em_{kind}"), f"basic match '{options}' action ok")


def disk(make, kind, modules=()):
    """A file system in a file, with a file that stays open."""
    return Exercise(("loop", *modules), make=f"""
        dd if=/dev/zero of=/tmp/disk bs=1M count=32
        {make} /tmp/disk
        mkdir -p /mnt/x
        mount -t {kind} -o loop /tmp/disk /mnt/x
        (echo kept; exec sleep 999) >/mnt/x/kept & echo $! >/tmp/keeper
        """, use="exercise files /mnt/x", drop=f"""
        kill $(cat /tmp/keeper)
        sleep 0.1
        grep -q kept /mnt/x/kept
        umount /mnt/x
        mount -t {kind} -o loop,ro /tmp/disk /mnt/x
        exercise files /mnt/x
        umount /mnt/x
        """)


def refused_disk(kind, module):
    """A file system for which no program that makes one is here: it says no to what is none."""
    return Exercise((module, "loop"), f"""
        dd if=/dev/zero of=/tmp/disk bs=1M count=16
        mkdir -p /mnt/x
        if mount -t {kind} -o loop /tmp/disk /mnt/x; then exit 1; fi
        grep -q {kind} /proc/filesystems
        """)


def mapped(table, modules=()):
    """A device-mapper device over loop devices."""
    return Exercise(("loop", "dm_mod", *modules), make=f"""
        for i in 0 1 2 3; do dd if=/dev/zero of=/tmp/d$i bs=1M count=16 2>/dev/null; losetup /dev/loop$i /tmp/d$i; done
        echo "{table}" | dmsetup --noudevsync create x0
        """, use="""
        dmsetup table x0
        dd if=/dev/urandom of=/dev/dm-0 bs=64k count=16 oflag=direct
        dd if=/dev/dm-0 of=/dev/null bs=64k count=16
        dmsetup status x0
        dmsetup --noudevsync suspend x0
        dmsetup --noudevsync resume x0
        """, drop="""
        dmsetup --noudevsync remove x0
        for i in 0 1 2 3; do losetup -d /dev/loop$i; done
        """)


PLAIN = Exercise((), """
    exercise processes
    exercise memory
    exercise sockets
    """)
SOCKETS = Exercise((), """
    ping -c 2 127.0.0.1
    exercise sockets
    ip -s -s link show lo
    ip route show table all
    """)
# What a driver without its hardware can do: be there and show itself.
DRIVER = Exercise((), "exercise read /sys/module /sys/bus /sys/class /sys/devices\nexercise files /tmp\n")
PROCESSES = Exercise((), "exercise processes\nexercise memory\nexercise files /tmp\n")
MEMORY = Exercise((), """
    echo 8 >/proc/sys/vm/nr_hugepages
    echo always >/sys/kernel/mm/transparent_hugepage/enabled
    exercise memory
    -echo 1 >/proc/sys/vm/compact_memory
    echo 3 >/proc/sys/vm/drop_caches
    exercise memory
    exercise files /tmp
    echo 0 >/proc/sys/vm/nr_hugepages
    cat /proc/meminfo /proc/vmstat /proc/zoneinfo /proc/self/smaps /proc/self/numa_maps
    """)
FILES = Exercise(("loop",), "exercise files /root\nexercise files /tmp\nexercise files /\n")
NFT = Exercise(("nf_tables", "nf_conntrack", "nf_conntrack_netlink", "nft_ct", "nft_counter", "nft_log", "nf_log_syslog", "nft_fib_ipv4",
                "nft_fib_ipv6", "nft_fib_inet", "nft_masq", "nft_chain_nat", "nft_osf", "nft_tunnel"), "exercise nftables\n")
XTABLES = Exercise(("iptable_filter", "iptable_mangle", "iptable_raw", "iptable_security", "iptable_nat", "ip6table_filter",
                    "ip6table_mangle", "ip6table_raw", "arptable_filter"), "exercise xtables\n")
IPSEC_MODULES = ("esp4", "esp6", "ah4", "ah6", "xfrm_user", "af_key", "authenc", "echainiv", "cbc", "hmac", "sha256_generic",
                 "aes_generic", "aesni_intel", "sha512_generic", "jitterentropy_rng",
                 "drbg")
IPSEC_MAKE = """
    mode=${mode:-transport} proto=${proto:-esp}
    enc=; [ $proto = ah ] || enc='enc cbc(aes) 0x00112233445566778899aabbccddeeff'
    k=0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
    for a in 127.0.0.1 ::1; do
        ip xfrm state add src $a dst $a proto $proto spi 0x100 mode $mode auth 'hmac(sha256)' $k ${enc:+enc 'cbc(aes)' ${enc##* }}
        for d in in out; do ip xfrm policy add src $a dst $a dir $d tmpl proto $proto mode $mode; done
    done
    echo 0 >/proc/sys/net/ipv4/conf/lo/disable_xfrm; echo 0 >/proc/sys/net/ipv4/conf/lo/disable_policy
    """
IPSEC_USE = """
    ping -c 2 -W 2 127.0.0.1 || :; ping6 -c 2 -W 2 ::1 || :
    ip -s xfrm state; ip xfrm policy; ip xfrm monitor & sleep 0.2; kill $!
    """
IPSEC_DROP = "ip xfrm policy flush; ip xfrm state flush\n"
IPSEC = Exercise(IPSEC_MODULES, f"""
    for mode in transport tunnel; do for proto in esp ah; do
        {IPSEC_MAKE} {IPSEC_USE} {IPSEC_DROP}
    done; done
    exercise family 15 3 2
    exercise sockets
    """, IPSEC_MAKE, IPSEC_USE, IPSEC_DROP)
TRACING = Exercise((), make="""
    cd /sys/kernel/tracing
    echo 'hist:keys=common_pid,next_pid:vals=hitcount:sort=hitcount' >events/sched/sched_switch/trigger
    echo 'p:mine do_sys_openat2 name=+0(%si):ustring' >>kprobe_events
    echo 1 >events/kprobes/mine/enable
    echo 1 >events/sched/enable
    echo 'common_pid != 0 && prev_prio > 1' >events/sched/sched_switch/filter
    """, use="""
    cd /sys/kernel/tracing
    exercise processes
    cat events/sched/sched_switch/hist >/dev/null
    timeout 1 cat trace_pipe >/dev/null || :
    cat trace >/dev/null
    echo 64 >buffer_size_kb
    """, drop="""
    cd /sys/kernel/tracing
    echo '!hist:keys=common_pid,next_pid:vals=hitcount:sort=hitcount' >events/sched/sched_switch/trigger
    echo 0 >events/sched/enable
    echo 0 >events/kprobes/mine/enable
    echo 0 >events/sched/sched_switch/filter
    echo '-:mine' >>kprobe_events
    """)
CGROUPS = Exercise((), """
    cat /sys/fs/cgroup/cgroup.controllers
    exercise read /sys/fs/cgroup
    """, """
    for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$c >/sys/fs/cgroup/cgroup.subtree_control; done
    mkdir /sys/fs/cgroup/x
    (echo 0 >/sys/fs/cgroup/x/cgroup.procs; exec sleep 999) & echo $! >/tmp/member
    """, """
    (echo 0 >/sys/fs/cgroup/x/cgroup.procs; exercise processes; exercise files /root)
    exercise read /sys/fs/cgroup
    -echo 0 >/sys/fs/cgroup/x/cpuset.cpus
    -echo max >/sys/fs/cgroup/x/rdma.max
    """, """
    kill $(cat /tmp/member)
    for i in $(seq 50); do grep -q populated.0 /sys/fs/cgroup/x/cgroup.events && break; sleep 0.1; done
    rmdir /sys/fs/cgroup/x
    """)
BOND_MAKE = """
    ip link add bond9 type bond mode ${mode:-active-backup} miimon 100
    ip link add v0 type veth peer name v1
    ip link add v2 type veth peer name v3
    ip link set v0 master bond9; ip link set v2 master bond9
    ip link set v1 up; ip link set v3 up; ip link set bond9 up
    ip addr add 10.9.8.7/24 dev bond9
    sleep 0.5
    """
BOND_USE = """
    cat /proc/net/bonding/bond9 /sys/class/net/bond9/bonding/* /sys/class/net/v0/bonding_slave/*
    ip -d link show bond9
    ping -c 1 -W 1 10.9.8.9 || :
    """
BOND_DROP = "ip link set v0 nomaster; ip link del bond9; ip link del v0; ip link del v2\n"
BONDING = Exercise(("bonding", "veth", "dummy"), f"""
    for mode in 802.3ad active-backup balance-alb balance-xor; do
        {BOND_MAKE} {BOND_USE} {BOND_DROP}
    done
    exercise sockets
    """, BOND_MAKE, BOND_USE, BOND_DROP)
BRIDGE = Exercise(("bridge", "veth", "br_netfilter", "ebtables", "ebtable_filter"), make="""
    ip link add br9 type bridge stp_state 0 mcast_snooping 1 mcast_querier 1
    ip link add v0 type veth peer name v1
    ip link set v0 master br9
    for i in v0 v1 br9; do ip link set $i up; done
    ip addr add 10.9.8.7/24 dev br9
    bridge fdb add 00:11:22:33:44:55 dev v0 master static
    """, use="""
    bridge fdb show br br9
    ping -c 2 -W 1 10.9.8.9 || :
    bridge mdb show
    ip -s link show br9
    sleep 1
    """, drop="""
    bridge fdb del 00:11:22:33:44:55 dev v0 master
    ip link del br9
    ip link del v0
    """)
NETWORK = Exercise(("veth", "dummy", "ip6_gre", "sit", "ipip", "ip_gre", "ip6_tunnel", "ip6_vti", "ip_vti"), make="""
    mkdir -p /var/run/netns
    ip netns add n
    ip link add v0 type veth peer name v1
    ip link set v1 netns n
    ip addr add 10.1.1.1/24 dev v0
    ip addr add fd00::1/64 dev v0 nodad
    ip link set v0 up
    ip netns exec n ip addr add 10.1.1.2/24 dev v1
    ip netns exec n ip addr add fd00::2/64 dev v1 nodad
    ip netns exec n ip link set v1 up
    ip netns exec n ip link set lo up
    ping -c 1 -W 2 10.1.1.2
    sleep 0.3
    ip tunnel add t0 mode gre local 10.1.1.1 remote 10.1.1.2 ttl 64
    ip tunnel add t1 mode ipip local 10.1.1.1 remote 10.1.1.2
    ip tunnel add t2 mode sit local 10.1.1.1 remote 10.1.1.2
    -ip link add t3 type ip6gre local fd00::1 remote fd00::2
    -ip link add t4 type vti6 local fd00::1 remote fd00::2 key 7
    for t in t0 t1 t2 t3 t4; do ip link set $t up || :; ip addr add 10.$((${t#t} + 20)).0.1/24 dev $t || :; ip -6 addr add fd0${t#t}:1::1/64 dev $t || :; done
    ip nexthop add id 7 via 10.1.1.2 dev v0
    ip route add 10.50.0.0/16 nhid 7
    ip -6 route add fd50::/64 via fd00::2
    -ip -6 route add fd60::/64 encap seg6 mode encap segs fd00::2 dev v0
    """, use="""
    ping -c 2 -W 2 10.1.1.2
    ping6 -c 2 -W 2 fd00::2
    -ping -c 1 -W 1 -s 4000 10.1.1.2
    -ping6 -c 1 -W 1 -s 4000 fd00::2
    for a in 10.20.0.2 10.21.0.2 10.50.0.1; do ping -c 1 -W 1 $a & done
    for a in fd02:1::2 fd03:1::2 fd60::1; do ping6 -c 1 -W 1 $a & done
    (echo x | nc -w 1 10.1.1.2 99) &
    ip route get 10.50.0.1
    ip -6 route get fd50::1
    traceroute -m 2 -q 1 -w 1 10.1.1.2
    ip neigh show
    ip neigh flush dev v0
    wait
    exercise sockets
    """, drop="""
    ip nexthop flush
    for t in t0 t1 t2 t3 t4; do ip link del $t || :; done
    ip link del v0
    ip netns del n
    """)
HID = Exercise(("hid", "hid_generic", "uhid"), DRIVER.script)

TABLE = {
    "": PLAIN,
    "arch/x86/kvm": Exercise(("kvm",), DRIVER.script),
    "arch/x86": PLAIN,
    "block": Exercise(("null_blk", "loop"), """
        -for s in /sys/block/nullb0/queue/*; do cat $s; done
        dd if=/dev/zero of=/dev/nullb0 bs=64k count=64 oflag=direct
        dd if=/dev/nullb0 of=/dev/null bs=4k count=256
        cat /proc/diskstats
        """) + disk("mke2fs -q -t ext2", "ext4") + CGROUPS,
    "block/blk-cgroup.c": CGROUPS,
    "crypto": Exercise(("algif_hash", "algif_skcipher", "algif_aead", "authenc", "authencesn", "pcrypt", "cbc", "ctr", "gcm", "sha256_generic",
                        "hmac", "seqiv", "ghash_generic", "md5"), "exercise crypto\n"),
    "drivers": DRIVER,
    "drivers/block": Exercise(("loop",), DRIVER.script),
    "drivers/base": Exercise(("dummy", "loop", "null_blk"), "ip link add x0 type dummy\nip link del x0\n" + DRIVER.script),
    "drivers/hid": HID,
    "drivers/md/dm": mapped("0 16384 linear /dev/loop0 0"),
    "drivers/md/dm-ioctl.c": mapped("0 16384 linear /dev/loop0 0"),
    "drivers/md/dm-log.c": mapped("0 16384 mirror core 1 1024 2 /dev/loop0 0 /dev/loop1 0", ("dm_mirror",)),
    "drivers/md/dm-raid1.c": mapped("0 16384 mirror core 1 1024 2 /dev/loop0 0 /dev/loop1 0", ("dm_mirror",)),
    "drivers/md/dm-cache": mapped("0 16384 cache /dev/loop0 /dev/loop1 /dev/loop2 128 1 writeback smq 0", ("dm_cache", "dm_cache_smq")),
    "drivers/md/persistent-data": mapped("0 16384 thin-pool /dev/loop0 /dev/loop1 128 0", ("dm_thin_pool",)),
    "drivers/md/raid5": mapped("0 16384 raid raid5_ls 1 128 3 - /dev/loop0 - /dev/loop1 - /dev/loop2", ("dm_raid", "raid456")),
    "drivers/md/raid10": mapped("0 16384 raid raid10 3 128 raid10_copies 2 2 /dev/loop0 /dev/loop1 /dev/loop2 /dev/loop3", ("dm_raid", "raid10")),
    "drivers/net": Exercise((), DRIVER.script + SOCKETS.script),
    "drivers/net/bonding": BONDING,
    "drivers/net/ifb": link("ifb"),
    "drivers/net/macvlan": link("macvlan", "link v0", ("veth",)),
    "drivers/net/macsec": link("macsec", "link v0", ("veth",)),
    "drivers/net/tap": link("macvtap", "link v0", ("veth",)),
    "drivers/net/vrf": link("vrf", "table 10"),
    "drivers/net/vxlan": link("vxlan", "id 5 remote 127.0.0.1 dstport 4789 dev lo"),
    "drivers/net/wireguard": link("wireguard"),
    "drivers/net/tun": Exercise(("tun",), make="""
        ip tuntap add dev x0 mode tap
        ip addr add 10.9.8.7/24 dev x0
        ip link set x0 up
        """, use="""
        -ping -c 1 -W 1 10.9.8.9
        ip -d link show x0
        exercise sockets
        """, drop="ip tuntap del dev x0 mode tap"),
    "drivers/net/netconsole": Exercise(("netconsole",), DRIVER.script),
    "drivers/scsi": Exercise(("scsi_debug", "sd_mod", "sr_mod", "sg"), """
        sleep 0.5
        -cat /proc/scsi/scsi
        -dd if=/dev/sda of=/dev/null bs=64k count=16
        -dd if=/dev/urandom of=/dev/sda bs=64k count=16
        """ + DRIVER.script),
    "drivers/target": Exercise(("target_core_mod", "target_core_file", "iscsi_target_mod"), make="""
        mkdir -p /tmp/config
        mount -t configfs none /tmp/config
        mkdir -p /tmp/config/target/core/fileio_0/x
        dd if=/dev/zero of=/tmp/backing bs=1M count=4
        echo fd_dev_name=/tmp/backing,fd_dev_size=4194304 >/tmp/config/target/core/fileio_0/x/control
        echo 1 >/tmp/config/target/core/fileio_0/x/enable
        mkdir -p /tmp/config/target/iscsi/iqn.2020-01.x:y/tpgt_1
        """, use="""
        -for a in emulate_tpu emulate_tpws emulate_caw; do echo 1 >/tmp/config/target/core/fileio_0/x/attrib/$a || :; done
        exercise read /tmp/config/target
        """, drop="""
        rmdir /tmp/config/target/iscsi/iqn.2020-01.x:y/tpgt_1 /tmp/config/target/iscsi/iqn.2020-01.x:y
        rmdir /tmp/config/target/core/fileio_0/x /tmp/config/target/core/fileio_0
        -rmdir /tmp/config/target/iscsi
        umount /tmp/config
        """),
    "drivers/vhost": Exercise(("vhost_net",), "ls -l /dev/vhost-net\n" + DRIVER.script),
    "fs": FILES,
    "fs/btrfs": refused_disk("btrfs", "btrfs"),
    "fs/xfs": refused_disk("xfs", "xfs"),
    "fs/udf": refused_disk("udf", "udf"),
    "fs/isofs": refused_disk("iso9660", "isofs"),
    "fs/erofs": refused_disk("erofs", "erofs"),
    "fs/f2fs": refused_disk("f2fs", "f2fs"),
    "fs/ntfs3": refused_disk("ntfs3", "ntfs3"),
    "fs/ext4": disk("mke2fs -q -t ext4 -O inline_data,extents", "ext4"),
    "fs/jbd2": disk("mke2fs -q -t ext4", "ext4"),
    "fs/ext2": disk("mke2fs -q -t ext2", "ext4"),
    "fs/fat": disk("mkdosfs", "vfat", ("vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1")),
    "fs/quota": disk("mke2fs -q -t ext4 -O quota", "ext4", ("quota_v2", "quota_tree")),
    "fs/iomap": disk("mke2fs -q -t ext4", "ext4"),
    "fs/overlayfs": Exercise(("overlay",), make="""
        mkdir -p /tmp/l /tmp/u /tmp/w /mnt/x
        echo one >/tmp/l/one
        mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w none /mnt/x
        """, use="""
        echo two >>/mnt/x/one
        exercise files /mnt/x
        """, drop="umount /mnt/x"),
    "fs/debugfs": Exercise((), "exercise read /sys/kernel/debug\n"),
    "fs/sysfs": DRIVER,
    "fs/kernfs": DRIVER,
    "fs/configfs": Exercise(("configfs", "target_core_mod"), "", "mkdir -p /tmp/c\nmount -t configfs none /tmp/c\n", "ls -lR /tmp/c", "umount /tmp/c"),
    "fs/proc": Exercise((), "exercise read /proc/1 /proc/sys /proc/net /proc/self\nexercise processes\n"),
    "fs/fuse": Exercise(("fuse",), "ls -l /dev/fuse", "mkdir -p /tmp/f\nmount -t fusectl none /tmp/f\n", "exercise files /tmp/f", "umount /tmp/f"),
    "fs/eventpoll.c": PROCESSES,
    "fs/exec.c": PROCESSES,
    "fs/binfmt_elf.c": PROCESSES,
    "fs/fcntl.c": Exercise((), "exercise files /root\nexercise processes\n"),
    "fs/userfaultfd.c": MEMORY,
    "fs/notify": FILES,
    "fs/smb/client": Exercise(("cifs",), "mkdir /mnt/x\nif mount -t cifs -o ip=127.0.0.1,user=x,pass=y '//127.0.0.1/x' /mnt/x; then exit 1; fi\ncat /proc/fs/cifs/DebugData\ngrep cifs /proc/filesystems\n"),
    "fs/nfs": Exercise(("nfsv4", "nfsv3"), "mkdir /mnt/x\nif timeout 5 mount -t nfs -o addr=127.0.0.1,vers=4,retry=0,soft,timeo=1 127.0.0.1:/x /mnt/x; then exit 1; fi\ngrep nfs /proc/filesystems\n"),
    "fs/pstore": Exercise(("ramoops",), DRIVER.script + "mount -t pstore none /sys/fs/pstore || :\nls /sys/fs/pstore\n"),
    "io_uring": Exercise((), "exercise uring\nexercise files /tmp\n"),
    "ipc": Exercise((), "exercise memory\nexercise processes\ncat /proc/sysvipc/*\n"),
    "kernel": PROCESSES,
    "kernel/bpf": Exercise((), "exercise bpf\nexercise sockets\n"),
    "kernel/cgroup": CGROUPS,
    "kernel/trace": TRACING,
    "kernel/tracepoint.c": TRACING,
    "kernel/module": Exercise(("dummy", "tun"), "cat /proc/modules /sys/module/*/refcnt\nrmmod dummy\n"),
    "kernel/params.c": Exercise(("dummy", "null_blk"), "exercise read /sys/module\n"),
    "kernel/padata.c": Exercise(("pcrypt", "algif_aead", "authenc", "cbc", "hmac", "sha256_generic"), "exercise crypto\n"),
    "kernel/sched": PROCESSES + CGROUPS,
    "lib": PLAIN,
    "lib/mpi": Exercise((), "exercise crypto || :\nexercise processes\n"),
    "mm": MEMORY,
    "mm/backing-dev.c": disk("mke2fs -q -t ext4", "ext4") + CGROUPS,
    "net": SOCKETS,
    "net/802": link("dummy", "", ("8021q",)),
    "net/8021q": Exercise(("8021q", "dummy"), "", "ip link add d0 type dummy\nip link add link d0 name d0.5 type vlan id 5 gvrp on\n", "ip link set d0 up\nip link set d0.5 up\nip -d link show d0.5\nexercise sockets", "ip link del d0.5\nip link del d0\n"),
    "net/bpf": Exercise((), "exercise bpf\n"),
    "net/bridge": BRIDGE,
    "net/core": NETWORK,
    "net/core/filter.c": Exercise((), "exercise bpf\nexercise sockets\n"),
    "net/ipv4": NETWORK,
    "net/ipv6": NETWORK,
    "net/ipv4/esp4": IPSEC,
    "net/ipv4/ah4": IPSEC,
    "net/ipv6/esp6": IPSEC,
    "net/ipv6/ah6": IPSEC,
    "net/ipv6/xfrm6": IPSEC,
    "net/xfrm": IPSEC,
    "net/key": IPSEC,
    "net/ipv4/netfilter": XTABLES,
    "net/ipv6/netfilter": XTABLES,
    "net/ipv4/netfilter/nft": NFT,
    "net/ipv6/netfilter/nft": NFT,
    "net/mptcp": Exercise(("mptcp_diag",), "exercise family 2 1 262", "echo 1 >/proc/sys/net/mptcp/enabled\nexercise stream 2 262\nip mptcp endpoint add 127.0.0.2 dev lo signal\n", "exercise stream 2 262\nexercise stream 10 262\nip mptcp endpoint show\n", "ip mptcp endpoint flush"),
    "net/netfilter": NFT,
    "net/netfilter/xt_": XTABLES,
    "net/netfilter/ipvs": Exercise(("ip_vs", "ip_vs_rr"), "cat /proc/net/ip_vs /proc/net/ip_vs_stats\nexercise sockets\nexercise xtables\n"),
    "net/netlink": Exercise((), "exercise sockets\nip monitor & sleep 0.2; kill $!\nip link show\n"),
    "net/packet": SOCKETS,
    "net/openvswitch": Exercise(("openvswitch",), SOCKETS.script),
    "net/rds": Exercise(("rds", "rds_tcp"), "exercise family 21 5 0\nexercise sockets\n"),
    "net/sctp": Exercise(("sctp", "sctp_diag"), "exercise stream 2 132\nexercise stream 10 132\nexercise family 2 5 132\nexercise sockets\n"),
    "net/smc": Exercise(("smc",), "exercise stream 43 0 || :\nexercise family 43 1 0\n"),
    "net/tipc": Exercise(("tipc",), "exercise family 30 5 0\nexercise family 30 1 0\nexercise sockets\n"),
    "net/tls": Exercise(("tls",), SOCKETS.script),
    "net/unix": SOCKETS,
    "net/vmw_vsock": Exercise(("vsock", "vsock_loopback", "vsock_diag"), "exercise stream 40 0\nexercise family 40 1 0\n"),
    "net/xdp": Exercise((), "exercise family 44 3 0\nexercise sockets\n"),
    "net/sched": queue("prio"),
    "net/sched/act_csum": action("csum", "ip udp tcp"),
    "net/sched/act_ct": action("ct", "", ("nf_conntrack",)),
    "net/sched/act_pedit": action("pedit", "munge ip ttl set 64"),
    "net/sched/act_api": action("gact", "ok"),
    "net/sched/act_mirred": Exercise(("dummy",), make="ip link add d0 type dummy\nip link set d0 up", drop="ip link del d0")
    + action("mirred", "egress mirror dev d0"),
    "net/sched/cls_fw": incoming(("cls_fw", "act_gact"), "handle 1 fw action ok"),
    "net/sched/em_cmp": match("cmp", "cmp(u8 at 0 layer 1 eq 69)"),
    "net/sched/em_nbyte": match("nbyte", "nbyte(\"E\" at 0 layer 1)"),
    "net/sched/em_text": Exercise(("sch_ingress", "cls_basic", "em_text", "ts_kmp", "ts_bm"), "exercise sockets\n"),
    "net/sched/sch_cake": queue("cake", "bandwidth 1gbit"),
    "net/sched/sch_choke": queue("choke", "limit 1000 bandwidth 10mbit min 20 max 100 avpkt 1000 burst 40 probability 0.02"),
    "net/sched/sch_fq_codel": queue("fq_codel"),
    "net/sched/sch_fq_pie": queue("fq_pie"),
    "net/sched/sch_hhf": queue("hhf"),
    "net/sched/sch_netem": queue("netem", "delay 1ms"),
    "net/sched/sch_pie": queue("pie"),
    "net/sched/sch_red": queue("red", "limit 400000 min 30000 max 90000 avpkt 1000 burst 55 ecn adaptive bandwidth 10Mbit"),
    "net/sched/sch_sfb": queue("sfb"),
    "security/keys": PROCESSES,
    "sound": DRIVER,
}


def exercise_of(source):
    """The exercise for a file of the kernel's source."""
    return TABLE[max((prefix for prefix in TABLE if source.startswith(prefix)), key=len)]
