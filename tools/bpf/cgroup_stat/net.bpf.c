// SPDX-License-Identifier: GPL-2.0
/*
 * net: how much do the sockets of a cgroup send and receive?
 *
 * Counted is what programs hand over to TCP and UDP sockets, and get from them, for IPv4
 * and IPv6 alike. A socket belongs to the cgroup of the task that created it, and one that
 * accept(2) returns to that of the socket which listens. It stays there when its owner is
 * moved to another cgroup or passes it on: what a service gets by a socket that systemd
 * has created for it is counted for the socket unit, not for the service.
 *
 * All is counted in the cgroup of the socket and all its ancestors, so that a parent
 * includes its descendants, even those that were removed, and the root has all. What is
 * sent or received after the cgroup of the socket was removed is counted in its ancestors.
 *
 * The file is flat keyed and always has all of its lines:
 *
 *	tcp_sent_bytes 6184320		accepted from programs to be sent
 *	tcp_sent_calls 97		by so many calls, such as send(2) and write(2)
 *	tcp_received_bytes 4096		handed over to programs
 *	tcp_received_calls 2		by so many calls, such as recv(2) and read(2)
 *	udp_sent_bytes 120		the same for UDP: a call is a datagram then
 *	udp_sent_calls 3
 *	udp_received_bytes 2210
 *	udp_received_calls 3
 *
 * This is the payload, so headers, ACKs and retransmissions aren't counted, and neither is
 * what arrives but isn't read. It is counted when a call returns, and may be sent later,
 * or never if the connection breaks down. With kTLS it is what was or will be encrypted.
 * Both ends of a connection over the loopback are counted.
 *
 * A call counts if it has transferred data, or an empty UDP datagram: not if it fails,
 * would block, only peeks, reads the error queue, or finds that nothing more can come.
 * Each message of sendmmsg(2) and recvmmsg(2) is a call, and so is each piece of
 * sendfile(2). For UDP, a call with UDP_SEGMENT or UDP_GRO is one of many datagrams, and
 * those with MSG_MORE are parts of one. If a datagram is longer than the buffer, only what
 * fits is counted. With MSG_TRUNC it is what the call returns, which is all of a datagram,
 * and what TCP throws away. io_uring, splice(2) to a socket and from a TCP socket are
 * counted, and MPTCP is counted as TCP.
 *
 * Not counted are forwarded packets, raw, ping, packet, SCTP, SMC and Unix sockets, what is
 * received by splice(2) from sockets with kTLS or MPTCP, by TCP_ZEROCOPY_RECEIVE or by
 * io_uring's zero-copy receive, what a sockmap redirects, and what the kernel transfers
 * itself, unless it calls sock_sendmsg() and sock_recvmsg(): NFS does so, and is counted
 * where its socket was created.
 *
 * In cgroup v1 hierarchies, read(2) fails with ENODATA: a socket knows its cgroup of the
 * default hierarchy only, which is cgroup v2.
 *
 * No figure ever decreases. The kernel doesn't let a program of this kind run twice at a
 * time on a CPU: if a task is preempted while its call is being counted, which takes less
 * than a microsecond, calls that other tasks make on that CPU until it goes on aren't
 * counted. They are the recursion_misses in the output of "bpftool prog show". While the
 * programs are being replaced by an update that keeps their maps, both old and new ones
 * are called, so that calls of that moment may be counted twice.
 *
 * Cost: about 450 x86 instructions for each call, and 130 more for each level of the
 * hierarchy down to the socket's cgroup; 75 for calls on sockets that aren't counted. This
 * is for all sockets, also for those of cgroups that don't have the file. All CPUs share
 * the counters. A read takes 3,200. 400 bytes of memory for each cgroup that has sent or
 * received something, until the cgroup is freed. If they can't be allocated, a call isn't
 * counted in that cgroup and those below, so a parent never shows less than the sum of its
 * children.
 */
#include "storage.bpf.h"
#include <bpf/bpf_tracing.h>

#define ENODATA		61
#define AF_INET		2
#define AF_INET6	10
#define MSG_PEEK	0x2
#define MSG_ERRQUEUE	0x2000
#define RCV_SHUTDOWN	1
#define MAX_DEPTH	1000000

enum direction { SENT, RECEIVED, NR_DIRECTIONS };

struct traffic {
	struct counts {
		__u64 bytes;
		__u64 calls;
	} tcp[NR_DIRECTIONS], udp[NR_DIRECTIONS];
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct traffic);
} traffics SEC(".maps");

static bool count_in(struct cgroup *cgrp, bool tcp, enum direction dir, __u64 bytes)
{
	struct traffic *traffic = get_storage(&traffics, cgrp, NULL);
	struct counts *counts;

	if (!traffic)
		return false;

	counts = &(tcp ? traffic->tcp : traffic->udp)[dir];
	__sync_fetch_and_add(&counts->bytes, bytes);
	__sync_fetch_and_add(&counts->calls, 1);
	return true;
}

/* Begins at the root, so that a parent never shows less than its children. */
static void count_from_root(struct cgroup *cgrp, bool tcp, enum direction dir, __u64 bytes)
{
	struct cgroup *ancestor;
	bool counted;
	int level;

	bpf_for(level, 0, cgrp->level + 1) {
		ancestor = bpf_cgroup_ancestor(cgrp, level);
		if (!ancestor)
			break;
		counted = count_in(ancestor, tcp, dir, bytes);
		bpf_cgroup_release(ancestor);
		if (!counted)
			break;
	}
}

/*
 * The verifier doesn't trust a socket's pointer to its cgroup, which only goes when the
 * socket does: so search the cgroup by its id. One that was removed isn't found.
 */
static struct cgroup *get_living(const struct sock *sk)
{
	const struct cgroup *cgrp = sk->sk_cgrp_data.cgroup;
	const struct cgroup_subsys_state *parent;
	struct cgroup *living;

	bpf_repeat(MAX_DEPTH) {
		living = bpf_cgroup_from_id(cgrp->kn->id);
		if (living)
			return living;
		parent = cgrp->self.parent;
		if (!parent)
			break;
		cgrp = parent->cgroup;
	}
	return NULL;
}

static bool is_inet(const struct sock *sk)
{
	return sk->__sk_common.skc_family == AF_INET || sk->__sk_common.skc_family == AF_INET6;
}

/* Raw sockets have these protocols, too. */
static bool is_tcp(const struct sock *sk)
{
	return sk->sk_type == SOCK_STREAM &&
	       (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP);
}

static bool is_udp(const struct sock *sk)
{
	return sk->sk_type == SOCK_DGRAM && sk->sk_protocol == IPPROTO_UDP;
}

/* Was an empty datagram sent or received by a call that returns 0? */
static bool is_datagram(const struct sock *sk, enum direction dir)
{
	return is_udp(sk) && (dir == SENT || !(sk->sk_shutdown & RCV_SHUTDOWN));
}

static void count(const struct sock *sk, enum direction dir, int bytes)
{
	struct cgroup *cgrp;

	if (!is_inet(sk) || (!is_tcp(sk) && !is_udp(sk)))
		return;
	if (bytes < 0 || (!bytes && !is_datagram(sk, dir)))
		return;

	cgrp = get_living(sk);
	if (!cgrp)
		return;
	count_from_root(cgrp, is_tcp(sk), dir, bytes);
	bpf_cgroup_release(cgrp);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int ret)
{
	count(sk, SENT, ret);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int ret, int flags)
{
	if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		count(sk, RECEIVED, ret);
	return 0;
}

/* The tracepoint isn't called for this. splice(2) from a UDP socket does call it. */
SEC("fexit/tcp_splice_read")
int BPF_PROG(on_splice, struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
	     size_t len, unsigned int flags, ssize_t ret)
{
	if (ret > 0)
		count(sock->sk, RECEIVED, ret);
	return 0;
}

/* Printed for a cgroup that has no storage yet: reading its file doesn't create it. */
static const struct traffic nothing;

SEC("cgroup/stat")
int net(struct bpf_cgroup_stat_ctx *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct cgroup *cgrp = ctx->cgroup;
	const struct traffic *traffic;

	/* the default hierarchy has id 0 */
	if (cgrp->root->hierarchy_id)
		return -ENODATA;

	traffic = bpf_cgrp_storage_get(&traffics, cgrp, NULL, 0) ?: &nothing;
	bpf_seq_put_decimal_ull(seq, "tcp_sent_bytes ", traffic->tcp[SENT].bytes);
	bpf_seq_put_decimal_ull(seq, "\ntcp_sent_calls ", traffic->tcp[SENT].calls);
	bpf_seq_put_decimal_ull(seq, "\ntcp_received_bytes ", traffic->tcp[RECEIVED].bytes);
	bpf_seq_put_decimal_ull(seq, "\ntcp_received_calls ", traffic->tcp[RECEIVED].calls);
	bpf_seq_put_decimal_ull(seq, "\nudp_sent_bytes ", traffic->udp[SENT].bytes);
	bpf_seq_put_decimal_ull(seq, "\nudp_sent_calls ", traffic->udp[SENT].calls);
	bpf_seq_put_decimal_ull(seq, "\nudp_received_bytes ", traffic->udp[RECEIVED].bytes);
	bpf_seq_put_decimal_ull(seq, "\nudp_received_calls ", traffic->udp[RECEIVED].calls);
	bpf_seq_write(seq, "\n", 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
