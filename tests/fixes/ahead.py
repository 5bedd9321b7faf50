# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work done some steps ahead of the one who takes it, in the order in which it is taken."""
from collections import deque


def ahead(pool, count, work, items):
    """Yield (item, outcome) for each item, in order; outcome() is what work(item) returns. Whenever an outcome is asked for, the next
    count - 1 items are begun as well; of what is never asked for, no more than these are done."""
    items = list(items)
    begun, waiting = {}, deque(range(len(items)))

    def begin(first):
        while waiting and waiting[0] < first + count:
            index = waiting.popleft()
            if index >= first:
                begun[index] = pool.submit(work, items[index])

    def outcome(index):
        begin(index)
        return begun.pop(index).result()

    for index, item in enumerate(items):
        yield item, lambda index=index: outcome(index)
    for future in begun.values():
        future.cancel()
