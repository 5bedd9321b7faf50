/* SPDX-License-Identifier: GPL-2.0-only */
/* A read-only parameter of a module that evaluates expressions when it is read. */
#ifndef TEST_SHOW_H
#define TEST_SHOW_H

#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#define SHOW(name, format, ...)								\
	static int name##_show(char *buffer, const struct kernel_param *parameter)	\
	{										\
		return sysfs_emit(buffer, format "\n", __VA_ARGS__);			\
	}										\
	static const struct kernel_param_ops name##_ops = { .get = name##_show };	\
	module_param_cb(name, &name##_ops, NULL, 0444)

#endif
