/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_search.h"

/* Which of a domain's own CPUs each of its vCPUs has, where that costs the same. */

/* The vCPUs of one unit, and the PU of each. */
typedef struct {
    const KtModelVcpu *vcpus;
    gint *seats;
    guint n;
} Row;

static bool
at_home(const Row *row, guint i)
{
    return row->seats[i] >= 0 && row->seats[i] == row->vcpus[i].before_pu;
}

static void
swap(gint *a, gint *b)
{
    gint other = *a;
    *a = *b;
    *b = other;
}

/* Whether they can change CPUs among themselves at no cost. */
static bool
is_uniform(const Row *row)
{
    for (guint i = 0; i < row->n; i++) {
        if (row->vcpus[i].guest_core >= 0 || row->vcpus[i].load != row->vcpus[0].load)
            return false;
    }
    return true;
}

/* Gives each vCPU the CPU that it had before, where another one has got that. */
static void
keep(Row *row)
{
    for (guint i = 0; i < row->n; i++) {
        for (guint j = 0; j < row->n; j++) {
            if (j != i && !at_home(row, j) && row->seats[j] >= 0 && row->seats[j] == row->vcpus[i].before_pu)
                swap(&row->seats[i], &row->seats[j]);
        }
    }
}

/* Those that move have CPUs in the order of their numbers. */
static void
order(Row *row)
{
    for (guint i = 0; i < row->n; i++) {
        for (guint j = i + 1; j < row->n && !at_home(row, i); j++) {
            if (!at_home(row, j) && row->seats[j] < row->seats[i])
                swap(&row->seats[i], &row->seats[j]);
        }
    }
}

/* How many threads each guest core has, where these can change cores at no cost and all move; else 0. */
static guint
count_threads(const Row *row)
{
    guint n = 1;
    while (n < row->n && row->vcpus[n].guest_core == row->vcpus[0].guest_core)
        n++;
    for (guint i = 0; i < row->n; i++) {
        const KtModelVcpu *vcpu = &row->vcpus[i];
        bool fits = vcpu->guest_core >= 0 && vcpu->guest_core == row->vcpus[i - i % n].guest_core &&
                    (i < n || vcpu->guest_core != row->vcpus[i - n].guest_core);
        if (!fits || vcpu->load != row->vcpus[0].load || at_home(row, i))
            return 0;
    }
    return row->n % n == 0 ? n : 0;
}

/* Guest cores of @n threads have cores in the order of their numbers. */
static void
order_cores(Row *row, guint n)
{
    for (guint i = 0; i < row->n; i += n) {
        Row core = {.vcpus = row->vcpus + i, .seats = row->seats + i, .n = n};
        order(&core);
    }
    for (guint i = 0; i < row->n; i += n) {
        for (guint j = i + n; j < row->n; j += n) {
            bool ordered = row->seats[i] < row->seats[j];
            for (guint k = 0; !ordered && k < n; k++)
                swap(&row->seats[i + k], &row->seats[j + k]);
        }
    }
}

/* Calls @arrange for each unit of the domain, and makes it so. */
static void
arrange_units(KtState *state, guint index, void (*arrange)(Row *row))
{
    const KtModelDomain *domain = &state->model->domains[index];
    g_autofree gint *seats = g_new(gint, domain->n_vcpus + 1);
    kt_copy_seats(state, domain, seats);
    for (guint i = 0; i < domain->n_units; i++) {
        const KtUnit *unit = &state->model->units[domain->first_unit + i];
        Row row = {.vcpus = &state->model->vcpus[unit->first],
                   .seats = seats + (unit->first - domain->first_vcpu),
                   .n = unit->n};
        arrange(&row);
    }
    kt_set_seats(state, domain, seats);
}

static void
keep_uniform(Row *row)
{
    if (is_uniform(row))
        keep(row);
}

void
kt_keep_within_exclusive(KtState *state, guint index)
{
    arrange_units(state, index, keep_uniform);
}

static void
tidy(Row *row)
{
    guint threads = count_threads(row);
    if (is_uniform(row)) {
        keep(row);
        order(row);
    } else if (threads > 0) {
        order_cores(row, threads);
    }
}

void
kt_order_exclusive(KtState *state)
{
    for (guint i = 0; i < state->model->n_domains; i++) {
        const KtModelDomain *domain = &state->model->domains[i];
        if (domain->fate == KT_FATE_EXCLUSIVE && state->domains[i].n_seated == domain->n_vcpus)
            arrange_units(state, i, tidy);
    }
}
