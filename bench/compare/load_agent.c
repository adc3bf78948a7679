/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/libvirt-qemu.h>

#include "agent/view/json.h"
#include "base/error.h"
#include "bench/compare/complaint.h"
#include "bench/compare/load.h"
#include "probes/guest_agent.h"
#include "probes/hypervisor.h"

#define POLL_MSEC 100

/* Sends one command (taken over) to the guest's agent; its "return". NULL with @error. */
static json_t *
ask(virDomainPtr domain, json_t *command, GError **error)
{
    const char *name = virDomainGetName(domain);
    g_autofree char *text = json_dumps(command, JSON_COMPACT);
    json_decref(command);
    char *answer = virDomainQemuAgentCommand(domain, text, KT_AGENT_SECONDS, 0);
    if (answer == NULL) {
        kt_hypervisor_set_error(error, "%s: its guest agent", name);
        return NULL;
    }
    g_autoptr(json_t) document = json_loads(answer, 0, NULL);
    free(answer);
    json_t *result = json_object_get(document, "return");
    if (result)
        return json_incref(result);
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "%s: its guest agent's answer has no 'return'", name);
    return NULL;
}

static json_t *
start_command(char **argv)
{
    json_t *arguments = json_array();
    for (char **word = argv + 1; argv[0] && *word; word++)
        json_array_append_new(arguments, kt_json_text(*word));
    return json_pack("{s:s, s:{s:o, s:o, s:b}}", "execute", "guest-exec", "arguments", "path",
                     kt_json_text(argv[0]), "arg", arguments, "capture-output", 1);
}

/* What it printed, which the agent has in base64; "" where that was nothing. Owned. */
static char *
decoded(json_t *status, const char *key)
{
    const char *text = json_string_value(json_object_get(status, key));
    gsize length = 0;
    g_autofree guchar *bytes = text ? g_base64_decode(text, &length) : NULL;
    return bytes ? g_strndup((const char *)bytes, length) : g_strdup("");
}

static char *
result_of(const KtWorkload *workload, json_t *status, virDomainPtr domain, GError **error)
{
    json_t *code = json_object_get(status, "exitcode");
    json_t *signal = json_object_get(status, "signal");
    g_autofree char *out = decoded(status, "out-data");
    g_autofree char *err = decoded(status, "err-data");
    if (json_is_integer(code) && json_integer_value(code) == 0)
        return g_steal_pointer(&out);
    kt_complaint_set_error(error, out, err, "%s: in %s it %s %d", workload->name, virDomainGetName(domain),
                           signal ? "was killed by signal" : "ended with exit code",
                           (int)json_integer_value(signal ? signal : code));
    return NULL;
}

static void
set_late(const KtWorkload *workload, const char *name, const GError *silence, GError **error)
{
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: in %s it took longer than its timeout of %u s%s%s",
                workload->name, name, workload->timeout_s, silence ? "; " : "",
                silence ? silence->message : "");
}

/* An agent that is silent is asked again, until the timeout: the program goes on meanwhile, and a repeat
 * would run beside it. *@ret_exited: it has ended, well or not, or cannot be asked for: its number may be
 * another's by now. */
static char *
wait_for(const KtWorkload *workload, json_int_t pid, virDomainPtr domain, GCancellable *cancel,
         bool *ret_exited, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)workload->timeout_s * G_USEC_PER_SEC;
    while (kt_load_wait(POLL_MSEC, cancel, error)) {
        g_autoptr(GError) silence = NULL;
        g_autoptr(json_t) status =
            ask(domain, json_pack("{s:s, s:{s:I}}", "execute", "guest-exec-status", "arguments", "pid", pid),
                &silence);
        if (status == NULL && !kt_hypervisor_agent_is_silent()) {
            g_propagate_error(error, g_steal_pointer(&silence));
            *ret_exited = true;
            return NULL;
        }
        *ret_exited = json_is_true(json_object_get(status, "exited"));
        if (*ret_exited)
            return result_of(workload, status, domain, error);
        if (g_get_monotonic_time() > end) {
            set_late(workload, virDomainGetName(domain), silence, error);
            return NULL;
        }
    }
    return NULL;
}

/* What was begun isn't left at work in the guest. That it can't be ended is no news: it ends by itself. */
static void
end_command(json_int_t pid, virDomainPtr domain)
{
    g_autofree char *number = g_strdup_printf("%" JSON_INTEGER_FORMAT, pid);
    char *argv[] = {(char *)"kill", number, NULL};
    json_decref(ask(domain, start_command(argv), NULL));
}

char *
kt_load_in_agent(const KtWorkload *workload, char **argv, virDomainPtr domain, GCancellable *cancel,
                 GError **error)
{
    g_autoptr(json_t) started = ask(domain, start_command(argv), error);
    if (started == NULL) {
        g_prefix_error(error, "%s: '%s' can't be started in the guest: ", workload->name, argv[0]);
        return NULL;
    }
    json_int_t pid = json_integer_value(json_object_get(started, "pid"));
    bool exited = false;
    char *output = wait_for(workload, pid, domain, cancel, &exited, error);
    if (!exited)
        end_command(pid, domain);
    return output;
}
