/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

/* Longer words are no slips of the finger. */
#define LONGEST 64

/* The number of single changes (insert, delete, replace, swap neighbours) from @a to @b: optimal string
 * alignment. */
static guint
edit_distance(const char *a, gsize length_a, const char *b, gsize length_b)
{
    guint rows[LONGEST + 1][LONGEST + 1];
    for (guint i = 0; i <= length_a; i++)
        rows[i][0] = i;
    for (guint j = 0; j <= length_b; j++)
        rows[0][j] = j;
    for (guint i = 1; i <= length_a; i++) {
        for (guint j = 1; j <= length_b; j++) {
            char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
            guint best = MIN(rows[i - 1][j], rows[i][j - 1]) + 1;
            best = MIN(best, rows[i - 1][j - 1] + (x != y));
            bool swapped = i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]);
            if (swapped)
                best = MIN(best, rows[i - 2][j - 2] + 1);
            rows[i][j] = best;
        }
    }
    return rows[length_a][length_b];
}

const char *
kt_nearest(const char *word, const char *const *known)
{
    const char *nearest = NULL;
    guint least = G_MAXUINT;
    gsize length = strlen(word);
    if (length > LONGEST)
        return NULL;
    for (; *known; known++) {
        gsize known_length = strlen(*known);
        if (known_length > LONGEST)
            continue;
        guint distance = edit_distance(word, length, *known, known_length);
        if (distance < least && distance <= MAX(length, known_length) / 3) {
            least = distance;
            nearest = *known;
        }
    }
    return nearest;
}
