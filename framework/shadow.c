// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow variables: data that patches attach to objects of the kernel whose structures they
 * cannot change. Found by the address of the object and a number that tells what it is.
 *
 * Look-ups run under RCU and may be in any context. Adding and removing is under shadow_lock,
 * with constructors and destructors inside, so that there is never a moment at which two callers
 * construct the same variable. What the data mean, and who may use them after they are freed, is
 * the caller's to settle.
 */

#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/bug.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "include/suture/livepatch.h"
#include "shadow.h"

#define SHADOW_BITS 12

static DEFINE_HASHTABLE(shadow_table, SHADOW_BITS);

/* Writers of shadow_table. Taken from interrupts as well, where patched functions may run. */
static DEFINE_SPINLOCK(shadow_lock);

/**
 * struct shadow - one variable
 * @node:	in shadow_table, keyed by @obj
 * @rcu:	readers that found it may go on until a grace period is over
 * @obj:	what it belongs to; never dereferenced
 * @id:		what it is
 * @data:	the caller's
 */
struct shadow {
	struct hlist_node node;
	struct rcu_head rcu;
	void *obj;
	unsigned long id;
	char data[] __aligned(ARCH_KMALLOC_MINALIGN);
};

/* In an RCU read section, or with shadow_lock held. */
static struct shadow *shadow_find(void *obj, unsigned long id)
{
	struct shadow *shadow;

	hash_for_each_possible_rcu(shadow_table, shadow, node, (unsigned long)obj,
				   lockdep_is_held(&shadow_lock))
		if (shadow->obj == obj && shadow->id == id)
			return shadow;
	return NULL;
}

/* With shadow_lock held. */
static void shadow_remove(struct shadow *shadow, klp_shadow_dtor_t dtor)
{
	hash_del_rcu(&shadow->node);
	if (dtor)
		dtor(shadow->obj, shadow->data);
	kfree_rcu(shadow, rcu);
}

/**
 * suture_klp_shadow_get() - find a shadow variable; klp_shadow_get() to patch modules
 * @obj:	what it belongs to
 * @id:		what it is
 *
 * Return: its data, NULL when there is none.
 */
void *suture_klp_shadow_get(void *obj, unsigned long id)
{
	struct shadow *shadow;

	rcu_read_lock();
	shadow = shadow_find(obj, id);
	rcu_read_unlock();

	/* Nobody but the caller can know that it stays. */
	return shadow ? shadow->data : NULL;
}
EXPORT_SYMBOL_GPL(suture_klp_shadow_get);

/*
 * Adds @new, unless there is one already, which is returned in @existing then. Return: 0,
 * -EEXIST, or the constructor's error;
 * @new stays the caller's after any error.
 */
static int shadow_add(struct shadow *new, klp_shadow_ctor_t ctor, void *ctor_data,
		      struct shadow **existing)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&shadow_lock, flags);
	*existing = shadow_find(new->obj, new->id);
	if (*existing)
		err = -EEXIST;
	else if (ctor)
		err = ctor(new->obj, new->data, ctor_data);
	if (!err)
		hash_add_rcu(shadow_table, &new->node, (unsigned long)new->obj);
	spin_unlock_irqrestore(&shadow_lock, flags);
	return err;
}

/* Return: data of the variable, NULL when it could not be made. *@found: it was there before. */
static void *shadow_get_or_add(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			       klp_shadow_ctor_t ctor, void *ctor_data, bool *found)
{
	struct shadow *shadow, *existing;
	void *data;
	int err;

	data = suture_klp_shadow_get(obj, id);
	*found = data;
	if (data)
		return data;

	/* Allocated before the lock is taken, since the caller's flags may allow to sleep. */
	shadow = kzalloc(size_add(sizeof(*shadow), size), gfp_flags);
	if (!shadow)
		return NULL;
	shadow->obj = obj;
	shadow->id = id;

	err = shadow_add(shadow, ctor, ctor_data, &existing);
	if (!err)
		return shadow->data;

	kfree(shadow);
	*found = existing;
	if (existing)
		return existing->data;
	pr_err("Failed to construct shadow variable <%p, %lx> (%d)\n", obj, id, err);
	return NULL;
}

/**
 * suture_klp_shadow_alloc() - make a shadow variable; klp_shadow_alloc() to patch modules
 * @obj:	what it belongs to
 * @id:		what it is
 * @size:	bytes of its data, which are zero at first
 * @gfp_flags:	for the allocation
 * @ctor:	called once before anybody can find it, in atomic context; an error drops it. May
 *		be NULL
 * @ctor_data:	passed to @ctor
 *
 * Return: its data; NULL when @ctor refused, without memory, or, with a warning, when it is there
 * already.
 */
void *suture_klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data)
{
	bool found;
	void *data;

	data = shadow_get_or_add(obj, id, size, gfp_flags, ctor, ctor_data, &found);
	if (!found)
		return data;
	WARN(1, "Duplicate shadow variable <%p, %lx>\n", obj, id);
	return NULL;
}
EXPORT_SYMBOL_GPL(suture_klp_shadow_alloc);

/**
 * suture_klp_shadow_get_or_alloc() - find a shadow variable or make it;
 *	klp_shadow_get_or_alloc() to patch modules
 * @obj:	what it belongs to
 * @id:		what it is
 * @size:	as for suture_klp_shadow_alloc()
 * @gfp_flags:	as above
 * @ctor:	as above; not called when the variable is there
 * @ctor_data:	as above
 *
 * Return: its data; NULL when @ctor refused or without memory.
 */
void *suture_klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
				     klp_shadow_ctor_t ctor, void *ctor_data)
{
	bool found;

	return shadow_get_or_add(obj, id, size, gfp_flags, ctor, ctor_data, &found);
}
EXPORT_SYMBOL_GPL(suture_klp_shadow_get_or_alloc);

/**
 * suture_klp_shadow_free() - free a shadow variable; klp_shadow_free() to patch modules
 * @obj:	what it belongs to
 * @id:		what it is
 * @dtor:	called before in atomic context, when the variable is there; may be NULL
 */
void suture_klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor)
{
	struct shadow *shadow;
	unsigned long flags;

	spin_lock_irqsave(&shadow_lock, flags);
	shadow = shadow_find(obj, id);
	if (shadow)
		shadow_remove(shadow, dtor);
	spin_unlock_irqrestore(&shadow_lock, flags);
}
EXPORT_SYMBOL_GPL(suture_klp_shadow_free);

/**
 * suture_klp_shadow_free_all() - free the shadow variables of one kind of all objects;
 *	klp_shadow_free_all() to patch modules
 * @id:		what they are
 * @dtor:	called before for each, in atomic context; may be NULL
 */
void suture_klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor)
{
	struct hlist_node *next;
	struct shadow *shadow;
	unsigned long flags;
	int bucket;

	spin_lock_irqsave(&shadow_lock, flags);
	hash_for_each_safe(shadow_table, bucket, next, shadow, node)
		if (shadow->id == id)
			shadow_remove(shadow, dtor);
	spin_unlock_irqrestore(&shadow_lock, flags);
}
EXPORT_SYMBOL_GPL(suture_klp_shadow_free_all);

void suture_shadow_exit(void)
{
	struct hlist_node *next;
	struct shadow *shadow;
	int bucket;

	hash_for_each_safe(shadow_table, bucket, next, shadow, node) {
		hash_del(&shadow->node);
		kfree(shadow);
	}
}
