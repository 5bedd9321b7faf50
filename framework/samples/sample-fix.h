/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fix that the samples of the three consistency models apply, each in its own way. Both steps
 * change, and a reader must not meet the new one of one and the old one of the other. So the
 * function that takes the steps is part of the patch too, though its text would not have to
 * change: a task inside it is inside the set that it has to leave first.
 */
#ifndef SAMPLE_FIX_H
#define SAMPLE_FIX_H

#include <linux/livepatch.h>
#include <linux/seq_file.h>

#include "sample-target.h"

static void fixed_sample_begin(struct seq_file *m)
{
	seq_puts(m, "begin: new\n");
}

static void fixed_sample_end(struct seq_file *m)
{
	seq_puts(m, "end: new\n");
}

static int fixed_sample_show(struct seq_file *m, void *v)
{
	const struct sample_visit *visit = m->private;

	seq_printf(m, "visitor: %d\n", visit->visitor);
	fixed_sample_begin(m);
	fixed_sample_end(m);
	return 0;
}

static struct klp_func fixed_functions[] = {
	{
		.old_name = "sample_show",
		.new_func = fixed_sample_show,
	},
	{
		.old_name = "sample_begin",
		.new_func = fixed_sample_begin,
	},
	{
		.old_name = "sample_end",
		.new_func = fixed_sample_end,
	},
	{}
};

static struct klp_object fixed_objects[] = {
	{
		.name = "sample_target",
		.funcs = fixed_functions,
	},
	{}
};

#endif
