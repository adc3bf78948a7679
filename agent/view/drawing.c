/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/drawing_parts.h"

#define MANY_ROWS 16    /* from here on, runs of free rows are drawn as one */
#define WIDEST_LIST 18  /* columns of a row's CPU list */
#define WIDEST_CELLS 48 /* columns of a line's CPUs: 16 cores of two threads */

static bool
same_block(const KtDrawingRow *a, const KtDrawingRow *b)
{
    return kt_drawing_pu(a, 0)->package == kt_drawing_pu(b, 0)->package &&
           kt_drawing_pu(a, 0)->node == kt_drawing_pu(b, 0)->node;
}

static void
print_block_head(KtDrawing *drawing, const KtDrawingRow *row)
{
    const KtStyle *style = drawing->style;
    const KtPu *pu = kt_drawing_pu(row, 0);
    const KtNode *node = &drawing->topology->nodes[pu->node];
    g_autoptr(GString) title = g_string_new(NULL);
    if (pu->package >= 0)
        g_string_append_printf(title, "package %d %s ", pu->package, kt_sign(style, KT_SIGN_DOT));
    g_string_append_printf(title, "node %u", node->os);
    g_autofree char *memory = kt_drawing_memory(drawing, node);
    kt_ink(drawing->out, style, KT_INK_DIM, "%s ", kt_sign(style, KT_SIGN_CORNER));
    kt_ink(drawing->out, style, KT_INK_HEADING, "%s", title->str);
    g_autoptr(GString) line = g_string_new(NULL);
    guint used = 2 + kt_columns(title->str) + 2 + kt_columns(memory);
    for (guint i = used; i < style->width; i++)
        g_string_append(line, kt_sign(style, KT_SIGN_LINE));
    kt_ink(drawing->out, style, KT_INK_DIM, " %s", line->str);
    g_string_append_printf(drawing->out, "%s%s\n", *memory ? " " : "", memory);
}

typedef struct {
    char sign;
    bool letter; /* of a domain */
    KtInk ink;
} Cell;

static Cell
cell_of(const KtDrawing *drawing, const KtPu *pu)
{
    const KtSitter *found = NULL;
    for (guint i = 0; i < drawing->seating->sitters->len; i++) {
        const KtSitter *sitter = drawing->seating->sitters->pdata[i];
        if (!hwloc_bitmap_isset(sitter->seated, pu->os))
            continue;
        if (found)
            return (Cell){'*', false, KT_INK_WARN};
        found = sitter;
    }
    if (found)
        return (Cell){found->letter, true, g_ascii_isupper(found->letter) ? KT_INK_GOOD : KT_INK_PLAIN};
    if (!pu->placeable)
        return (Cell){'-', false, KT_INK_DIM};
    const KtCpuset *housekeeping = drawing->seating->housekeeping;
    if (housekeeping && hwloc_bitmap_isset(housekeeping, pu->os))
        return (Cell){'h', false, KT_INK_DIM};
    return (Cell){pu->isolated ? 'i' : '.', false, KT_INK_DIM};
}

static void
print_cell(KtDrawing *drawing, const KtPu *pu)
{
    Cell cell = cell_of(drawing, pu);
    drawing->own = drawing->own || g_ascii_isupper(cell.sign);
    drawing->shared = drawing->shared || (cell.letter && !g_ascii_isupper(cell.sign));
    drawing->marks[(guint)cell.sign] = drawing->marks[(guint)cell.sign] || !cell.letter;
    if (cell.sign == '.')
        kt_ink(drawing->out, drawing->style, cell.ink, "%s", kt_sign(drawing->style, KT_SIGN_FREE));
    else
        kt_ink(drawing->out, drawing->style, cell.ink, "%c", cell.sign);
}

/* Those who sit on @cpus: "A db-1", "b web". */
static GPtrArray *
names_at(const KtDrawing *drawing, const KtCpuset *cpus)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < drawing->seating->sitters->len; i++) {
        const KtSitter *sitter = drawing->seating->sitters->pdata[i];
        if (hwloc_bitmap_intersects(sitter->seated, cpus))
            g_ptr_array_add(names, g_strdup_printf("%c %s", sitter->letter, sitter->name));
    }
    return names;
}

static guint
widest(const GPtrArray *names)
{
    guint columns = 0;
    for (guint i = 0; i < names->len; i++)
        columns = MAX(columns, kt_columns(names->pdata[i]));
    return columns;
}

static void
print_side(KtDrawing *drawing)
{
    kt_ink(drawing->out, drawing->style, KT_INK_DIM, "%s ", kt_sign(drawing->style, KT_SIGN_SIDE));
}

/* The index after the core that the CPU at @begin belongs to. */
static guint
core_end(const KtDrawingRow *row, guint begin)
{
    guint end = begin;
    while (end < row->pus->len && kt_drawing_pu(row, end)->core == kt_drawing_pu(row, begin)->core)
        end++;
    return end;
}

/* How many cores one line of the row has: as many on each. */
static guint
cores_a_line(const KtDrawingRow *row)
{
    guint columns = 0;
    guint cores = 0;
    for (guint i = 0; i < row->pus->len; i = core_end(row, i)) {
        columns += core_end(row, i) - i + 1;
        cores++;
    }
    guint lines = MAX(1, (columns + WIDEST_CELLS - 1) / WIDEST_CELLS);
    return (cores + lines - 1) / lines;
}

static guint
print_cells(KtDrawing *drawing, const KtDrawingRow *row, guint begin, guint end)
{
    guint columns = 0;
    for (guint i = begin; i < end; i++) {
        const KtPu *pu = kt_drawing_pu(row, i);
        if (i > begin && pu->core != kt_drawing_pu(row, i - 1)->core) {
            g_string_append_c(drawing->out, ' ');
            columns++;
        }
        print_cell(drawing, pu);
        columns++;
    }
    return columns;
}

static KtCpuset *
line_cpus(const KtDrawingRow *row, guint begin, guint end)
{
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (guint i = begin; i < end; i++)
        hwloc_bitmap_set(cpus, kt_drawing_pu(row, i)->os);
    return cpus;
}

/* The CPUs of a line, and where there are several kinds of core, which one these are. */
static char *
row_label(const KtDrawing *drawing, const KtDrawingRow *row, const KtCpuset *cpus)
{
    g_autofree char *list = kt_drawing_list(drawing->style, cpus, WIDEST_LIST);
    gint kind = kt_drawing_pu(row, 0)->kind;
    if (drawing->topology->n_kinds < 2 || kind < 0)
        return g_steal_pointer(&list);
    if (kind == 0)
        return g_strconcat(list, " slow", NULL);
    return kind + 1 == (gint)drawing->topology->n_kinds ? g_strconcat(list, " fast", NULL)
                                                        : g_strdup_printf("%s kind %d", list, kind);
}

static void
print_line(KtDrawing *drawing, const KtDrawingRow *row, guint begin, guint end)
{
    g_autoptr(KtCpuset) cpus = line_cpus(row, begin, end);
    g_autofree char *list = row_label(drawing, row, cpus);
    g_autoptr(GPtrArray) names = names_at(drawing, cpus);
    print_side(drawing);
    kt_pad(drawing->out, drawing->style, KT_INK_PLAIN, list, drawing->list_width + 2);
    guint used = 2 + drawing->list_width + 2 + print_cells(drawing, row, begin, end);
    if (names->len == 0) {
        g_string_append_c(drawing->out, '\n');
        return;
    }
    guint column = 2 + drawing->list_width + 2 + drawing->cells_width + 3;
    if (column + widest(names) + 1 > drawing->style->width) {
        g_string_append_c(drawing->out, '\n');
        print_side(drawing);
        column = drawing->list_width + 4;
        used = 2;
    }
    g_string_append_printf(drawing->out, "%*s", (int)(column - used), "");
    kt_wrap_list(drawing->out, drawing->style, column, column, names);
}

/* The index after the line of @n_cores that begins at @begin. */
static guint
line_end(const KtDrawingRow *row, guint begin, guint n_cores)
{
    guint end = begin;
    for (guint i = 0; i < n_cores && end < row->pus->len; i++)
        end = core_end(row, end);
    return end;
}

static void
print_row(KtDrawing *drawing, const KtDrawingRow *row)
{
    guint n_cores = cores_a_line(row);
    for (guint begin = 0; begin < row->pus->len; begin = line_end(row, begin, n_cores))
        print_line(drawing, row, begin, line_end(row, begin, n_cores));
}

/* The number of rows from @first on that are free and of one block. */
static guint
free_run(const KtDrawing *drawing, guint first)
{
    guint i = first;
    while (i < drawing->rows->len) {
        const KtDrawingRow *row = drawing->rows->pdata[i];
        if (!row->free || !same_block(row, drawing->rows->pdata[first]))
            break;
        i++;
    }
    return i - first;
}

static void
print_free_run(KtDrawing *drawing, guint first, guint n)
{
    g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
    for (guint i = first; i < first + n; i++)
        hwloc_bitmap_or(cpus, cpus, ((const KtDrawingRow *)drawing->rows->pdata[i])->cpus);
    g_autofree char *list = kt_drawing_list(drawing->style, cpus, drawing->style->width - 30);
    print_side(drawing);
    kt_ink(drawing->out, drawing->style, KT_INK_DIM, "%u free groups: %s\n", n, list);
}

static void
print_rows(KtDrawing *drawing)
{
    for (guint i = 0; i < drawing->rows->len;) {
        const KtDrawingRow *row = drawing->rows->pdata[i];
        if (i == 0 || !same_block(row, drawing->rows->pdata[i - 1])) {
            print_block_head(drawing, row);
            kt_drawing_ties(drawing, &drawing->topology->nodes[kt_drawing_pu(row, 0)->node]);
        }
        guint run = drawing->rows->len > MANY_ROWS ? free_run(drawing, i) : 0;
        if (run >= 3) {
            print_free_run(drawing, i, run);
            i += run;
        } else {
            print_row(drawing, row);
            i++;
        }
    }
}

/* As many columns as print_cells() takes. */
static guint
line_columns(const KtDrawingRow *row, guint begin, guint end)
{
    guint columns = end - begin;
    for (guint i = core_end(row, begin); i < end; i = core_end(row, i))
        columns++;
    return columns;
}

static void
measure_row(KtDrawing *drawing, const KtDrawingRow *row)
{
    guint n_cores = cores_a_line(row);
    for (guint begin = 0; begin < row->pus->len; begin = line_end(row, begin, n_cores)) {
        g_autoptr(KtCpuset) cpus = line_cpus(row, begin, line_end(row, begin, n_cores));
        g_autofree char *list = row_label(drawing, row, cpus);
        drawing->list_width = MAX(drawing->list_width, kt_columns(list));
        drawing->cells_width =
            MAX(drawing->cells_width, line_columns(row, begin, line_end(row, begin, n_cores)));
    }
}

void
kt_view_drawing(GString *out, const KtStyle *style, const KtSnapshot *snapshot, const KtSeating *seating)
{
    KtDrawing drawing = {
        .out = out, .style = style, .snapshot = snapshot, .topology = snapshot->topology, .seating = seating};
    drawing.rows = kt_drawing_rows(drawing.topology, seating);
    for (guint i = 0; i < drawing.rows->len; i++)
        measure_row(&drawing, drawing.rows->pdata[i]);
    print_rows(&drawing);
    kt_drawing_legend(&drawing);
    g_ptr_array_unref(drawing.rows);
}
