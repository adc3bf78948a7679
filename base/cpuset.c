/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpuset.h"

#include <stdlib.h>

#include "base/error.h"

char *
kt_cpuset_format(const KtCpuset *set)
{
    char *list = NULL;
    int length = hwloc_bitmap_list_asprintf(&list, set);
    g_assert(length >= 0);
    char *owned = g_strdup(list);
    free(list);
    return owned;
}

KtCpuset *
kt_cpuset_single(guint index)
{
    KtCpuset *set = hwloc_bitmap_alloc();
    hwloc_bitmap_only(set, index);
    return set;
}

/* Where in a list reading stands. */
typedef struct {
    const char *text;
    const char *at;
} Cursor;

static void
skip_spaces(Cursor *cursor)
{
    while (g_ascii_isspace(*cursor->at))
        cursor->at++;
}

static bool
complain(const Cursor *cursor, GError **error, const char *what)
{
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "'%s' is not a list such as 0-3,8: %s at character %td",
                cursor->text, what, cursor->at - cursor->text + 1);
    return false;
}

static bool
read_number(Cursor *cursor, guint *ret_number, GError **error)
{
    const char *start = cursor->at;
    guint number = 0;
    for (; g_ascii_isdigit(*cursor->at); cursor->at++) {
        number = number * 10 + (guint)(*cursor->at - '0');
        if (number >= KT_CPUSET_MAX) {
            cursor->at = start;
            return complain(cursor, error, "a number of " G_STRINGIFY(KT_CPUSET_MAX) " or more");
        }
    }
    if (cursor->at == start)
        return complain(cursor, error, *start ? "no number" : "a number is missing");
    *ret_number = number;
    return true;
}

/* One "N", "N-M" or "^N". */
static bool
read_part(Cursor *cursor, bool exclusions, KtCpuset *set, GError **error)
{
    skip_spaces(cursor);
    bool exclude = exclusions && *cursor->at == '^';
    if (exclude)
        cursor->at++;
    const char *start = cursor->at;
    guint first;
    if (!read_number(cursor, &first, error))
        return false;
    guint last = first;
    if (*cursor->at == '-' && !exclude) {
        cursor->at++;
        if (!read_number(cursor, &last, error))
            return false;
    }
    if (last < first) {
        cursor->at = start;
        return complain(cursor, error, "a range that runs backwards");
    }
    if (exclude)
        hwloc_bitmap_clr(set, first);
    else
        hwloc_bitmap_set_range(set, first, (int)last);
    skip_spaces(cursor);
    return true;
}

KtCpuset *
kt_cpuset_parse(const char *text, bool exclusions, GError **error)
{
    g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
    Cursor cursor = {.text = text, .at = text};
    skip_spaces(&cursor);
    while (*cursor.at) {
        if (!read_part(&cursor, exclusions, set, error))
            return NULL;
        if (*cursor.at == '\0')
            break;
        if (*cursor.at != ',') {
            complain(&cursor, error, "neither ',' nor the end");
            return NULL;
        }
        cursor.at++;
        if (*cursor.at == '\0') {
            complain(&cursor, error, "a number is missing");
            return NULL;
        }
    }
    return g_steal_pointer(&set);
}
