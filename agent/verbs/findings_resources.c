/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/findings.h"

/* Domains with a vCPU that may run on several isolated CPUs: nothing balances there. */
static char *
piled_domains(const KtSnapshot *snapshot)
{
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(KtCpuset) common = hwloc_bitmap_alloc();
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        bool piled = false;
        for (guint k = 0; domain->vcpus && k < domain->vcpus->len; k++) {
            const KtVcpu *vcpu = domain->vcpus->pdata[k];
            if (!vcpu->online)
                continue;
            hwloc_bitmap_and(common, vcpu->affinity, snapshot->topology->isolated);
            piled = piled || (hwloc_bitmap_weight(common) > 1 &&
                              hwloc_bitmap_isincluded(vcpu->affinity, snapshot->topology->isolated));
        }
        if (piled)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", domain->name);
    }
    return g_strdup(names->str);
}

void
kt_find_guest_cpus(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "CPUs for guests";
    const KtTopology *topology = host->snapshot->topology;
    g_autofree char *piled = piled_domains(host->snapshot);
    g_autofree char *isolated = kt_cpuset_format(topology->isolated);
    g_autofree char *placeable = kt_cpuset_format(topology->placeable);
    g_autofree char *online = kt_cpuset_format(topology->online);
    if (*piled)
        kt_finding_add(findings, name, KT_FINDING_WARN,
                       "the scheduler doesn't balance isolated CPUs: all threads of a set pile on its first",
                       "kvm-tune apply latency", "%s may run on several of the isolated CPUs %s", piled,
                       isolated);
    else if (!hwloc_bitmap_isequal(topology->placeable, topology->online))
        kt_finding_ok(findings, name, "%s of %s: the group that QEMU runs in has no others", placeable,
                      online);
    else
        kt_finding_ok(findings, name, "all, %s%s%s", online, *isolated ? "; isolated are " : "", isolated);
}

void
kt_find_isolated_cpus(const KtHost *host, GPtrArray *findings)
{
    const KtSnapshot *snapshot = host->snapshot;
    if (hwloc_bitmap_iszero(snapshot->topology->isolated))
        return;
    g_autoptr(KtCpuset) idle = hwloc_bitmap_dup(snapshot->topology->isolated);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        for (guint k = 0; k < domain->vcpus->len; k++) {
            const KtVcpu *vcpu = domain->vcpus->pdata[k];
            /* A thread that may run everywhere never comes to an isolated CPU. */
            if (vcpu->online && hwloc_bitmap_isincluded(vcpu->affinity, snapshot->topology->isolated))
                hwloc_bitmap_andnot(idle, idle, vcpu->affinity);
        }
    }
    g_autofree char *list = kt_cpuset_format(idle);
    if (*list)
        kt_finding_add(
            findings, "isolated CPUs", KT_FINDING_WARN,
            "isolcpus keeps everybody else away from them: they idle until the next boot without it",
            "sed -i 's/ *isolcpus=[^ \"]*//' /etc/default/grub && update-grub", "no guest is pinned to %s",
            list);
}

void
kt_find_guest_memory(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "memory for guests";
    gint64 total = kt_memory_total_kib(host->snapshot->memory);
    guint64 promised = kt_snapshot_promised_kib(host->snapshot);
    if (total <= 0 || promised == 0 || !host->snapshot->host_is_local)
        return;
    g_autofree char *has = kt_size((guint64)total);
    g_autofree char *wants = kt_size(promised);
    if (promised <= (guint64)total)
        kt_finding_ok(findings, name, "running guests may take %s of %s", wants, has);
    else
        kt_finding_add(findings, name, KT_FINDING_WARN,
                       "when they take it, the host swaps, or kills a guest for lack of memory",
                       "virsh setmaxmem NAME SIZE --config", "running guests may take %s, this host has %s",
                       wants, has);
}

void
kt_find_thp(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "transparent huge pages";
    const char *enabled = host->snapshot->memory->thp.enabled;
    if (enabled == NULL)
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL, "not in this kernel, or not captured");
    else if (g_str_equal(enabled, "never"))
        kt_finding_add(findings, name, KT_FINDING_WARN,
                       "guest memory in 4 KiB pages costs a guest up to a fifth of its speed",
                       "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", "never");
    else if (g_str_equal(enabled, "always"))
        kt_finding_ok(findings, name, "always: guests have them, and so has every other process");
    else
        kt_finding_ok(findings, name, "%s: QEMU asks for them", enabled);
}

void
kt_find_ksm(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "KSM";
    const KtMemory *memory = host->snapshot->memory;
    const KtKsm *ksm = &memory->ksm;
    if (ksm->run == KT_ABSENT) {
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL, "not in this kernel, or not captured");
        return;
    }
    gint64 pages = ksm->pages_sharing == KT_ABSENT ? 0 : ksm->pages_sharing;
    g_autofree char *saved = kt_size((guint64)pages * memory->page_kib);
    bool loses = ksm->general_profit != KT_ABSENT && ksm->general_profit < 0;
    bool idle = pages == 0 && ksm->full_scans != KT_ABSENT && ksm->full_scans >= 10;
    if (ksm->run == 1 && (loses || idle))
        kt_finding_add(findings, name, KT_FINDING_WARN, "ksmd takes CPU time and gives nothing for it",
                       "echo 0 > /sys/kernel/mm/ksm/run",
                       "on, but saves %s after %" G_GINT64_FORMAT " full scans",
                       loses ? "less than its own bookkeeping takes" : "nothing",
                       ksm->full_scans == KT_ABSENT ? 0 : ksm->full_scans);
    else if (ksm->run == 1)
        kt_finding_ok(findings, name, "on, saves %s", pages ? saved : "nothing yet");
    else
        kt_finding_ok(findings, name, "off%s%s%s", pages ? ", still saves " : "", pages ? saved : "",
                      pages ? " merged earlier" : "");
}

void
kt_find_other_tuners(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "other tuners";
    const GPtrArray *tuners = host->snapshot->other_tuners;
    g_autoptr(GString) harmless = g_string_new(NULL);
    bool contested = false;
    for (guint i = 0; tuners && i < tuners->len; i++) {
        const KtOtherTuner *tuner = tuners->pdata[i];
        if (tuner->settings == NULL || tuner->settings[0] == NULL) {
            g_string_append_printf(harmless, "%s%s, which sets %s only", harmless->len ? "; " : "",
                                   tuner->name, tuner->knobs);
            continue;
        }
        contested = true;
        g_autofree char *settings = g_strjoinv(", ", (char **)tuner->settings);
        g_autofree char *mend = g_strdup_printf("systemctl disable --now %s", tuner->name);
        g_autofree char *why =
            g_strdup_printf("what it sets stays its own unless a profile says 'contested = take', "
                            "and then the two write in turns: %s",
                            settings);
        kt_finding_add(findings, name, KT_FINDING_WARN, why, mend, "%s is running and sets %s", tuner->name,
                       tuner->knobs);
    }
    if (!contested)
        kt_finding_ok(findings, name, "%s", harmless->len ? harmless->str : "none is running");
}
