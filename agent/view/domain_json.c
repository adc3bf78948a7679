/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/domain_json.h"

#include "agent/view/migration.h"

#include "tuners/seats.h"

static const char *
policy_name(KtPlacementPolicy policy)
{
    static const char *const names[] = {
        [KT_PLACEMENT_SHARED_CACHE] = "shared-cache",
        [KT_PLACEMENT_NUMA] = "numa",
        [KT_PLACEMENT_SPREAD] = "spread",
    };
    return names[policy];
}

static const char *
smt_name(KtSmt smt)
{
    static const char *const names[] = {
        [KT_SMT_AUTO] = "auto",
        [KT_SMT_SHARE] = "share",
        [KT_SMT_ISOLATE] = "isolate",
    };
    return names[smt];
}

static const char *
kind_name(KtKindWish kind)
{
    static const char *const names[] = {
        [KT_KIND_AUTO] = "auto",
        [KT_KIND_FAST] = "fast",
        [KT_KIND_EFFICIENT] = "efficient",
        [KT_KIND_ANY] = "any",
    };
    return names[kind];
}

json_t *
kt_pending_json(const KtPending *pending)
{
    json_t *json = json_object();
    json_object_set_new(json, "setting", kt_json_text(pending->setting->key));
    json_object_set_new(json, "item", kt_json_text(pending->item));
    json_object_set_new(json, "live", kt_json_text(pending->live));
    json_object_set_new(json, "staged", kt_json_text(pending->staged));
    return json;
}

json_t *
kt_devices_json(const KtDomain *domain, const KtTopology *topology)
{
    json_t *list = json_array();
    const KtDomainDef *def = kt_domain_def(domain);
    for (guint i = 0; def && i < def->hostdevs->len; i++) {
        const KtHostdevDef *hostdev = def->hostdevs->pdata[i];
        gint node = kt_topology_pci_node(topology, hostdev->address);
        json_t *json = json_object();
        json_object_set_new(json, "address", kt_json_text(hostdev->address));
        json_object_set_new(json, "node", node < 0 ? json_null() : json_integer(topology->nodes[node].os));
        json_array_append_new(list, json);
    }
    return list;
}

json_t *
kt_shares_json(const double *shares, const KtTopology *topology)
{
    json_t *json = json_object();
    for (guint i = 0; shares && i < topology->n_nodes; i++) {
        if (shares[i] <= 0)
            continue;
        char key[16];
        g_snprintf(key, sizeof key, "%u", topology->nodes[i].os);
        json_object_set_new(json, key, json_real(shares[i]));
    }
    return json;
}

static json_t *
cells_json(const KtDomainDef *def)
{
    json_t *list = json_array();
    for (guint i = 0; def && i < def->cells->len; i++) {
        const KtCellDef *cell = def->cells->pdata[i];
        const KtMemnodeDef *memnode = kt_domain_def_find_memnode(def, cell->id);
        json_t *json = json_object();
        json_object_set_new(json, "vcpus", kt_json_set(cell->vcpus));
        json_object_set_new(json, "nodes", kt_json_text(memnode != NULL ? memnode->nodeset : ""));
        json_array_append_new(list, json);
    }
    return list;
}

/* Number of vCPU ids of an active domain, offline ones too. */
static guint
vcpu_slots(const KtDomain *domain)
{
    guint slots = 0;
    for (guint i = 0; i < domain->vcpus->len; i++)
        slots = MAX(slots, ((const KtVcpu *)domain->vcpus->pdata[i])->id + 1);
    return slots;
}

/* An array by vCPU id, null where a vCPU is offline. */
static json_t *
nulls(guint n)
{
    json_t *list = json_array();
    for (guint i = 0; i < n; i++)
        json_array_append_new(list, json_null());
    return list;
}

/* Groups of vCPU ids that are threads of one core of the guest; NULL where it has none. */
static json_t *
threads_json(const KtSeatDomain *seat)
{
    g_autoptr(json_t) list = json_array();
    gint last = -1;
    for (guint i = 0; i < seat->n_vcpus; i++)
        last = MAX(last, seat->vcpus[i].guest_core);
    for (gint core = 0; core <= last; core++) {
        json_t *group = json_array();
        for (guint i = 0; i < seat->n_vcpus; i++) {
            if (seat->vcpus[i].guest_core == core)
                json_array_append_new(group, json_integer(seat->vcpus[i].id));
        }
        json_array_append_new(list, group);
    }
    return last < 0 ? NULL : g_steal_pointer(&list);
}

static json_t *
placement_json(const KtDomainPlan *planned, const KtSeatDomain *seat, const KtSeat *place, guint slots)
{
    json_t *vcpus = nulls(slots);
    for (guint i = 0; i < place->n_vcpus; i++)
        json_array_set_new(vcpus, seat->vcpus[i].id, kt_json_set(place->vcpus[i]));
    json_t *iothreads = json_object();
    for (guint i = 0; planned->iothreads && i < planned->iothreads->len; i++) {
        const KtIoThread *iothread = planned->iothreads->pdata[i];
        char key[16];
        g_snprintf(key, sizeof key, "%u", iothread->id);
        json_object_set_new(iothreads, key, kt_json_set(iothread->affinity));
    }
    json_t *json = json_object();
    json_object_set_new(json, "vcpus", vcpus);
    json_object_set_new(json, "emulator", kt_json_set(planned->emulator));
    json_object_set_new(json, "iothreads", iothreads);
    json_object_set_new(json, "memory_nodes", kt_json_set(place->memory_nodes));
    return json;
}

/* What placement knows of an active domain. */
static void
add_seat(json_t *json, const KtPlan *plan, const KtDomain *domain, const KtDomainPlan *planned)
{
    const KtSeatDomain *seat = &plan->problem->domains[planned->seat];
    const KtTopology *topology = plan->snapshot->topology;
    guint slots = vcpu_slots(domain);
    json_object_set_new(json, "vcpus", json_integer(slots));
    /* One that was refused stays where it is, an obstacle like those that no section places. */
    bool refused = plan->placement->seats[planned->seat].refusal != NULL;
    json_object_set_new(json, "placed", json_boolean(seat->placed && !refused));
    json_object_set_new(json, "exclusive",
                        json_boolean(kt_seats_own(kt_seats_running(plan), (guint)planned->seat)));
    json_object_set_new(json, "policy", json_string(policy_name(seat->policy)));
    json_object_set_new(json, "smt", json_string(smt_name(seat->smt)));
    json_object_set_new(json, "kind", json_string(kind_name(seat->kind)));
    json_t *load = nulls(slots);
    json_t *before = nulls(slots);
    for (guint i = 0; i < seat->n_vcpus; i++) {
        json_array_set_new(load, seat->vcpus[i].id, json_real(seat->vcpus[i].load));
        json_array_set_new(before, seat->vcpus[i].id, kt_json_set(seat->vcpus[i].before));
    }
    json_object_set_new(json, "load", load);
    json_object_set_new(json, "before", before);
    json_object_set_new(json, "cells", cells_json(kt_domain_def(domain)));
    json_t *threads = threads_json(seat);
    if (threads)
        json_object_set_new(json, "threads", threads);
    json_object_set_new(json, "memory_share", kt_shares_json(seat->memory_share, topology));
    json_object_set_new(json, "devices", kt_devices_json(domain, topology));
    json_object_set_new(json, "placement",
                        placement_json(planned, seat, &plan->placement->seats[planned->seat], slots));
}

json_t *
kt_planned_domain_json(const KtPlan *plan, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtDomainPlan *planned = &plan->domains[index];
    const KtDomainDef *def = kt_domain_def(domain);
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(domain->name));
    json_object_set_new(json, "uuid", kt_json_text(domain->uuid));
    json_object_set_new(json, "running", json_boolean(domain->active));
    if (planned->seat >= 0)
        add_seat(json, plan, domain, planned);
    else
        json_object_set_new(json, "vcpus", json_integer(def ? def->vcpus : 0));
    json_object_set_new(json, "migratable", json_boolean(planned->migratable));
    json_object_set_new(json, "migration", kt_migration_json(planned));
    if (planned->pause_usec > 0)
        json_object_set_new(json, "pause_seconds", json_real((double)planned->pause_usec / G_USEC_PER_SEC));
    json_t *pending = json_array();
    for (guint i = 0; i < planned->pending->len; i++)
        json_array_append_new(pending, kt_pending_json(planned->pending->pdata[i]));
    json_object_set_new(json, "pending", pending);
    json_t *notes = json_array();
    for (guint i = 0; i < planned->notes->len; i++)
        json_array_append_new(notes, kt_json_text(planned->notes->pdata[i]));
    json_object_set_new(json, "notes", notes);
    return json;
}
