// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kprobe, with a post_handler or without one, or a kretprobe. A kprobe at a function's entry with
 * a post_handler may redirect the function, so the kernel lets nobody else do that.
 */

#include <linux/kprobes.h>
#include <linux/module.h>

#include "show.h"

static char *symbol = "cmdline_proc_show";
module_param(symbol, charp, 0444);
static bool post;
module_param(post, bool, 0444);
static unsigned int offset;
module_param(offset, uint, 0444);
static bool at_return;
module_param(at_return, bool, 0444);

static unsigned int before, after;

static int probe_before(struct kprobe *p, struct pt_regs *regs)
{
	before++;
	return 0;
}

static void probe_after(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
	after++;
}

static int probe_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	after++;
	return 0;
}

static struct kprobe probe = { .pre_handler = probe_before };
static struct kretprobe return_probe = { .handler = probe_return };

SHOW(hits, "%u %u", before, after);

static int __init con_probe_init(void)
{
	if (at_return) {
		return_probe.kp.symbol_name = symbol;
		return register_kretprobe(&return_probe);
	}
	probe.symbol_name = symbol;
	probe.offset = offset;
	if (post)
		probe.post_handler = probe_after;
	return register_kprobe(&probe);
}

static void __exit con_probe_exit(void)
{
	if (at_return)
		unregister_kretprobe(&return_probe);
	else
		unregister_kprobe(&probe);
}

module_init(con_probe_init);
module_exit(con_probe_exit);
MODULE_DESCRIPTION("A kprobe");
MODULE_LICENSE("GPL");
