/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture_parts.h"
#include "probes/domain_parts.h"

/** The file of one domain that is being read, for messages. */
typedef struct {
    const KtRoot *root;
    const char *path;
    const KtTopology *topology;
} Source;

/** LABEL.stats.json taken apart. Borrowed from the object; NULL, -1 or KT_ABSENT where it has no such field.
 */
typedef struct {
    const char *state;
    json_int_t pid;
    const char *process;
    json_int_t age_ns;
    double recent_load;
    json_t *vcpus;
    const char *emulator;
    json_t *iothreads;
    json_t *memory_kib;
    int autostart;
    int managed_save;
    json_t *nic_traffic;
    int snapshots;
    int checkpoints;
    json_t *block_jobs;
    int unanswered;
    const char *agent_os;
    const char *agent_virtio;
} Stats;

static bool
unpack_stats(const Source *source, json_t *object, Stats *stats, GError **error)
{
    json_error_t why;
    if (json_unpack_ex(
            object, &why, 0,
            "{s?s, s?I, s?s, s?I, s?F, s?o, s?{s?s}, s?o, s?o, s?b, s?b, s?o, s?b, s?b, s?o, s?b, s?s, s?s}",
            "state", &stats->state, "pid", &stats->pid, "process", &stats->process, "age_ns", &stats->age_ns,
            "recent_load", &stats->recent_load, "vcpus", &stats->vcpus, "emulator", "affinity",
            &stats->emulator, "iothreads", &stats->iothreads, "memory_kib", &stats->memory_kib, "autostart",
            &stats->autostart, "managed_save", &stats->managed_save, "nic_traffic", &stats->nic_traffic,
            "snapshots", &stats->snapshots, "checkpoints", &stats->checkpoints, "block_jobs",
            &stats->block_jobs, "unanswered", &stats->unanswered, "agent_os", &stats->agent_os,
            "agent_virtio", &stats->agent_virtio)) {
        kt_capture_set_error(source->root, source->path, error, "%s", why.text);
        return false;
    }
    const char *wrong =
        stats->vcpus && !json_is_array(stats->vcpus)               ? "vcpus: wanted a list"
        : stats->iothreads && !json_is_array(stats->iothreads)     ? "iothreads: wanted a list"
        : stats->nic_traffic && !json_is_array(stats->nic_traffic) ? "nic_traffic: wanted a list"
        : stats->block_jobs && !json_is_array(stats->block_jobs)   ? "block_jobs: wanted a list"
        : stats->memory_kib && !json_is_object(stats->memory_kib)  ? "memory_kib: wanted an object"
        : stats->recent_load < 0                                   ? "recent_load: wanted no less than 0"
                                                                   : NULL;
    if (wrong)
        kt_capture_set_error(source->root, source->path, error, "%s", wrong);
    return !wrong;
}

/* The states by the names that virsh and libvirt's tools print, and those that the writer uses. */
static bool
parse_state(const Source *source, const char *word, KtDomainState *ret_state, GError **error)
{
    static const struct {
        const char *word;
        KtDomainState state;
    } words[] = {
        {"running", KT_DOMAIN_RUNNING},   {"idle", KT_DOMAIN_RUNNING},      {"blocked", KT_DOMAIN_RUNNING},
        {"paused", KT_DOMAIN_PAUSED},     {"shut off", KT_DOMAIN_SHUT_OFF}, {"shutoff", KT_DOMAIN_SHUT_OFF},
        {"in shutdown", KT_DOMAIN_OTHER}, {"shutdown", KT_DOMAIN_OTHER},    {"crashed", KT_DOMAIN_OTHER},
        {"pmsuspended", KT_DOMAIN_OTHER}, {"no state", KT_DOMAIN_OTHER},    {"nostate", KT_DOMAIN_OTHER},
        {"other", KT_DOMAIN_OTHER},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_equal(word, words[i].word)) {
            *ret_state = words[i].state;
            return true;
        }
    }
    kt_capture_set_error(source->root, source->path, error,
                         "state: wanted 'running', 'paused' or 'shut off', found '%s'", word);
    return false;
}

/* Replaces *@affinity by the list @text; NULL leaves it. */
static bool
take_affinity(const Source *source, const char *text, KtCpuset **affinity, GError **error)
{
    if (!text)
        return true;
    g_autoptr(GError) why = NULL;
    KtCpuset *set = kt_cpuset_parse(text, false, &why);
    if (!set) {
        kt_capture_set_error(source->root, source->path, error, "affinity: %s", why->message);
        return false;
    }
    kt_cpuset_free(*affinity);
    *affinity = kt_affinity_normal(set, source->topology);
    return true;
}

static bool
take_vcpus(const Source *source, KtDomain *domain, json_t *entries, GError **error)
{
    gsize i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        int id, online = -1;
        const char *affinity = NULL;
        json_int_t time_ns = KT_ABSENT, delay_ns = KT_ABSENT;
        json_error_t why;
        if (json_unpack_ex(entry, &why, 0, "{s:i, s?b, s?s, s?I, s?I}", "id", &id, "online", &online,
                           "affinity", &affinity, "time_ns", &time_ns, "delay_ns", &delay_ns)) {
            kt_capture_set_error(source->root, source->path, error, "vcpus: %s", why.text);
            return false;
        }
        KtVcpu *vcpu = id >= 0 ? kt_domain_find_vcpu(domain, (guint)id) : NULL;
        if (!vcpu) {
            kt_capture_set_error(source->root, source->path, error, "vcpus: the definition has no vCPU %d",
                                 id);
            return false;
        }
        if (online >= 0)
            vcpu->online = online;
        vcpu->time_ns = time_ns;
        vcpu->delay_ns = delay_ns;
        if (!take_affinity(source, affinity, &vcpu->affinity, error))
            return false;
    }
    return true;
}

static bool
take_iothreads(const Source *source, KtDomain *domain, json_t *entries, GError **error)
{
    gsize i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        int id;
        const char *affinity = NULL;
        json_error_t why;
        if (json_unpack_ex(entry, &why, 0, "{s:i, s?s}", "id", &id, "affinity", &affinity)) {
            kt_capture_set_error(source->root, source->path, error, "iothreads: %s", why.text);
            return false;
        }
        KtIoThread *iothread = id > 0 ? kt_domain_find_iothread(domain, (guint)id) : NULL;
        if (!iothread) {
            kt_capture_set_error(source->root, source->path, error,
                                 "iothreads: the definition has no IOThread %d", id);
            return false;
        }
        if (!take_affinity(source, affinity, &iothread->affinity, error))
            return false;
    }
    return true;
}

static bool
take_memory(const Source *source, KtDomain *domain, json_t *nodes, GError **error)
{
    if (!nodes)
        return true;
    domain->n_memory = source->topology->n_nodes;
    domain->memory_kib = g_new0(gint64, domain->n_memory);
    const char *number;
    json_t *kib;
    json_object_foreach(nodes, number, kib)
    {
        guint64 os;
        gint index = g_ascii_string_to_unsigned(number, 10, 0, KT_CPUSET_MAX - 1, &os, NULL)
                         ? kt_topology_node_index(source->topology, (guint)os)
                         : -1;
        if (index < 0 || !json_is_integer(kib) || json_integer_value(kib) < 0 ||
            json_integer_value(kib) > KT_CAPTURE_KIB_MAX) {
            kt_capture_set_error(source->root, source->path, error,
                                 "memory_kib: '%s' is no node of the topology, or has no number of KiB",
                                 number);
            return false;
        }
        domain->memory_kib[index] = json_integer_value(kib);
    }
    return true;
}

static bool
take_traffic(const Source *source, KtDomain *domain, json_t *macs, GError **error)
{
    gsize i;
    json_t *mac;
    json_array_foreach(macs, i, mac)
    {
        if (!json_is_string(mac)) {
            kt_capture_set_error(source->root, source->path, error, "nic_traffic: wanted MACs");
            return false;
        }
        g_hash_table_add(domain->nic_traffic, g_ascii_strdown(json_string_value(mac), -1));
    }
    return true;
}

static bool
take_block_jobs(const Source *source, KtDomain *domain, json_t *targets, GError **error)
{
    gsize i;
    json_t *target;
    json_array_foreach(targets, i, target)
    {
        if (!json_is_string(target)) {
            kt_capture_set_error(source->root, source->path, error, "block_jobs: wanted disks");
            return false;
        }
        g_hash_table_add(domain->block_jobs, g_strdup(json_string_value(target)));
    }
    return true;
}

/* Fills what only an active domain has: from its definition, then as far as @stats knows better. */
static bool
fill_active(const Source *source, KtDomain *domain, const Stats *stats, GError **error)
{
    kt_domain_fill_threads(domain, source->topology);
    domain->pid = MAX(stats->pid, 0);
    domain->age_ns = stats->age_ns;
    domain->recent_load = stats->recent_load;
    if (domain->pid > 0)
        domain->ksm = kt_ksm_process_read(source->root, domain->pid);
    domain->unanswered = stats->unanswered != 0;
    domain->agent_os = g_strdup(stats->agent_os);
    domain->agent_virtio = g_strdup(stats->agent_virtio);
    if (stats->process)
        domain->process = g_strdup(stats->process);
    else
        domain->process =
            domain->pid ? g_strdup_printf("%" G_GINT64_FORMAT ":0", domain->pid) : g_strdup("id:0");
    return take_vcpus(source, domain, stats->vcpus, error) &&
           take_affinity(source, stats->emulator, &domain->emulator, error) &&
           take_iothreads(source, domain, stats->iothreads, error) &&
           take_memory(source, domain, stats->memory_kib, error) &&
           take_traffic(source, domain, stats->nic_traffic, error) &&
           take_block_jobs(source, domain, stats->block_jobs, error);
}

/* Reads one definition; both results are NULL where the file is absent. */
static bool
read_definition(const KtRoot *root, const char *path, char **ret_xml, KtDomainDef **ret_def, GError **error)
{
    g_autofree char *xml = NULL;
    if (!kt_root_read(root, path, &xml, error))
        return false;
    KtDomainDef *def = xml ? kt_domain_def_parse(xml, error) : NULL;
    if (xml && !def) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_prefix_error(error, "%s: ", shown);
        return false;
    }
    *ret_xml = g_steal_pointer(&xml);
    *ret_def = def;
    return true;
}

/* libvirt gives a domain without a UUID a random one; a plan from a capture is the same each time. */
static char *
uuid_from_name(const char *name)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_MD5, name, -1);
    return g_strdup_printf("%.8s-%.4s-3%.3s-8%.3s-%.12s", sum, sum + 8, sum + 13, sum + 17, sum + 20);
}

static KtDomain *
domain_of(const KtDomainDef *def)
{
    g_autofree char *uuid = def->uuid ? g_strdup(def->uuid) : uuid_from_name(def->name);
    return kt_domain_new(def->name, uuid);
}

/* The persistent definition of a running domain: LABEL.inactive.xml, or without stats its only one. */
static bool
read_inactive(KtDomain *domain, const KtRoot *root, const char *label, bool has_stats, GError **error)
{
    g_autofree char *path = g_strdup_printf(KT_CAPTURE_DOMAINS "/%s.inactive.xml", label);
    if (!read_definition(root, path, &domain->inactive_xml, &domain->inactive, error))
        return false;
    if (!domain->inactive && !has_stats) {
        domain->inactive_xml = g_strdup(domain->live_xml);
        domain->inactive = kt_domain_def_parse(domain->live_xml, error);
        return domain->inactive != NULL;
    }
    if (domain->inactive && !g_str_equal(domain->inactive->name, domain->name)) {
        kt_capture_set_error(root, path, error, "wanted the domain '%s' of %s.xml, found '%s'", domain->name,
                             label, domain->inactive->name);
        return false;
    }
    return true;
}

static KtDomain *
read_definitions(const KtRoot *root, const char *label, bool active, bool has_stats, GError **error)
{
    g_autofree char *path = g_strdup_printf(KT_CAPTURE_DOMAINS "/%s.xml", label);
    g_autofree char *xml = NULL;
    g_autoptr(KtDomainDef) def = NULL;
    if (!read_definition(root, path, &xml, &def, error))
        return NULL;
    if (!def) {
        kt_capture_set_error(root, path, error, "it is listed, but can't be opened");
        return NULL;
    }
    g_autoptr(KtDomain) domain = domain_of(def);
    if (!active) {
        domain->inactive_xml = g_steal_pointer(&xml);
        domain->inactive = g_steal_pointer(&def);
        return g_steal_pointer(&domain);
    }
    domain->live_xml = g_steal_pointer(&xml);
    domain->live = g_steal_pointer(&def);
    return read_inactive(domain, root, label, has_stats, error) ? g_steal_pointer(&domain) : NULL;
}

KtDomain *
kt_capture_read_domain(const KtRoot *root, const char *label, const KtTopology *topology, GError **error)
{
    g_autofree char *stats_path = g_strdup_printf(KT_CAPTURE_DOMAINS "/%s.stats.json", label);
    const Source source = {.root = root, .path = stats_path, .topology = topology};
    g_autoptr(KtJson) object = NULL;
    Stats stats = {.age_ns = KT_ABSENT};
    KtDomainState state = KT_DOMAIN_RUNNING;
    if (!kt_capture_read_json(root, stats_path, &object, error) ||
        (object && !unpack_stats(&source, object, &stats, error)) ||
        (stats.state && !parse_state(&source, stats.state, &state, error)))
        return NULL;
    bool active = state != KT_DOMAIN_SHUT_OFF;
    g_autoptr(KtDomain) domain = read_definitions(root, label, active, object != NULL, error);
    if (!domain)
        return NULL;
    domain->label = g_strdup(label);
    domain->state = state;
    domain->active = active;
    domain->persistent = domain->inactive_xml != NULL;
    domain->autostart = stats.autostart;
    domain->managed_save = stats.managed_save;
    domain->has_snapshots = stats.snapshots;
    domain->has_checkpoints = stats.checkpoints;
    if (active && !fill_active(&source, domain, &stats, error))
        return NULL;
    return g_steal_pointer(&domain);
}
