/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "tuners/placement_search.h"

/* Which cores of a zone vCPUs have on which it costs the same: what search leaves is scattered by chance. */

/* Cores of a zone that can change places with all that is on them. */
typedef struct {
    KtState *state;
    GArray *cores;   /* guint */
    GArray *content; /* gint, n_threads a core: index of the vCPU that has the CPU, -1 = none; those first */
    guint n_threads;
} Rack;

/* Whether nothing tells the core from others of its zone: all of it may be had and shared, and nobody is at
 * home there. */
static bool
is_movable(const KtState *state, guint zone, guint core)
{
    const KtModel *model = state->model;
    for (guint i = 0; i < model->core_pus[core].n; i++) {
        guint pu = model->core_pus[core].items[i];
        gint owner = state->owner[pu];
        if (model->zones->of_pu[pu] != zone || !model->usable[pu] || !model->sharable[pu] ||
            (owner >= 0 && model->vcpus[owner].before_pu == (gint)pu))
            return false;
    }
    return true;
}

static void
add_core(Rack *rack, guint core)
{
    const KtIndices *pus = &rack->state->model->core_pus[core];
    static const gint none = -1;
    g_array_append_val(rack->cores, core);
    for (guint i = 0; i < pus->n; i++) {
        if (rack->state->owner[pus->items[i]] >= 0)
            g_array_append_val(rack->content, rack->state->owner[pus->items[i]]);
    }
    while (rack->content->len < rack->cores->len * rack->n_threads)
        g_array_append_val(rack->content, none);
}

static void
collect(Rack *rack, guint zone)
{
    const KtModel *model = rack->state->model;
    for (guint i = 0; i < model->zone_cores[zone].n; i++) {
        guint core = model->zone_cores[zone].items[i];
        if (!is_movable(rack->state, zone, core))
            continue;
        if (rack->cores->len == 0)
            rack->n_threads = model->core_pus[core].n;
        if (model->core_pus[core].n == rack->n_threads)
            add_core(rack, core);
    }
}

static gint
content_of(const Rack *rack, guint core, guint thread)
{
    return g_array_index(rack->content, gint, core * rack->n_threads + thread);
}

/* vCPUs are in the model's order: by domain, cell, guest core, number. Empty cores come last. */
static gint
compare(gconstpointer a, gconstpointer b, gpointer data)
{
    gint one = content_of(data, *(const guint *)a, 0), other = content_of(data, *(const guint *)b, 0);
    if (one < 0 || other < 0)
        return (one < 0) - (other < 0);
    return one - other;
}

/* Gives each core what the core @from[it] had. */
static void
fill(const Rack *rack, const guint *from)
{
    KtState *state = rack->state;
    for (guint i = 0; i < rack->content->len; i++) {
        gint vcpu = g_array_index(rack->content, gint, i);
        if (vcpu >= 0 && state->pu[vcpu] >= 0)
            kt_state_release(state, (guint)vcpu);
    }
    for (guint i = 0; i < rack->cores->len; i++) {
        const KtIndices *pus = &state->model->core_pus[g_array_index(rack->cores, guint, i)];
        for (guint j = 0; j < rack->n_threads && content_of(rack, from[i], j) >= 0; j++)
            kt_state_take(state, (guint)content_of(rack, from[i], j), pus->items[j]);
    }
}

static void
pack(Rack *rack)
{
    guint n = rack->cores->len;
    g_autofree guint *from = g_new(guint, n + 1);
    g_autofree gint *before = g_memdup2(rack->state->pu, rack->state->model->n_vcpus * sizeof *before);
    double total = kt_state_total(rack->state);
    for (guint i = 0; i < n; i++)
        from[i] = i;
    g_qsort_with_data(from, (gint)n, sizeof *from, compare, rack);
    fill(rack, from);
    if (fabs(kt_state_total(rack->state) - total) < 1e-6)
        return;
    /* An obstacle told them apart. */
    for (guint i = 0; i < rack->content->len; i++) {
        gint vcpu = g_array_index(rack->content, gint, i);
        if (vcpu >= 0)
            kt_state_release(rack->state, (guint)vcpu);
    }
    for (guint i = 0; i < rack->content->len; i++) {
        gint vcpu = g_array_index(rack->content, gint, i);
        if (vcpu >= 0)
            kt_state_take(rack->state, (guint)vcpu, (guint)before[vcpu]);
    }
}

void
kt_pack_exclusive(KtState *state)
{
    /* Where several cores share an L2 it isn't all the same which. */
    for (guint zone = 0; !state->model->wide_l2 && zone < state->model->zones->n_zones; zone++) {
        g_autoptr(GArray) cores = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GArray) content = g_array_new(FALSE, FALSE, sizeof(gint));
        Rack rack = {.state = state, .cores = cores, .content = content};
        collect(&rack, zone);
        if (cores->len > 1)
            pack(&rack);
    }
}
