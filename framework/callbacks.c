// SPDX-License-Identifier: GPL-2.0-only
/* What a patch's author wants called around patching an object. */

#include "core.h"

int suture_pre_patch_callback(struct klp_object *obj)
{
	int err = 0;

	if (obj->callbacks.pre_patch)
		err = obj->callbacks.pre_patch(obj);
	obj->callbacks.post_unpatch_enabled = !err;
	return err;
}

void suture_post_patch_callback(struct klp_object *obj)
{
	if (obj->callbacks.post_patch)
		obj->callbacks.post_patch(obj);
}

void suture_pre_unpatch_callback(struct klp_object *obj)
{
	if (obj->callbacks.pre_unpatch)
		obj->callbacks.pre_unpatch(obj);
}

void suture_post_unpatch_callback(struct klp_object *obj)
{
	bool owed = obj->callbacks.post_unpatch_enabled;

	obj->callbacks.post_unpatch_enabled = false;
	if (owed && obj->callbacks.post_unpatch)
		obj->callbacks.post_unpatch(obj);
}
