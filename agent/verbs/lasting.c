/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/lasting.h"

#include <string.h>

#include "agent/exec/active_profile.h"
#include "agent/exec/state_directory.h"
#include "agent/verbs/control.h"
#include "agent/view/json.h"
#include "base/error.h"

/* A path is looked up by a daemon that was started elsewhere. */
static char *
lasting_name(const char *name)
{
    bool path = strchr(name, '/') || g_str_has_suffix(name, ".conf");
    return path ? g_canonicalize_filename(name, NULL) : g_strdup(name);
}

static json_t *
ask_daemon(const KtOptions *options, const char *what, GError **error)
{
    return kt_control_ask(options->state_dir, json_pack("{s:s}", "ask", what), error);
}

static const char *
profile_of(json_t *status)
{
    const char *profile = json_string_value(json_object_get(status, "profile"));
    return profile ? profile : "";
}

void
kt_lasting_warn(const KtOptions *options)
{
    g_autofree char *name = lasting_name(options->arguments[0]);
    g_autoptr(json_t) answer = options->persist ? NULL : ask_daemon(options, "status", NULL);
    if (answer != NULL && !json_object_get(answer, "errors") && !g_str_equal(profile_of(answer), name))
        g_warning(
            "the daemon keeps the profile %s, and sets back what differs from it; --persist has it keep this one",
            profile_of(answer));
}

/* The profile is the daemon's from now on. */
static bool
keep(const KtOptions *options, const char *name, GError **error)
{
    if (!kt_active_profile_write(options->state_dir, name, error))
        return false;
    g_autoptr(GError) unasked = NULL;
    g_autoptr(json_t) answer = ask_daemon(options, "reload", &unasked);
    if (answer == NULL)
        g_message("the profile is kept once the daemon runs: %s", unasked->message);
    else if (json_object_get(answer, "errors"))
        g_warning("the daemon doesn't take the profile, 'kvm-tune reload' says why");
    else if (!g_str_equal(profile_of(answer), name))
        g_warning("the daemon that runs was started with the profile %s, and goes on with that",
                  profile_of(answer));
    return true;
}

KtExit
kt_lasting_keep(const KtOptions *options, KtExit exit)
{
    g_autofree char *name = lasting_name(options->arguments[0]);
    g_autoptr(GError) error = NULL;
    return keep(options, name, &error) ? exit : kt_report_error(options, error);
}

static bool
was_rolled_back(const KtProof *proof, const KtSetting *setting)
{
    g_autofree char *group = kt_proof_group_of(setting);
    return g_strv_contains((const char *const *)proof->groups, group) && !kt_proof_keeps(proof, group);
}

static void
leave_out(GString *out, const char *section, KtScope scope, const KtProof *proof)
{
    const char *heading = section;
    for (KtSettingId id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting(id);
        if (setting->scope != scope || !was_rolled_back(proof, setting))
            continue;
        g_string_append_printf(out, "%s%s = %s\n", heading, setting->key, KT_KEEP);
        heading = "";
    }
}

char *
kt_lasting_rest(const char *name, const KtProof *proof)
{
    g_autoptr(GString) out =
        g_string_new("# Written by 'kvm-tune apply --prove --persist', for the daemon.\n");
    g_string_append_printf(out, "[profile]\nsummary = %s without what made a guest worse\ninherit = %s\n",
                           name, name);
    leave_out(out, "\n[host]\n", KT_SCOPE_HOST, proof);
    leave_out(out, "\n[domain *]\n", KT_SCOPE_DOMAIN, proof);
    return g_strdup(out->str);
}

/* Writes the rest of the profile beside the journal; each proof has its own, so that none inherits itself. */
static char *
write_rest(const KtOptions *options, const char *name, const KtProof *proof, GError **error)
{
    const KtTrial *first = proof->trials->pdata[0];
    g_autoptr(KtStateDirectory) directory = NULL;
    g_autoptr(GError) failure = NULL;
    if (!kt_state_directory_open(options->state_dir, true, &directory, error))
        return NULL;
    g_autofree char *text = kt_lasting_rest(name, proof);
    g_autofree char *file = g_strdup_printf("proven-%" G_GINT64_FORMAT ".conf", first->benchmark->id);
    g_autofree char *path = g_build_filename(directory->path, file, NULL);
    if (g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                 0600, &failure))
        return g_steal_pointer(&path);
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s", failure->message);
    return NULL;
}

static bool
keep_rest(const KtOptions *options, const char *name, const KtProof *proof, GError **error)
{
    if (strchr(name, '\n')) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                    "no profile can inherit one with a line feed in its name");
        return false;
    }
    g_autofree char *path = write_rest(options, name, proof, error);
    if (path == NULL || !keep(options, path, error))
        return false;
    g_message("the daemon is given what was kept: %s", path);
    return true;
}

/* Whether @name is what the daemon keeps, now or when it is started. */
static bool
is_the_daemons(const KtOptions *options, const char *name)
{
    g_autofree char *named = NULL;
    g_autoptr(json_t) status = ask_daemon(options, "status", NULL);
    if (status)
        return g_str_equal(profile_of(status), name);
    return kt_active_profile_read(options->state_dir, &named, NULL) && g_strcmp0(named, name) == 0;
}

void
kt_lasting_keep_proven(const KtOptions *options, const KtProof *proof)
{
    guint n = g_strv_length(proof->groups), kept = 0;
    g_autofree char *name = lasting_name(options->arguments[0]);
    g_autoptr(GError) error = NULL;
    for (char **group = proof->groups; *group; group++)
        kept += kt_proof_keeps(proof, *group);
    if (kept == n && options->persist) {
        if (!keep(options, name, &error))
            g_warning("%s", error->message);
        return;
    }
    bool the_daemons = is_the_daemons(options, name);
    if (options->persist && (kept > 0 || the_daemons)) {
        if (!keep_rest(options, name, proof, &error))
            g_warning("the daemon isn't given what was kept: %s", error->message);
    } else if (options->persist)
        g_warning("nothing of the profile was kept: the daemon isn't given it");
    else if (the_daemons && kept < n)
        g_warning(
            "the daemon keeps this profile and brings back what was rolled back: --persist gives it what "
            "is left");
}
