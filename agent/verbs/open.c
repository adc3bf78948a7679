/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/loads.h"
#include "agent/verbs/control.h"
#include "agent/verbs/verb.h"
#include "probes/capture.h"

static bool
read_capture(KtHost *host, const char *directory, GError **error)
{
    host->root = kt_root_open(directory, error);
    host->snapshot = host->root ? kt_capture_read(directory, error) : NULL;
    return host->snapshot != NULL;
}

static bool
read_live(KtHost *host, const KtOptions *options, KtHostNeed need, GError **error)
{
    host->root = kt_root_open("/", error);
    if (host->root == NULL)
        return false;
    g_autoptr(GError) why = NULL;
    host->connection = kt_connect(options->uri, need, &why);
    if (host->connection)
        host->snapshot = kt_snapshot_read(host->root, host->connection, &why);
    if (host->snapshot)
        return true;
    if (need == KT_HOST_ANYTHING) {
        host->unanswered = g_strdup(why->message);
        host->snapshot = kt_snapshot_read(host->root, NULL, error);
        return host->snapshot != NULL;
    }
    if (host->connection)
        g_propagate_error(error, g_steal_pointer(&why));
    else
        g_set_error(error, why->domain, why->code,
                    "%s; start it (systemctl start libvirtd), or name another (--connect URI, --capture DIR)",
                    why->message);
    return false;
}

/* What the daemon measured and plans with. Only root may read it: others plan with what the guests have done
 * since they were started. */
static void
fill_loads(KtSnapshot *snapshot, const char *state_dir)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) journal = kt_journal_open(state_dir, KT_JOURNAL_READ, &error);
    if (!journal || !kt_journal_fill_loads(journal, snapshot, &error))
        g_info("what load the daemon has measured isn't known: %s", error->message);
}

KtHost *
kt_host_look(const KtOptions *options, KtHostNeed need, GError **error)
{
    g_autoptr(KtHost) host = g_new0(KtHost, 1);
    if (!(options->capture ? read_capture(host, options->capture, error)
                           : read_live(host, options, need, error)))
        return NULL;
    if (!options->capture) {
        host->snapshot->has_governor = kt_control_has_governor(options->state_dir);
        fill_loads(host->snapshot, options->state_dir);
    }
    return g_steal_pointer(&host);
}

KtHost *
kt_host_open(const KtOptions *options, KtHostNeed need, KtExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    KtHost *host = kt_host_look(options, need, &error);
    if (host == NULL)
        *ret_exit = kt_report_error(options, error);
    return host;
}
