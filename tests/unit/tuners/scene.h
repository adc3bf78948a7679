/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

#include "tuners/tuner.h"

/** A host made by hand, and the plan that a profile makes for it. */
typedef struct {
    KtSnapshot *snapshot;
    KtProfile *profile;
    KtDesired *desired;
    KtPlan *plan;
} Scene;

/** A host without domains, THP and KSM, of hwloc's synthetic @topology. */
static inline Scene *
scene_new(const char *topology)
{
    g_autoptr(GError) error = NULL;
    Scene *scene = g_new0(Scene, 1);
    scene->snapshot = g_new0(KtSnapshot, 1);
    scene->snapshot->topology = kt_topology_from_synthetic(topology, &error);
    g_assert_no_error(error);
    scene->snapshot->memory = kt_memory_new();
    scene->snapshot->pools = kt_pools_new();
    scene->snapshot->kernel = kt_kernel_new();
    scene->snapshot->cgroup = kt_cgroup_new();
    scene->snapshot->other_tuners = kt_other_tuners_new();
    scene->snapshot->domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    scene->snapshot->o_direct = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    scene->snapshot->virtio_os = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    scene->snapshot->host_is_local = true;
    return scene;
}

static inline void
scene_free(Scene *scene)
{
    g_clear_pointer(&scene->plan, kt_plan_free);
    g_clear_pointer(&scene->desired, kt_desired_free);
    g_clear_pointer(&scene->profile, kt_profile_free);
    kt_snapshot_free(scene->snapshot);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

static inline void
scene_define(const char *xml, char **ret_xml, KtDomainDef **ret_def)
{
    g_autoptr(GError) error = NULL;
    *ret_def = kt_domain_def_parse(xml, &error);
    g_assert_no_error(error);
    *ret_xml = g_strdup(xml);
}

static inline KtCpuset *
scene_affinity(const KtDomain *domain, const KtPinDef *pin, const KtTopology *topology)
{
    return pin != NULL ? hwloc_bitmap_dup(pin->cpus) : kt_domain_default_cpus(domain->live, topology);
}

/** The threads of a running domain: where the live XML pins them. */
static inline void
scene_start(KtDomain *domain, const KtTopology *topology)
{
    const KtDomainDef *def = domain->live;
    for (guint id = 0; id < def->vcpus; id++) {
        KtVcpu *vcpu = g_new0(KtVcpu, 1);
        vcpu->id = id;
        vcpu->online = def->vcpus_online == NULL || hwloc_bitmap_isset(def->vcpus_online, id);
        vcpu->affinity = scene_affinity(domain, kt_domain_def_find_vcpu_pin(def, id), topology);
        g_ptr_array_add(domain->vcpus, vcpu);
    }
    for (guint id = 1; id <= def->iothreads; id++) {
        KtIoThread *iothread = g_new0(KtIoThread, 1);
        iothread->id = id;
        iothread->affinity = scene_affinity(domain, kt_domain_def_find_iothread_pin(def, id), topology);
        g_ptr_array_add(domain->iothreads, iothread);
    }
    KtPinDef emulator = {.cpus = def->emulator_pin};
    domain->emulator = scene_affinity(domain, def->emulator_pin != NULL ? &emulator : NULL, topology);
}

/** Adds a domain; domains are to be added by name. @live NULL: shut off; @inactive NULL: transient. Its
 * threads run where the live XML pins them. */
static inline KtDomain *
scene_add(Scene *scene, const char *live, const char *inactive)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(live != NULL ? live : inactive, &error);
    g_assert_no_error(error);
    KtDomain *domain = kt_domain_new(def->name, def->uuid != NULL ? def->uuid : def->name);
    domain->active = live != NULL;
    domain->state = live != NULL ? KT_DOMAIN_RUNNING : KT_DOMAIN_SHUT_OFF;
    domain->persistent = inactive != NULL;
    if (inactive != NULL)
        scene_define(inactive, &domain->inactive_xml, &domain->inactive);
    if (live != NULL) {
        scene_define(live, &domain->live_xml, &domain->live);
        scene_start(domain, scene->snapshot->topology);
    }
    g_ptr_array_add(scene->snapshot->domains, domain);
    return domain;
}

/** The text of a definition: @devices inside <devices>, @rest beside it; either may be "". Owned. */
static inline char *
scene_xml(const char *name, guint vcpus, const char *rest, const char *devices)
{
    return g_strdup_printf("<domain type='kvm'><name>%s</name><memory unit='KiB'>1048576</memory>"
                           "<vcpu placement='static'>%u</vcpu>%s<os><type arch='x86_64'>hvm</type></os>"
                           "<devices>%s</devices></domain>",
                           name, vcpus, rest, devices);
}

/** A running persistent domain with the same live and persistent definition. */
static inline KtDomain *
scene_add_guest(Scene *scene, const char *name, guint vcpus, const char *rest, const char *devices)
{
    g_autofree char *xml = scene_xml(name, vcpus, rest, devices);
    return scene_add(scene, xml, xml);
}

static inline void
scene_resolve(Scene *scene, const char *text)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    gint fd = g_file_open_tmp("kt-scene-XXXXXX.conf", &path, &error);
    g_assert_no_error(error);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));

    char *directories[] = {NULL};
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    scene->profile = kt_profile_load(path, directories, diagnostics);
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *problem = kt_diagnostic_format(diagnostics->pdata[i]);
        g_test_message("%s", problem);
    }
    g_assert_nonnull(scene->profile);
    scene->desired = kt_desired_resolve(scene->profile, scene->snapshot, NULL);
    g_remove(path);
}

/** Plans with @profile, the text of one. Once a scene. */
static inline void
scene_plan(Scene *scene, const char *profile)
{
    scene_resolve(scene, profile);
    scene->plan = kt_plan_make(scene->snapshot, scene->desired);
}

static inline gint
scene_index(const Scene *scene, const char *domain)
{
    for (guint i = 0; domain != NULL && i < scene->snapshot->domains->len; i++) {
        const KtDomain *one = scene->snapshot->domains->pdata[i];
        if (g_str_equal(one->name, domain))
            return (gint)i;
    }
    g_assert_null(domain);
    return -1;
}

/** The action, or NULL. @domain NULL = host. */
static inline const KtAction *
scene_action(const Scene *scene, const char *domain, const char *key, const char *item, KtWhen when)
{
    for (guint i = 0; i < scene->plan->actions->len; i++) {
        const KtAction *action = scene->plan->actions->pdata[i];
        if (action->domain == scene_index(scene, domain) && g_str_equal(action->setting->key, key) &&
            g_strcmp0(action->item, item) == 0 && action->when == when)
            return action;
    }
    return NULL;
}

/** Fails unless the action is there, leads from @from to @to and has a reason and a source. */
static inline const KtAction *
scene_expect(const Scene *scene, const char *domain, const char *key, const char *item, KtWhen when,
             const char *from, const char *to)
{
    const KtAction *action = scene_action(scene, domain, key, item, when);
    if (action == NULL)
        g_test_message("no action for %s %s %s", domain, key, item);
    g_assert_nonnull(action);
    g_assert_cmpstr(action->from, ==, from);
    g_assert_cmpstr(action->to, ==, to);
    g_assert_nonnull(action->reason);
    g_assert_nonnull(strstr(action->source, ".conf:"));
    return action;
}

/** How often this is refused. */
static inline guint
scene_count_refused(const Scene *scene, const char *domain, const char *key, const char *item)
{
    guint n = 0;
    for (guint i = 0; i < scene->plan->refused->len; i++) {
        const KtRefusal *refusal = scene->plan->refused->pdata[i];
        n += refusal->domain == scene_index(scene, domain) && g_str_equal(refusal->setting->key, key) &&
             g_strcmp0(refusal->item, item) == 0;
    }
    return n;
}

/** Fails unless this is refused just once, with @words in the reason. */
static inline void
scene_expect_refused(const Scene *scene, const char *domain, const char *key, const char *item,
                     const char *words)
{
    g_assert_cmpuint(scene_count_refused(scene, domain, key, item), ==, 1);
    for (guint i = 0; i < scene->plan->refused->len; i++) {
        const KtRefusal *refusal = scene->plan->refused->pdata[i];
        if (refusal->domain != scene_index(scene, domain) || !g_str_equal(refusal->setting->key, key) ||
            g_strcmp0(refusal->item, item) != 0)
            continue;
        if (strstr(refusal->reason, words) == NULL)
            g_test_message("'%s' isn't in: %s", words, refusal->reason);
        g_assert_nonnull(strstr(refusal->reason, words));
        g_assert_nonnull(strstr(refusal->source, ".conf:"));
    }
}

/** The persistent definition of a domain (an index) with all that the plan stages of it. Owned. */
static inline char *
scene_staged_xml(const Scene *scene, guint domain)
{
    const KtDomain *before = scene->snapshot->domains->pdata[domain];
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(KtXmlEdit));
    for (guint i = 0; i < scene->plan->actions->len; i++) {
        const KtAction *action = scene->plan->actions->pdata[i];
        KtXmlEdit edit = {action->field, action->item, action->to};
        if (action->domain == (gint)domain && action->kind == KT_STEP_DEFINE)
            g_array_append_val(edits, edit);
    }
    g_autoptr(GError) error = NULL;
    char *xml = kt_domain_xml_edit(before->inactive_xml, (const KtXmlEdit *)(gpointer)edits->data, edits->len,
                                   &error);
    g_assert_no_error(error);
    return xml;
}

static inline bool
scene_has_note(const Scene *scene, const char *domain, const char *words)
{
    const GPtrArray *notes = scene->plan->domains[scene_index(scene, domain)].notes;
    for (guint i = 0; i < notes->len; i++) {
        if (strstr(notes->pdata[i], words) != NULL)
            return true;
    }
    return false;
}
