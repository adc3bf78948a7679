/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/difference_rows.h"
#include "base/diagnostic.h"
#include "profiles/settings.h"

#define WIDEST_COLUMN 22
#define REASON_INDENT 6

typedef struct {
    GString *out;
    const KtStyle *style;
    guint left, right; /* the columns that the text may use */
    guint used;
} Cell;

/* Appends words, each line within the cell's columns; long lists are broken after a comma. */
static void
cell_add(Cell *cell, KtInk ink, const char *text)
{
    g_auto(GStrv) words = kt_words(text, cell->right - cell->left);
    for (guint i = 0; words[i]; i++) {
        guint columns = kt_columns(words[i]);
        if (cell->used > cell->left && cell->used + 1 + columns > cell->right) {
            g_string_append_printf(cell->out, "\n%*s", (int)cell->left, "");
            cell->used = cell->left;
        } else if (cell->used > cell->left) {
            g_string_append_c(cell->out, ' ');
            cell->used++;
        }
        kt_ink(cell->out, cell->style, ink, "%s", words[i]);
        cell->used += columns;
    }
}

static void
print_values(Cell *cell, const KtDifferenceRow *row)
{
    g_autofree char *from = kt_difference_values(row->froms);
    g_autofree char *to = kt_difference_values(row->tos);
    cell_add(cell, KT_INK_REMOVE, from);
    cell_add(cell, KT_INK_DIM, kt_sign(cell->style, KT_SIGN_ARROW));
    cell_add(cell, KT_INK_ADD, to);
}

static char *
row_tag(const KtDifferenceRow *row, KtDifferenceWhy why)
{
    const char *when = row->when->str;
    const KtDifference *first = row->first;
    g_autofree char *source =
        why == KT_DIFFERENCE_SOURCE && first->source ? kt_source_name(first->source) : NULL;
    return g_strdup_printf("%s%s%s%s%s", source ? source : "", source ? "  " : "", when,
                           first->result ? ", " : "", first->result ? first->result : "");
}

typedef struct {
    guint setting, item;
} Widths;

static Widths
column_widths(const GPtrArray *rows)
{
    Widths widths = {0};
    for (guint i = 0; i < rows->len; i++) {
        const KtDifferenceRow *row = rows->pdata[i];
        widths.setting = MAX(widths.setting, kt_columns(row->first->setting));
        widths.item = MAX(widths.item, MIN(WIDEST_COLUMN, kt_columns(row->item)));
    }
    return widths;
}

/* Appends setting and item; gives the column after them. */
static guint
print_names(GString *out, const KtStyle *style, const KtDifferenceRow *row, const Widths *widths)
{
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_PLAIN, row->first->setting, widths->setting + 2);
    guint left = 2 + widths->setting + 2;
    if (widths->item == 0)
        return left;
    guint item = MAX(widths->item, kt_columns(row->item)) + 2;
    kt_pad(out, style, KT_INK_PLAIN, row->item, item);
    return left + item;
}

static void
print_row(GString *out, const KtStyle *style, const KtDifferenceRow *row, const Widths *widths,
          KtDifferenceWhy why)
{
    guint left = print_names(out, style, row, widths);
    g_autofree char *tag = row_tag(row, why);
    guint column = style->width - MIN(style->width, kt_columns(tag));
    Cell cell = {out, style, left, MAX(column, left + 3) - 2, left};
    print_values(&cell, row);
    if (cell.used + 2 > column) {
        g_string_append_c(out, '\n');
        cell.used = 0;
    }
    g_string_append_printf(out, "%*s", (int)(column - cell.used), "");
    kt_ink(out, style, row->first->result ? KT_INK_WARN : KT_INK_DIM, "%s", tag);
    g_string_append_c(out, '\n');
}

static bool
same_reason(const KtDifferenceRow *a, const KtDifferenceRow *b)
{
    return g_strcmp0(a->first->reason, b->first->reason) == 0 &&
           g_strcmp0(a->first->source, b->first->source) == 0;
}

static char *
reason_text(const KtDifference *difference)
{
    g_autofree char *source = difference->source ? kt_source_name(difference->source) : NULL;
    if (difference->reason && source)
        return g_strdup_printf("%s (%s)", difference->reason, source);
    return difference->reason ? g_strdup(difference->reason) : g_steal_pointer(&source);
}

GHashTable *
kt_told_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* What is said of a reason: itself, or for whom it was told already. Takes @text over. */
static char *
told_or_as_for(const KtStyle *style, const KtDifference *difference, char *text, const char *target,
               GHashTable *told)
{
    bool one_line = kt_columns(text) + REASON_INDENT <= style->width;
    if (told == NULL || one_line)
        return text;
    const char *first = g_hash_table_lookup(told, text);
    if (first == NULL) {
        g_hash_table_insert(told, g_strdup(text), kt_printable(target));
        return text;
    }
    g_free(text);
    g_autofree char *source = difference->source ? kt_source_name(difference->source) : NULL;
    return source ? g_strdup_printf("as for %s (%s)", first, source) : g_strdup_printf("as for %s", first);
}

void
kt_view_differences(GString *out, const KtStyle *style, const KtDifferences *differences, KtDifferenceWhy why,
                    const char *target, GHashTable *told)
{
    g_autoptr(GPtrArray) rows = kt_difference_rows(differences);
    Widths widths = column_widths(rows);
    for (guint i = 0; i < rows->len; i++) {
        const KtDifferenceRow *row = rows->pdata[i];
        print_row(out, style, row, &widths, why);
        bool told_below = i + 1 < rows->len && same_reason(row, rows->pdata[i + 1]);
        if (told_below || why == KT_DIFFERENCE_SOURCE)
            continue;
        char *text = reason_text(row->first);
        if (text == NULL)
            continue;
        g_autofree char *said = told_or_as_for(style, row->first, text, target, told);
        g_string_append_printf(out, "%*s", REASON_INDENT, "");
        kt_wrap(out, style, KT_INK_DIM, REASON_INDENT, REASON_INDENT, said);
    }
}
