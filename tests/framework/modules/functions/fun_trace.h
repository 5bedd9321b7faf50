/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fun_patch

#if !defined(FUN_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FUN_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(fun_step,
	    TP_PROTO(unsigned long number),
	    TP_ARGS(number),
	    TP_STRUCT__entry(__field(unsigned long, number)),
	    TP_fast_assign(__entry->number = number;),
	    TP_printk("number=%lu", __entry->number)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE fun_trace
#include <trace/define_trace.h>
