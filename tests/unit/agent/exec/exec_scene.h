/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "agent/exec/executor.h"
#include "agent/exec/step.h"
#include "base/error.h"
#include "probes/hypervisor.h"
#include "tests/unit/fake_root.h"

/** A fake host, libvirt's test driver where asked for, a plan made by hand, and a state directory of its own.
 */
typedef struct {
    FakeHost *host;
    char *state;
    virConnectPtr connection;
    KtSnapshot *snapshot;
    KtPlan *plan;
    KtTarget target;
    KtJournal *journal;
} ExecScene;

#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define KSM_RUN "sys/kernel/mm/ksm/run"
#define THP_ENABLED "sys/kernel/mm/transparent_hugepage/enabled"

static inline void
quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

static inline void
exec_scene_open_journal(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    scene->journal = kt_journal_open(scene->state, KT_JOURNAL_WRITE, &error);
    g_assert_no_error(error);
}

/** As if the program had been killed and started again. */
static inline void
exec_scene_restart(ExecScene *scene)
{
    g_clear_pointer(&scene->journal, kt_journal_close);
    exec_scene_open_journal(scene);
}

static inline ExecScene *
exec_scene_new(const FakeFile *files)
{
    ExecScene *scene = g_new0(ExecScene, 1);
    scene->host = fake_host_new(files);
    scene->state = g_build_filename(scene->host->directory, "state", NULL);
    scene->snapshot = g_new0(KtSnapshot, 1);
    scene->snapshot->domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    scene->plan = kt_plan_new(scene->snapshot);
    scene->target.root = scene->host->root;
    exec_scene_open_journal(scene);
    return scene;
}

/** Connects to the test driver: it has one running domain, "test", with a disk vda without a cache mode. */
static inline ExecScene *
exec_scene_with_domain(const FakeFile *files)
{
    ExecScene *scene = exec_scene_new(files);
    virSetErrorFunc(NULL, quiet);
    scene->connection = virConnectOpen("test:///default");
    g_assert_nonnull(scene->connection);
    scene->target.connection = scene->connection;
    KtDomain *domain = kt_domain_new("test", TEST_UUID);
    domain->active = true;
    domain->process = g_strdup("id:1");
    g_ptr_array_add(scene->snapshot->domains, domain);
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    return scene;
}

static inline void
exec_scene_free(ExecScene *scene)
{
    kt_journal_close(scene->journal);
    kt_plan_free(scene->plan);
    g_ptr_array_unref(scene->snapshot->domains);
    g_free(scene->snapshot);
    if (scene->connection)
        virConnectClose(scene->connection);
    g_free(scene->state);
    fake_host_free(scene->host);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExecScene, exec_scene_free)

static inline void
plan_file(ExecScene *scene, const char *path, const char *from, const char *to)
{
    KtAction action = {.domain = -1,
                       .setting = kt_setting(KT_SETTING_THP_ENABLED),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:1:1"),
                       .kind = KT_STEP_SYSFS,
                       .path = g_strdup(path)};
    g_assert_true(kt_plan_add(scene->plan, action));
}

static inline void
plan_edit(ExecScene *scene, KtXmlField field, const char *item, const char *from, const char *to)
{
    KtAction action = {.domain = 0,
                       .setting = kt_setting(KT_SETTING_DISK_CACHE),
                       .item = g_strdup(item),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .when = KT_WHEN_NEXT_BOOT,
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:2:1"),
                       .kind = KT_STEP_DEFINE,
                       .field = field};
    g_assert_true(kt_plan_add(scene->plan, action));
}

static inline void
plan_pin(ExecScene *scene, const char *item, const char *from, const char *to)
{
    KtAction action = {.domain = 0,
                       .setting = kt_setting(KT_SETTING_CPU_PLACEMENT),
                       .item = g_strdup(item),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:3:1"),
                       .kind = KT_STEP_PIN};
    g_assert_true(kt_plan_add(scene->plan, action));
}

static inline KtReport *
apply(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    kt_plan_group_steps(scene->plan);
    KtReport *report = kt_execute(&scene->target, scene->journal, scene->plan, "x.conf", NULL, NULL, &error);
    g_assert_no_error(error);
    return report;
}

/** Applies the plan, and all of it is done. Gives the run's number. */
static inline gint64
must_apply(ExecScene *scene)
{
    g_autoptr(KtReport) report = apply(scene);
    g_assert_false(report->failed);
    g_assert_false(report->partial);
    g_assert_cmpuint(report->n_done, ==, scene->plan->actions->len);
    return report->run;
}

/** Undoes all there is to undo. */
static inline KtReport *
rollback(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, &error);
    g_assert_no_error(error);
    KtReport *report = kt_undo(&scene->target, scene->journal, runs, NULL, NULL, &error);
    g_assert_no_error(error);
    return report;
}

static inline guint
runs_to_undo(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = kt_journal_undoable(scene->journal, &error);
    g_assert_no_error(error);
    return runs->len;
}

static inline void
assert_file(const ExecScene *scene, const char *path, const char *text)
{
    g_autofree char *found = fake_host_text(scene->host, path);
    g_assert_cmpstr(found, ==, text);
}

static inline const KtOutcome *
outcome(const KtReport *report, guint index)
{
    g_assert_cmpuint(index, <, report->outcomes->len);
    return g_ptr_array_index(report->outcomes, index);
}

static inline void
assert_result(const KtReport *report, guint index, KtResult result)
{
    g_assert_cmpstr(kt_result_name(outcome(report, index)->step->result), ==, kt_result_name(result));
}

static inline void
assert_message(const KtReport *report, guint index, const char *part)
{
    const char *message = outcome(report, index)->message;
    if (!message || !strstr(message, part))
        g_error("message '%s' does not have '%s'", message ? message : "(none)", part);
}

static inline virDomain *
test_domain(const ExecScene *scene)
{
    virDomain *domain = virDomainLookupByUUIDString(scene->connection, TEST_UUID);
    g_assert_nonnull(domain);
    return domain;
}

/** The persistent definition. Owned. */
static inline char *
test_definition(const ExecScene *scene)
{
    g_autoptr(virDomain) domain = test_domain(scene);
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
    g_assert_nonnull(xml);
    return xml;
}

/** Defines the test domain with one text in its XML replaced: somebody else's edit. */
static inline void
edit_definition(const ExecScene *scene, const char *old, const char *new)
{
    g_autofree char *xml = test_definition(scene);
    g_assert_nonnull(strstr(xml, old));
    g_auto(GStrv) parts = g_strsplit(xml, old, 2);
    g_autofree char *changed = g_strjoinv(new, parts);
    g_autoptr(virDomain) domain = virDomainDefineXML(scene->connection, changed);
    g_assert_nonnull(domain);
}
