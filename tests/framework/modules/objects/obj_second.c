// SPDX-License-Identifier: GPL-2.0-only
#define OBJ_NUMBER 2
#include "obj_patch.h"
