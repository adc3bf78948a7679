/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "agent/daemon/decisions.h"
#include "agent/daemon/following_json.h"
#include "agent/daemon/governor_json.h"
#include "agent/daemon/load_json.h"
#include "agent/daemon/loop_parts.h"
#include "agent/view/json.h"
#include "base/diagnostic.h"

static const char *const end_names[] = {
    [KT_LOOK_DONE] = "done",
    [KT_LOOK_NO_HYPERVISOR] = "no-hypervisor",
    [KT_LOOK_LOCKED] = "locked",
    [KT_LOOK_FAILED] = "failed",
};

/* What failed; NULL = nothing did. */
static const char *
failure_of(const KtLook *look)
{
    return look->end == KT_LOOK_FAILED ? look->message : look->failure;
}

/* What came of a plan; a look that left all as it was isn't news. */
static void
tell_plan(KtDecision *decision, const KtLook *look)
{
    const char *failure = failure_of(look);
    if (failure) {
        decision->result = end_names[KT_LOOK_FAILED];
        decision->reason = failure;
    }
    if (failure && look->taken_back)
        kt_decision_tell(decision, "run %" G_GINT64_FORMAT " was taken back: %s", look->run, failure);
    else if (failure)
        kt_decision_tell(decision, "%s", failure);
    else if (look->run)
        kt_decision_tell(decision, "run %" G_GINT64_FORMAT ": %u change%s%s; seen: %s", look->run,
                         look->n_done, look->n_done == 1 ? "" : "s", look->again ? ", not all of it" : "",
                         look->why);
}

void
kt_loop_tell(const KtLoop *loop, const KtLook *look)
{
    KtDecision decision = {
        .run = look->run,
        .result = end_names[look->end],
        .seen = look->why,
        .reason = look->message,
        .is_trouble = look->end == KT_LOOK_NO_HYPERVISOR || look->end == KT_LOOK_FAILED,
    };
    bool news = !loop->last || loop->last->end != look->end;
    g_info("looked (%s): %s, %u changes, %" G_GINT64_FORMAT " ms", look->why, end_names[look->end],
           look->n_done, look->took_usec / 1000);
    if (look->end == KT_LOOK_NO_HYPERVISOR && news)
        kt_decision_tell(&decision, "%s; it is tried again until it does", look->message);
    else if (look->end == KT_LOOK_LOCKED && news)
        kt_decision_tell(&decision, "waits for another kvm-tune: %s", look->message);
    else if (look->end == KT_LOOK_DONE && loop->last && loop->last->end == KT_LOOK_NO_HYPERVISOR)
        kt_decision_tell(&decision, "libvirt is there");
    bool fails_as_before =
        loop->last && failure_of(look) && g_strcmp0(failure_of(look), failure_of(loop->last)) == 0;
    if (look->end != KT_LOOK_LOCKED && (look->again || !fails_as_before))
        tell_plan(&decision, look);
}

void
kt_loop_tell_mistakes(const KtLoop *loop, const GPtrArray *diagnostics, const GError *error)
{
    const KtDecision decision = {
        .result = "profile-refused",
        .seen = kt_event_words(KT_EVENT_PROFILE_READ),
        .reason = error ? error->message : "there are mistakes in it",
        .source = loop->profile_name,
        .is_trouble = true,
    };
    if (error)
        g_warning("%s", error->message);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *text = kt_diagnostic_format(diagnostics->pdata[i]);
        g_warning("%s", g_strchomp(text));
    }
    kt_decision_tell(&decision, "goes on with profile %s as it was", loop->profile_name);
}

void
kt_loop_tell_profile(const KtLoop *loop, KtEvent event)
{
    const KtDecision decision = {
        .result = event == KT_EVENT_PROFILE_READ ? "profile-taken" : "started",
        .seen = kt_event_words(event),
        .source = loop->profile_name,
    };
    kt_decision_tell(&decision, "keeps profile %s%s", loop->profile_name,
                     event == KT_EVENT_PROFILE_READ ? " from now on" : "");
}

void
kt_loop_tell_end(void)
{
    const KtDecision decision = {.result = "ended", .seen = "told to end"};
    kt_decision_tell(&decision, "ends; what is tuned stays so");
}

char *
kt_loop_status_line(const KtLoop *loop)
{
    const KtLook *look = loop->last;
    g_autofree char *profile = kt_printable(loop->profile_name);
    if (!look)
        return g_strdup_printf("keeps %s", profile);
    if (look->end == KT_LOOK_NO_HYPERVISOR)
        return g_strdup_printf("keeps %s; libvirt doesn't answer", profile);
    return g_strdup_printf("keeps %s; %u guests run, %u settings refused, %u manual, %u wait for a power "
                           "cycle%s",
                           profile, look->n_domains, look->n_refused, look->n_manual, look->n_pending,
                           look->end == KT_LOOK_FAILED ? "; the last look failed" : "");
}

static json_t *
refusals_json(const GPtrArray *refusals)
{
    json_t *all = json_array();
    for (guint i = 0; i < refusals->len; i++) {
        const KtLookRefusal *refusal = refusals->pdata[i];
        g_autofree char *target =
            refusal->domain ? g_strdup_printf("domain:%s", refusal->domain) : g_strdup("host");
        json_t *json = json_object();
        json_object_set_new(json, "target", kt_json_text(target));
        json_object_set_new(json, "setting", kt_json_text(refusal->setting));
        json_object_set_new(json, "item", kt_json_text(refusal->item));
        json_object_set_new(json, "reason", kt_json_text(refusal->reason));
        json_object_set_new(json, "source", kt_json_text(refusal->source));
        json_array_append_new(all, json);
    }
    return all;
}

static json_t *
look_json(const KtLook *look)
{
    if (!look)
        return json_null();
    json_t *json = json_object();
    g_autofree char *message = look->failure
                                   ? g_strdup_printf("%s; and of the host: %s", look->message, look->failure)
                                   : g_strdup(look->message);
    json_object_set_new(json, "result", json_string(end_names[look->end]));
    json_object_set_new(json, "message", kt_json_text(message));
    json_object_set_new(json, "why", kt_json_text(look->why));
    json_object_set_new(json, "began", json_integer(look->began_usec / G_USEC_PER_SEC));
    json_object_set_new(json, "took_ms", json_integer(look->took_usec / 1000));
    json_object_set_new(json, "run", look->run ? json_integer(look->run) : json_null());
    json_object_set_new(json, "changes", json_integer(look->n_done));
    json_object_set_new(json, "domains", json_integer(look->n_domains));
    json_object_set_new(json, "refused", json_integer(look->n_refused));
    json_object_set_new(json, "refusals", refusals_json(look->refusals));
    json_object_set_new(json, "pending", json_integer(look->n_pending));
    json_object_set_new(json, "manual", json_integer(look->n_manual));
    return json;
}

json_t *
kt_loop_status_json(const KtLoop *loop)
{
    json_t *document = kt_json_document();
    json_object_set_new(document, "profile", kt_json_text(loop->profile_name));
    json_object_set_new(document, "pid", json_integer(getpid()));
    json_object_set_new(document, "since", json_integer(loop->began_usec / G_USEC_PER_SEC));
    json_object_set_new(document, "busy", json_boolean(loop->busy));
    json_object_set_new(document, "last", look_json(loop->last));
    g_autoptr(KtGovernorFigures) governor = kt_governing_figures(loop->governing);
    json_object_set_new(document, "governor", kt_governor_json(governor));
    g_autoptr(GPtrArray) following = kt_following_figures(loop->following);
    json_object_set_new(document, "following", kt_following_json(following));
    g_autoptr(GPtrArray) load = kt_load_watch_figures(loop->load);
    json_object_set_new(document, "load", kt_load_json(load));
    return document;
}
