/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/cpu_list.h"

#include <string.h>

/* What the kernel prints for a mask that was never made (nohz_full without the boot option). */
#define NO_MASK "(null)"

bool
kt_cpu_list_read(const KtRoot *root, const char *path, KtCpuset **ret_set, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    g_autoptr(KtCpuset) set = NULL;
    if (text) {
        const char *list = g_strstrip(text);
        set = kt_cpuset_parse(g_str_equal(list, NO_MASK) ? "" : list, false, error);
        if (!set) {
            g_autofree char *shown = kt_root_describe(root, path);
            g_prefix_error(error, "%s: ", shown);
            return false;
        }
    }
    *ret_set = g_steal_pointer(&set);
    return true;
}
