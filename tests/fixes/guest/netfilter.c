// SPDX-License-Identifier: LGPL-2.1-or-later
/* Packet filters, without their tools: rules that count and track what goes over the loopback interface. */
#include "exercise.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter_arp/arp_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* net/if.h and linux/if.h do not go together; these two values are of the kernel's interface. */
#define IP6T_BASE 64
#define REGISTER 1

struct batch {
	char data[8192];
	size_t length, message;
	uint32_t number;
};

static void put(struct batch *batch, const void *data, size_t size)
{
	memcpy(batch->data + batch->length, data, size);
	batch->length += NLMSG_ALIGN(size);
}

static void begin(struct batch *batch, uint16_t type, uint16_t flags, uint8_t family, uint16_t id)
{
	struct nlmsghdr header = {
		.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++batch->number};
	struct nfgenmsg generic = {family, NFNETLINK_V0, htons(id)};

	batch->message = batch->length;
	put(batch, &header, sizeof(header));
	put(batch, &generic, sizeof(generic));
}

static void end(struct batch *batch)
{
	((struct nlmsghdr *)(batch->data + batch->message))->nlmsg_len =
		(uint32_t)(batch->length - batch->message);
}

static size_t nest(struct batch *batch, uint16_t type)
{
	struct nlattr attribute = {.nla_type = (uint16_t)(type | NLA_F_NESTED)};
	size_t start = batch->length;

	put(batch, &attribute, sizeof(attribute));
	return start;
}

static void nest_end(struct batch *batch, size_t start)
{
	((struct nlattr *)(batch->data + start))->nla_len = (uint16_t)(batch->length - start);
}

static void bytes(struct batch *batch, uint16_t type, const void *data, size_t size)
{
	size_t start = batch->length;
	struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};

	memset(batch->data + start, 0, NLA_HDRLEN + NLA_ALIGN(size));
	memcpy(batch->data + start, &attribute, sizeof(attribute));
	memcpy(batch->data + start + NLA_HDRLEN, data, size);
	batch->length = start + NLA_HDRLEN + NLA_ALIGN(size);
}

static void text(struct batch *batch, uint16_t type, const char *value)
{
	bytes(batch, type, value, strlen(value) + 1);
}

static void number(struct batch *batch, uint16_t type, uint32_t value)
{
	value = htonl(value);
	bytes(batch, type, &value, sizeof(value));
}

/* Send the batch; returns the first error that the kernel tells, 0 for none. */
static int commit(struct batch *batch)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), error = 0;
	char answer[8192];
	ssize_t length;

	NEEDED(netlink >= 0);
	NEEDED(send(netlink, batch->data, batch->length, 0) == (ssize_t)batch->length);
	while ((length = recv(netlink, answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
		for (struct nlmsghdr *at = (struct nlmsghdr *)answer; NLMSG_OK(at, (size_t)length);
		     at = NLMSG_NEXT(at, length)) {
			if (at->nlmsg_type == NLMSG_ERROR && !error)
				error = ((struct nlmsgerr *)NLMSG_DATA(at))->error;
		}
	}
	close(netlink);
	return error;
}

static void open_batch(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	begin(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end(batch);
}

static int close_batch(struct batch *batch)
{
	begin(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end(batch);
	return commit(batch);
}

static void table(struct batch *batch, uint16_t message, uint8_t family)
{
	begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_CREATE | NLM_F_ACK, family, 0);
	text(batch, NFTA_TABLE_NAME, "exercise");
	end(batch);
}

static void chain(struct batch *batch, uint8_t family, const char *name, uint32_t hook, const char *type)
{
	size_t start;

	begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, family, 0);
	text(batch, NFTA_CHAIN_TABLE, "exercise");
	text(batch, NFTA_CHAIN_NAME, name);
	start = nest(batch, NFTA_CHAIN_HOOK);
	number(batch, NFTA_HOOK_HOOKNUM, hook);
	number(batch, NFTA_HOOK_PRIORITY, 0);
	nest_end(batch, start);
	text(batch, NFTA_CHAIN_TYPE, type);
	end(batch);
}

static void set(struct batch *batch, const char *name, uint32_t flags, uint32_t length, uint32_t size)
{
	begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_ACK, NFPROTO_IPV4, 0);
	text(batch, NFTA_SET_TABLE, "exercise");
	text(batch, NFTA_SET_NAME, name);
	number(batch, NFTA_SET_FLAGS, flags);
	number(batch, NFTA_SET_KEY_TYPE, 0);
	number(batch, NFTA_SET_KEY_LEN, length);
	number(batch, NFTA_SET_ID, batch->number);
	if (size) {
		size_t start = nest(batch, NFTA_SET_DESC);

		number(batch, NFTA_SET_DESC_SIZE, size);
		nest_end(batch, start);
	}
	end(batch);
}

static void elements(struct batch *batch, const char *name, size_t length, uint32_t count, uint16_t message)
{
	size_t list;

	begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_CREATE | NLM_F_ACK, NFPROTO_IPV4,
	      0);
	text(batch, NFTA_SET_ELEM_LIST_TABLE, "exercise");
	text(batch, NFTA_SET_ELEM_LIST_SET, name);
	list = nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (uint32_t i = 0; i < count; i++) {
		size_t element = nest(batch, NFTA_LIST_ELEM), key = nest(batch, NFTA_SET_ELEM_KEY);
		uint8_t value[16] = {127, 0, 0, (uint8_t)(i + 1)};

		bytes(batch, NFTA_DATA_VALUE, value, length);
		nest_end(batch, key);
		nest_end(batch, element);
	}
	nest_end(batch, list);
	end(batch);
}

static size_t expression(struct batch *batch, const char *name, size_t *data)
{
	size_t start = nest(batch, NFTA_LIST_ELEM);

	text(batch, NFTA_EXPR_NAME, name);
	*data = nest(batch, NFTA_EXPR_DATA);
	return start;
}

/* One expression with numbers as attributes, up to a type of 0. */
static void simple(struct batch *batch, const char *name, const uint32_t (*values)[2])
{
	size_t data, start = expression(batch, name, &data);

	for (; (*values)[0]; values++)
		number(batch, (uint16_t)(*values)[0], (*values)[1]);
	nest_end(batch, data);
	nest_end(batch, start);
}

static size_t rule(struct batch *batch, uint8_t family, const char *name)
{
	begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
	      family, 0);
	text(batch, NFTA_RULE_TABLE, "exercise");
	text(batch, NFTA_RULE_CHAIN, name);
	return nest(batch, NFTA_RULE_EXPRESSIONS);
}

static void rule_end(struct batch *batch, size_t start)
{
	nest_end(batch, start);
	end(batch);
}

/* What an expression needs besides nf_tables may not be there: then the batch is refused as a whole, and that
 * is no failure. */
static void try_rule(const char *name, const uint32_t (*values)[2], uint8_t family, const char *in)
{
	struct batch batch;
	size_t start;

	open_batch(&batch);
	start = rule(&batch, family, in);
	simple(&batch, name, values);
	simple(&batch, "counter", (const uint32_t[][2]){{0, 0}});
	rule_end(&batch, start);
	TRIED(close_batch(&batch));
}

static void lookup(const char *name, uint32_t length)
{
	struct batch batch;
	size_t start, data, inner;

	open_batch(&batch);
	start = rule(&batch, NFPROTO_IPV4, "in");
	simple(&batch, "payload",
	       (const uint32_t[][2]){{NFTA_PAYLOAD_DREG, REGISTER},
				     {NFTA_PAYLOAD_BASE, 1},
				     {NFTA_PAYLOAD_OFFSET, 16},
				     {NFTA_PAYLOAD_LEN, length},
				     {0, 0}});
	inner = expression(&batch, "lookup", &data);
	text(&batch, NFTA_LOOKUP_SET, name);
	number(&batch, NFTA_LOOKUP_SREG, REGISTER);
	nest_end(&batch, data);
	nest_end(&batch, inner);
	rule_end(&batch, start);
	TRIED(close_batch(&batch));
}

static void rules(void)
{
	const uint32_t ct[][2] = {{NFTA_CT_DREG, REGISTER}, {NFTA_CT_KEY, NFT_CT_STATE}, {0, 0}};
	const uint32_t option[][2] = {{NFTA_EXTHDR_DREG, REGISTER},
				      {NFTA_EXTHDR_TYPE, 2},
				      {NFTA_EXTHDR_OFFSET, 0},
				      {NFTA_EXTHDR_LEN, 4},
				      {NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT},
				      {0, 0}};
	const uint32_t fib[][2] = {{NFTA_FIB_DREG, REGISTER},
				   {NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE},
				   {NFTA_FIB_FLAGS, 2},
				   {0, 0}};
	const uint32_t meta[][2] = {{NFTA_META_DREG, REGISTER}, {NFTA_META_KEY, NFT_META_LEN}, {0, 0}};
	const uint32_t osf[][2] = {{NFTA_OSF_DREG, REGISTER}, {0, 0}};
	const uint32_t tunnel[][2] = {{NFTA_TUNNEL_KEY, NFT_TUNNEL_ID}, {NFTA_TUNNEL_DREG, REGISTER}, {0, 0}};
	const uint32_t log[][2] = {{NFTA_LOG_LEVEL, 7}, {0, 0}};

	try_rule("ct", ct, NFPROTO_IPV4, "in");
	try_rule("ct", ct, NFPROTO_IPV6, "in");
	try_rule("exthdr", option, NFPROTO_IPV4, "in");
	try_rule("fib", fib, NFPROTO_IPV4, "in");
	try_rule("fib", fib, NFPROTO_IPV6, "in");
	try_rule("meta", meta, NFPROTO_IPV4, "in");
	try_rule("osf", osf, NFPROTO_IPV4, "in");
	try_rule("tunnel", tunnel, NFPROTO_IPV4, "in");
	try_rule("log", log, NFPROTO_IPV4, "in");
	try_rule("meta", meta, NFPROTO_IPV4, "nat");
}

static void sets(void)
{
	struct batch batch;

	open_batch(&batch);
	set(&batch, "hash", 0, 4, 0);
	elements(&batch, "hash", 4, 100, NFT_MSG_NEWSETELEM);
	set(&batch, "fixed", 0, 4, 200);
	elements(&batch, "fixed", 4, 100, NFT_MSG_NEWSETELEM);
	set(&batch, "bits", 0, 2, 0);
	elements(&batch, "bits", 2, 1, NFT_MSG_NEWSETELEM);
	set(&batch, "tree", NFT_SET_INTERVAL, 4, 0);
	elements(&batch, "tree", 4, 20, NFT_MSG_NEWSETELEM);
	TRIED(close_batch(&batch));
	lookup("hash", 4);
	lookup("fixed", 4);
	lookup("tree", 4);
	lookup("bits", 2);
}

static void ask(uint16_t type, uint8_t family)
{
	struct batch batch;

	memset(&batch, 0, sizeof(batch));
	begin(&batch, type, NLM_F_DUMP, family, 0);
	end(&batch);
	TRIED(commit(&batch));
}

bool make_nftables(void)
{
	struct batch batch;

	open_batch(&batch);
	table(&batch, NFT_MSG_NEWTABLE, NFPROTO_IPV4);
	chain(&batch, NFPROTO_IPV4, "in", NF_INET_LOCAL_IN, "filter");
	table(&batch, NFT_MSG_NEWTABLE, NFPROTO_IPV6);
	chain(&batch, NFPROTO_IPV6, "in", NF_INET_LOCAL_IN, "filter");
	if (close_batch(&batch))
		return false;
	open_batch(&batch);
	chain(&batch, NFPROTO_IPV4, "nat", NF_INET_POST_ROUTING, "nat");
	TRIED(close_batch(&batch));
	rules();
	sets();
	return true;
}

void use_filter(void)
{
	use_sockets(NULL);
	for (uint16_t message = 0; message < NFT_MSG_MAX; message++)
		ask((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NFPROTO_IPV4);
	ask(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, AF_INET);
	ask(NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_GET, AF_INET);
	ask(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, AF_INET);
}

void drop_nftables(void)
{
	struct batch batch;

	open_batch(&batch);
	table(&batch, NFT_MSG_DELTABLE, NFPROTO_IPV4);
	table(&batch, NFT_MSG_DELTABLE, NFPROTO_IPV6);
	NEEDED(close_batch(&batch) == 0);
}

void use_nftables(char **arguments)
{
	(void)arguments;
	NEEDED(make_nftables());
	use_filter();
	drop_nftables();
}

/* The tables of iptables, ip6tables and arptables as they are, and a replacement of one by itself. */
void use_netfilter_sockopts(char **arguments)
{
	static const char *const tables[] = {"filter", "mangle", "raw", "security", "nat"};
	static const int families[][3] = {
		{AF_INET, IPPROTO_IP, 64}, {AF_INET6, 41, IP6T_BASE}, {AF_INET, IPPROTO_IP, 96}};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int control = socket(families[i][0], SOCK_RAW, IPPROTO_RAW);

		NEEDED(control >= 0);
		for (size_t j = 0; j < sizeof(tables) / sizeof(tables[0]); j++) {
			struct ipt_getinfo info = {.name = ""};
			static char space[65536] __attribute__((aligned(8)));
			struct ipt_get_entries *entries = (struct ipt_get_entries *)space;
			socklen_t length = sizeof(info);

			strcpy(info.name, tables[j]);
			if (getsockopt(control, families[i][1], families[i][2], &info, &length))
				continue;
			memset(space, 0, sizeof(space));
			strcpy(entries->name, tables[j]);
			entries->size = info.size;
			length = (socklen_t)(sizeof(*entries) + info.size);
			NEEDED(getsockopt(control, families[i][1], families[i][2] + 1, entries, &length) ==
			       0);
		}
		close(control);
	}
	use_sockets(arguments);
}
