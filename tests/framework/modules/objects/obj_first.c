// SPDX-License-Identifier: GPL-2.0-only
#define OBJ_NUMBER 1
#define OBJ_MORE
#include "obj_patch.h"
