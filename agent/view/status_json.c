/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "agent/view/domain_json.h"
#include "agent/view/migration.h"
#include "agent/view/plan_json.h"
#include "agent/view/status.h"
#include "agent/view/status_parts.h"
#include "agent/view/why.h"

static json_t *
number_or_null(gint64 number)
{
    return number == KT_ABSENT ? json_null() : json_integer(number);
}

static json_t *
vcpus_json(const KtDomain *domain)
{
    json_t *list = json_array();
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "id", json_integer(vcpu->id));
        json_object_set_new(json, "online", json_boolean(vcpu->online));
        json_object_set_new(json, "cpus", kt_json_set(vcpu->affinity));
        json_object_set_new(json, "time_ns", number_or_null(vcpu->time_ns));
        json_object_set_new(json, "delay_ns", number_or_null(vcpu->delay_ns));
        json_array_append_new(list, json);
    }
    return list;
}

/* What was found of a disk's image; null where nothing is known. */
static json_t *
image_json(const KtImage *image)
{
    if (image == NULL)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "format", kt_json_text(image->format));
    json_object_set_new(json, "allocation", kt_json_text(kt_allocation_name(image->allocation)));
    json_object_set_new(json, "encrypted", json_boolean(image->encrypted));
    json_object_set_new(json, "snapshots", json_integer(image->snapshots));
    json_object_set_new(json, "reach", kt_json_text(kt_reach_name(image->reach)));
    json_object_set_new(json, "file_system", kt_json_text(image->file_system));
    json_t *chain = json_array();
    for (guint i = 0; i < image->chain->len; i++)
        json_array_append_new(chain, kt_json_text(image->chain->pdata[i]));
    json_object_set_new(json, "chain", chain);
    json_object_set_new(json, "chain_ends", kt_json_text(image->chain_ends));
    return json;
}

static json_t *
disks_json(const KtSnapshot *snapshot, const KtDomainDef *def)
{
    json_t *list = json_array();
    for (guint i = 0; def && i < def->disks->len; i++) {
        const KtDiskDef *disk = def->disks->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "target", kt_json_text(disk->target));
        json_object_set_new(json, "device", kt_json_text(disk->device));
        json_object_set_new(json, "bus", kt_json_text(disk->bus));
        json_object_set_new(json, "format", kt_json_text(disk->format));
        json_object_set_new(json, "cache", kt_json_text(disk->cache));
        json_object_set_new(json, "io", kt_json_text(disk->io));
        json_object_set_new(json, "source", kt_json_text(disk->source));
        json_object_set_new(json, "image", image_json(kt_images_find(snapshot->images, disk->source)));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *
nics_json(const KtDomainDef *def)
{
    json_t *list = json_array();
    for (guint i = 0; def && i < def->nics->len; i++) {
        const KtNicDef *nic = def->nics->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "mac", kt_json_text(nic->mac));
        json_object_set_new(json, "model", kt_json_text(nic->model));
        json_object_set_new(json, "type", kt_json_text(nic->type));
        json_object_set_new(json, "source", kt_json_text(nic->source));
        json_object_set_new(json, "device", kt_json_text(nic->target));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *
domain_memory_json(const KtDomain *domain, const KtTopology *topology)
{
    json_t *json = json_object();
    for (guint i = 0; domain->memory_kib && i < MIN(domain->n_memory, topology->n_nodes); i++) {
        char key[16];
        g_snprintf(key, sizeof key, "%u", topology->nodes[i].os);
        json_object_set_new(json, key, number_or_null(domain->memory_kib[i]));
    }
    return json;
}

static const char *
state_name(KtDomainState state)
{
    static const char *const names[] = {
        [KT_DOMAIN_SHUT_OFF] = "shut-off",
        [KT_DOMAIN_RUNNING] = "running",
        [KT_DOMAIN_PAUSED] = "paused",
        [KT_DOMAIN_OTHER] = "other",
    };
    return names[state];
}

static json_t *
domain_json(const KtSnapshot *snapshot, const KtDomain *domain, const KtDomainPlan *planned)
{
    const KtDomainDef *def = kt_domain_def(domain);
    json_t *json = json_object();
    json_object_set_new(json, "name", kt_json_text(domain->name));
    json_object_set_new(json, "uuid", kt_json_text(domain->uuid));
    json_object_set_new(json, "state", json_string(state_name(domain->state)));
    json_object_set_new(json, "running", json_boolean(domain->active));
    json_object_set_new(json, "persistent", json_boolean(domain->persistent));
    json_object_set_new(json, "managed_save", json_boolean(domain->managed_save));
    json_object_set_new(json, "snapshots", json_boolean(domain->has_snapshots));
    json_object_set_new(json, "checkpoints", json_boolean(domain->has_checkpoints));
    json_object_set_new(json, "memory_kib", json_integer(def ? (json_int_t)def->memory_kib : 0));
    json_object_set_new(json, "memory_by_node_kib", domain_memory_json(domain, snapshot->topology));
    json_object_set_new(json, "vcpus", vcpus_json(domain));
    json_object_set_new(json, "emulator", kt_json_set(domain->emulator));
    json_t *iothreads = json_object();
    for (guint i = 0; domain->iothreads && i < domain->iothreads->len; i++) {
        const KtIoThread *iothread = domain->iothreads->pdata[i];
        char key[16];
        g_snprintf(key, sizeof key, "%u", iothread->id);
        json_object_set_new(iothreads, key, kt_json_set(iothread->affinity));
    }
    json_object_set_new(json, "iothreads", iothreads);
    double percent = kt_status_delay_percent(domain);
    json_object_set_new(json, "run_delay_percent",
                        percent < 0 ? json_null() : json_real(round(percent * 100) / 100));
    double busy = kt_status_busy_percent(domain);
    json_object_set_new(json, "busy_percent", busy < 0 ? json_null() : json_real(round(busy * 100) / 100));
    json_object_set_new(json, "disks", disks_json(snapshot, def));
    json_object_set_new(json, "nics", nics_json(def));
    json_object_set_new(json, "devices", kt_devices_json(domain, snapshot->topology));
    json_object_set_new(json, "migratable", json_boolean(planned->migratable));
    json_object_set_new(json, "migration", kt_migration_json(planned));
    json_t *waiting = json_array();
    for (guint i = 0; i < planned->pending->len; i++)
        json_array_append_new(waiting, kt_pending_json(planned->pending->pdata[i]));
    json_object_set_new(json, "pending", waiting);
    return json;
}

char *
kt_view_status_json(const KtSnapshot *snapshot, char *const *names, const char *unanswered, bool why,
                    const KtKept *kept)
{
    g_autoptr(KtPlan) pending = kt_status_pending(snapshot);
    json_t *document = kt_json_document();
    json_object_set_new(document, "host", kt_host_json(snapshot->topology, NULL));
    json_t *hypervisor = json_object();
    json_object_set_new(hypervisor, "uri", kt_json_text(snapshot->uri));
    json_object_set_new(hypervisor, "libvirt", kt_json_text(snapshot->libvirt));
    json_object_set_new(hypervisor, "qemu", kt_json_text(snapshot->qemu));
    json_object_set_new(hypervisor, "error", kt_json_text(unanswered));
    json_object_set_new(document, "hypervisor", hypervisor);
    kt_status_host_json(document, snapshot);
    json_t *domains = json_array();
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!kt_status_names(names, domain))
            continue;
        json_t *json = domain_json(snapshot, domain, &pending->domains[i]);
        if (why)
            json_object_set_new(json, "why", kt_why_json(snapshot, i));
        json_array_append_new(domains, json);
    }
    json_object_set_new(document, "domains", domains);
    kt_kept_json(document, kept, names);
    return kt_json_dump(document);
}
