/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture.h"

#include "agent/verbs/verb.h"

/* A capture must hold all that a plan may ask for: also what is only asked when a NIC change needs it. */
static void
ask_all_guest_os(KtSnapshot *snapshot)
{
    g_autoptr(GArray) domains = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < snapshot->domains->len; i++) {
        if (kt_domain_os_id(snapshot->domains->pdata[i]) != NULL)
            g_array_append_val(domains, i);
    }
    if (domains->len > 0)
        kt_snapshot_ask_guest_os(snapshot, domains);
}

/* Without a virtio NIC that it drives, a guest's agent may be what a plan hangs on. */
static bool
has_other_nics(const KtDomainDef *def)
{
    for (guint i = 0; i < def->nics->len; i++) {
        const KtNicDef *nic = def->nics->pdata[i];
        if (nic->model == NULL || !g_str_has_prefix(nic->model, "virtio"))
            return true;
    }
    return false;
}

static void
ask_all_domains(const KtHost *host)
{
    KtSnapshot *snapshot = host->snapshot;
    if (host->connection == NULL)
        return;
    g_autoptr(GArray) running = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GArray) with_agent = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->live == NULL)
            continue;
        g_array_append_val(running, i);
        if (has_other_nics(domain->live))
            g_array_append_val(with_agent, i);
    }
    kt_snapshot_ask_io_uring(snapshot, host->connection);
    kt_snapshot_ask_block_jobs(snapshot, host->connection, running);
    kt_snapshot_ask_agents(snapshot, host->connection, with_agent);
}

KtExit
kt_verb_capture(const KtOptions *options)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtHost) host = kt_host_open(options, KT_HOST_ANYTHING, &exit);
    if (host == NULL)
        return exit;
    if (host->unanswered)
        g_warning("%s: the capture has no domains", host->unanswered);
    ask_all_domains(host);
    ask_all_guest_os(host->snapshot);
    const char *directory = options->arguments[0];
    g_autoptr(GError) error = NULL;
    if (!kt_capture_write(host->snapshot, host->root, directory, &error))
        return kt_report_error(options, error);
    g_autofree char *name = kt_printable(directory);
    g_autofree char *count = kt_count(host->snapshot->domains->len, "domain", "domains");
    g_autofree char *text =
        g_strdup_printf("%s: this host and %s; look at it with --capture %s\n", name, count, name);
    return options->json ? kt_print("{\"version\": 1}\n", KT_EXIT_DONE)
                         : kt_print_unless_quiet(options, text, KT_EXIT_DONE);
}
