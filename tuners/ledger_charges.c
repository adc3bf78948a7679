/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger_accounts.h"

void
kt_ledger_apply(KtLedger *ledger, const GArray *charges, gint sign)
{
    for (guint i = 0; i < charges->len; i++) {
        const KtCharge *charge = &g_array_index(charges, KtCharge, i);
        gint64 amount = sign * charge->amount;
        if (charge->size == NULL) {
            ledger->nodes[charge->node].bound += amount;
            continue;
        }
        charge->size->pools[charge->node].need += amount;
        charge->size->pools[charge->node].bound += charge->binds ? amount : 0;
    }
}

/* 0 for the nodes of @nodes, less for others: what kt_pool_split() fills. */
static gint64 *
shares_of(const KtLedger *ledger, const KtCpuset *nodes)
{
    gint64 *shares = g_new(gint64, ledger->n_nodes);
    for (guint i = 0; i < ledger->n_nodes; i++)
        shares[i] = kt_ledger_is_among(ledger, nodes, i) ? 0 : -1;
    return shares;
}

/* Huge pages: evenly over the nodes. */
static void
charge_pages(const KtLedger *ledger, GArray *charges, const KtMemoryNeed *need, KtSizeAccount *size)
{
    g_autofree gint64 *shares = shares_of(ledger, need->nodes);
    kt_pool_split(kt_ledger_pages(need), shares, ledger->n_nodes);
    for (guint i = 0; i < ledger->n_nodes; i++) {
        KtCharge charge = {.node = i, .size = size, .amount = shares[i], .binds = need->binds};
        if (shares[i] > 0)
            g_array_append_val(charges, charge);
    }
}

/* Ordinary pages that can't come from elsewhere: evenly, as far as the nodes have room. What is left over
 * goes evenly too: they have less than nothing then. */
static void
charge_kib(const KtLedger *ledger, GArray *charges, const KtMemoryNeed *need)
{
    g_autofree gint64 *amounts = g_new0(gint64, ledger->n_nodes);
    g_autofree gint64 *open = shares_of(ledger, need->nodes);
    gint64 left = (gint64)need->kib;
    for (bool any = true; left > 0 && any;) {
        g_autofree gint64 *shares = g_memdup2(open, ledger->n_nodes * sizeof *open);
        kt_pool_split(left, shares, ledger->n_nodes);
        any = false;
        for (guint i = 0; i < ledger->n_nodes; i++) {
            if (shares[i] < 0)
                continue;
            gint64 here = CLAMP(kt_ledger_room(ledger, i) - amounts[i], 0, shares[i]);
            open[i] = here < shares[i] ? -1 : 0;
            any = any || open[i] == 0;
            amounts[i] += here;
            left -= here;
        }
    }
    g_autofree gint64 *shares = shares_of(ledger, need->nodes);
    kt_pool_split(left, shares, ledger->n_nodes);
    for (guint i = 0; i < ledger->n_nodes; i++) {
        KtCharge charge = {.node = i, .amount = amounts[i] + MAX(shares[i], 0), .binds = true};
        if (charge.amount > 0)
            g_array_append_val(charges, charge);
    }
}

GArray *
kt_ledger_charge(KtLedger *ledger, const GPtrArray *needs)
{
    GArray *charges = g_array_new(FALSE, FALSE, sizeof(KtCharge));
    for (guint i = 0; i < needs->len; i++) {
        const KtMemoryNeed *need = needs->pdata[i];
        KtSizeAccount *size = need->page_kib > 0 ? kt_ledger_size(ledger, need->page_kib) : NULL;
        g_autoptr(GArray) its = g_array_new(FALSE, FALSE, sizeof(KtCharge));
        if (size != NULL)
            charge_pages(ledger, its, need, size);
        else if (need->page_kib == 0 && need->binds)
            charge_kib(ledger, its, need);
        kt_ledger_apply(ledger, its, 1);
        g_array_append_vals(charges, its->data, its->len);
    }
    return charges;
}
