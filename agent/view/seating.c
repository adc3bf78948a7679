/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/seating.h"

#include "base/diagnostic.h"
#include "probes/qemu_process.h"

/* Given again when they are used up: each row of the drawing has the names beside it. Not H and I: 'h' marks
 * housekeeping, 'i' isolated CPUs. */
static const char letters[KT_SEATING_LETTERS + 1] = "ABCDEFGJKLMNOPQRSTUVWXYZ";

static void
sitter_free(gpointer data)
{
    KtSitter *sitter = data;
    for (guint i = 0; i < sitter->n_vcpus; i++)
        kt_cpuset_free(sitter->cpus[i]);
    g_free(sitter->cpus);
    g_free(sitter->ids);
    g_free(sitter->name);
    kt_cpuset_free(sitter->seated);
    kt_cpuset_free(sitter->floating);
    kt_cpuset_free(sitter->memory);
    kt_cpuset_free(sitter->devices);
    g_free(sitter);
}

void
kt_seating_free(KtSeating *seating)
{
    if (seating == NULL)
        return;
    g_ptr_array_unref(seating->sitters);
    g_free(seating);
}

static void
add_vcpu(KtSitter *sitter, guint id, const KtCpuset *cpus, const KtCpuset *placeable)
{
    sitter->ids[sitter->n_vcpus] = id;
    sitter->cpus[sitter->n_vcpus++] = hwloc_bitmap_dup(cpus);
    if (hwloc_bitmap_isincluded(placeable, cpus))
        hwloc_bitmap_set(sitter->floating, id);
    else
        hwloc_bitmap_or(sitter->seated, sitter->seated, cpus);
}

static void
seat_present(KtSitter *sitter, const KtDomain *domain, const KtCpuset *placeable)
{
    sitter->ids = g_new0(guint, domain->vcpus->len + 1);
    sitter->cpus = g_new0(KtCpuset *, domain->vcpus->len + 1);
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (vcpu->online)
            add_vcpu(sitter, vcpu->id, vcpu->affinity, placeable);
    }
}

static void
seat_planned(KtSitter *sitter, const KtPlan *plan, guint seat, const KtCpuset *placeable)
{
    const KtSeatDomain *from = &plan->problem->domains[seat];
    const KtSeat *place = &plan->placement->seats[seat];
    sitter->ids = g_new0(guint, from->n_vcpus + 1);
    sitter->cpus = g_new0(KtCpuset *, from->n_vcpus + 1);
    for (guint i = 0; i < from->n_vcpus; i++)
        add_vcpu(sitter, from->vcpus[i].id, place->vcpus[i], placeable);
    if (place->memory_nodes)
        hwloc_bitmap_copy(sitter->memory, place->memory_nodes);
}

/* Whether each vCPU has one CPU that no other vCPU of the domain has. */
static bool
one_to_one(const KtSitter *sitter)
{
    for (guint i = 0; i < sitter->n_vcpus; i++) {
        if (hwloc_bitmap_weight(sitter->cpus[i]) != 1)
            return false;
    }
    return hwloc_bitmap_weight(sitter->seated) == (int)sitter->n_vcpus;
}

/* @other: the same domain in a seating that this one is drawn beside, or NULL. */
static void
give_letter(KtSitter *sitter, const KtSitter *other, KtSeating *seating)
{
    bool known = other && other->letter;
    if (hwloc_bitmap_iszero(sitter->seated) && !known)
        return;
    char letter = known ? g_ascii_toupper(other->letter) : letters[seating->n_letters++ % KT_SEATING_LETTERS];
    sitter->letter = one_to_one(sitter) ? letter : g_ascii_tolower(letter);
}

/* Where its memory and devices are. */
static void
find_ties(KtSitter *sitter, const KtDomain *domain, const KtTopology *topology)
{
    guint n = domain->memory_kib ? MIN(domain->n_memory, topology->n_nodes) : 0;
    gint64 total = 0;
    for (guint i = 0; i < n; i++)
        total += MAX(domain->memory_kib[i], 0);
    for (guint i = 0; i < n; i++) {
        if (kt_qemu_memory_counts(domain->memory_kib[i], total))
            hwloc_bitmap_set(sitter->memory, topology->nodes[i].os);
    }
    for (guint i = 0; domain->live && i < domain->live->hostdevs->len; i++) {
        const KtHostdevDef *hostdev = domain->live->hostdevs->pdata[i];
        gint node = hostdev->address ? kt_topology_pci_node(topology, hostdev->address) : -1;
        if (node >= 0)
            hwloc_bitmap_set(sitter->devices, topology->nodes[node].os);
    }
}

static KtSitter *
sitter_new(const KtSnapshot *snapshot, guint index)
{
    const KtDomain *domain = snapshot->domains->pdata[index];
    KtSitter *sitter = g_new0(KtSitter, 1);
    sitter->domain = index;
    sitter->name = kt_printable(domain->name);
    sitter->seated = hwloc_bitmap_alloc();
    sitter->floating = hwloc_bitmap_alloc();
    sitter->memory = hwloc_bitmap_alloc();
    sitter->devices = hwloc_bitmap_alloc();
    find_ties(sitter, domain, snapshot->topology);
    return sitter;
}

static KtSeating *
seat_all(const KtSnapshot *snapshot, const KtPlan *plan, const KtSeating *other)
{
    KtSeating *seating = g_new0(KtSeating, 1);
    seating->sitters = g_ptr_array_new_with_free_func(sitter_free);
    seating->housekeeping = plan ? plan->housekeeping : NULL;
    seating->n_letters = other ? other->n_letters : 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!domain->active)
            continue;
        KtSitter *sitter = sitter_new(snapshot, i);
        if (plan && plan->domains[i].seat >= 0)
            seat_planned(sitter, plan, (guint)plan->domains[i].seat, snapshot->topology->placeable);
        else
            seat_present(sitter, domain, snapshot->topology->placeable);
        give_letter(sitter, other ? kt_seating_find(other, i) : NULL, seating);
        g_ptr_array_add(seating->sitters, sitter);
    }
    return seating;
}

KtSeating *
kt_seating_new(const KtSnapshot *snapshot, const KtPlan *plan)
{
    return seat_all(snapshot, plan, NULL);
}

KtSeating *
kt_seating_before(const KtPlan *plan, const KtSeating *after)
{
    return seat_all(plan->snapshot, NULL, after);
}

const KtSitter *
kt_seating_find(const KtSeating *seating, guint domain)
{
    for (guint i = 0; i < seating->sitters->len; i++) {
        const KtSitter *sitter = seating->sitters->pdata[i];
        if (sitter->domain == domain)
            return sitter;
    }
    return NULL;
}

char *
kt_sitter_cpus(const KtSitter *sitter)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool same = true;
    for (guint i = 0; i < sitter->n_vcpus; i++) {
        g_autofree char *list = kt_cpuset_format(sitter->cpus[i]);
        g_string_append_printf(text, "%s%s", i ? " " : "", list);
        same = same && hwloc_bitmap_isequal(sitter->cpus[i], sitter->cpus[0]);
    }
    return same && sitter->n_vcpus > 0 ? kt_cpuset_format(sitter->cpus[0]) : g_strdup(text->str);
}
