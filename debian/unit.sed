# Changes the units in tools/bpf/cgroup_stat, which are written for people who build and
# install bpftool and the programs themselves, to those that are packaged.
/^#$/{N;/To install this/{:next;N;/\[Unit\]/!b next;s/.*\n//}}
/^ExecStartPre=/,/exit 1/d
s|/usr/sbin/bpftool\>|&-bpfstat|g
s|^# tools/bpf/cgroup_stat, or|# cgroup-stat(7), or|
s|man:bpftool-cgroup(8)|man:cgroup-stat(7) man:bpftool-bpfstat-cgroup(8)|
