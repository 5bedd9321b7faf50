/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/suture, as spec/abi/testing/sysfs-framework has it. */
#ifndef SUTURE_SYSFS_H
#define SUTURE_SYSFS_H

struct klp_func;
struct klp_object;
struct klp_patch;

/**
 * suture_sysfs_init() - make the folder
 *
 * And the link to it where the kernel has no livepatch of its own.
 *
 * Return: 0 or a negative errno.
 */
int suture_sysfs_init(void);
void suture_sysfs_exit(void);

/*
 * The kobjects of a patch and its parts: _init before anything can fail, _add when the folder is
 * to appear, kobject_put() at the end, parts first; it removes the folder too. Nobody else takes
 * references, so that the parts are gone then, nops freed. After the last put of a patch its
 * klp_patch.finish is completed. kobject_del() is not for them: a part would let go of its patch
 * before its own end.
 *
 * _add returns 0 or a negative errno.
 */
void suture_sysfs_patch_init(struct klp_patch *patch);
void suture_sysfs_object_init(struct klp_object *obj);
void suture_sysfs_func_init(struct klp_func *func);
int suture_sysfs_patch_add(struct klp_patch *patch);
int suture_sysfs_object_add(struct klp_patch *patch, struct klp_object *obj);
int suture_sysfs_func_add(struct klp_object *obj, struct klp_func *func);

#endif
