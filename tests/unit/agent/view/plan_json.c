/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/json.h"
#include "agent/view/view.h"

#include "tests/unit/tuners/scene.h"

#define GUEST                                                                                                 \
    "<vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='no' hotpluggable='yes'/>"     \
    "<vcpu id='2' enabled='yes' hotpluggable='yes'/><vcpu id='3' enabled='yes' hotpluggable='yes'/></vcpus>"  \
    "<iothreads>1</iothreads>"                                                                                \
    "<numatune><memory mode='strict' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune>" \
    "<cpu><topology sockets='1' dies='1' cores='2' threads='2'/>"                                             \
    "<numa><cell id='0' cpus='0-1' memory='524288'/><cell id='1' cpus='2-3' memory='524288'/></numa></cpu>"
#define HOSTDEV                                                                                              \
    "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x3b' slot='0x00' "          \
    "function='0x0'/></source></hostdev>"

/* A running guest with all that the contract has a member for, and one that is shut off. */
static Scene *
rich_scene(void)
{
    Scene *scene = scene_new("node:2 l3:1 core:4 pu:2");
    KtDomain *guest = scene_add_guest(scene, "db", 4, GUEST, HOSTDEV);
    guest->memory_kib = g_new0(gint64, 2);
    guest->memory_kib[0] = 786432;
    guest->memory_kib[1] = 262144;
    guest->n_memory = 2;
    g_autofree char *off = scene_xml("off", 2, "", "");
    scene_add(scene, NULL, off);
    return scene;
}

static json_t *
parse(char *text)
{
    g_autofree char *owned = text;
    json_error_t error;
    json_t *json = json_loads(owned, 0, &error);
    if (json == NULL)
        g_test_message("%s: %s", error.text, owned);
    g_assert_nonnull(json);
    g_assert_true(g_str_has_suffix(owned, "}\n"));
    return json;
}

/* "a b c": the members in their order. */
static char *
keys(json_t *object)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        g_string_append_printf(text, "%s%s", text->len ? " " : "", key);
    }
    return g_strdup(text->str);
}

static const char *
string_at(json_t *list, gsize index)
{
    return json_string_value(json_array_get(list, index));
}

static void
test_contract(void)
{
    g_autoptr(Scene) scene = rich_scene();
    scene_plan(scene,
               "[host]\nhousekeeping = 0\n[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
               "cpu.smt = isolate\ncpu.kind = any\n");

    g_autoptr(json_t) plan = parse(kt_view_plan_json(scene->plan));

    g_autofree char *top = keys(plan);
    g_assert_cmpstr(top, ==, "version host domains actions refused cost cost_before");
    g_assert_cmpint(json_integer_value(json_object_get(plan, "version")), ==, 1);
    json_t *host = json_object_get(plan, "host");
    g_autofree char *host_keys = keys(host);
    g_assert_cmpstr(host_keys, ==, "cpus cores numa_nodes l3_groups allowed housekeeping");
    g_assert_cmpint(json_integer_value(json_object_get(host, "cpus")), ==, 16);
    g_assert_cmpint(json_integer_value(json_object_get(host, "cores")), ==, 8);
    g_assert_cmpint(json_integer_value(json_object_get(host, "numa_nodes")), ==, 2);
    g_assert_cmpint(json_integer_value(json_object_get(host, "l3_groups")), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(host, "allowed")), ==, "0-15");
    g_assert_cmpstr(json_string_value(json_object_get(host, "housekeeping")), ==, "0");
    json_t *cost = json_object_get(plan, "cost");
    g_autofree char *cost_keys = keys(cost);
    g_assert_cmpstr(cost_keys, ==,
                    "total locality memory devices siblings kinds contention crowding moves moved_gib");
    g_assert_true(json_is_real(json_object_get(cost, "total")));
    g_assert_true(json_is_integer(json_object_get(cost, "moves")));
}

static void
test_running_domain(void)
{
    g_autoptr(Scene) scene = rich_scene();
    scene_plan(scene, "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\ncpu.smt = isolate\n"
                      "cpu.kind = any\n");

    g_autoptr(json_t) plan = parse(kt_view_plan_json(scene->plan));
    json_t *domain = json_array_get(json_object_get(plan, "domains"), 0);

    g_autofree char *names = keys(domain);
    g_assert_cmpstr(
        names, ==,
        "name uuid running vcpus placed exclusive policy smt kind load before cells threads memory_share "
        "devices placement migratable migration pending notes");
    g_assert_cmpint(json_integer_value(json_object_get(domain, "vcpus")), ==, 4);
    g_assert_true(json_is_true(json_object_get(domain, "placed")));
    g_assert_true(json_is_true(json_object_get(domain, "exclusive")));
    g_assert_cmpstr(json_string_value(json_object_get(domain, "smt")), ==, "isolate");
    g_assert_cmpstr(json_string_value(json_object_get(domain, "kind")), ==, "any");
    /* By vCPU number, null where offline. */
    json_t *load = json_object_get(domain, "load");
    json_t *before = json_object_get(domain, "before");
    json_t *placement = json_object_get(domain, "placement");
    json_t *vcpus = json_object_get(placement, "vcpus");
    g_assert_cmpuint(json_array_size(load), ==, 4);
    g_assert_cmpfloat(json_real_value(json_array_get(load, 2)), ==, 1.0);
    g_assert_true(json_is_null(json_array_get(load, 1)));
    g_assert_true(json_is_null(json_array_get(before, 1)));
    g_assert_true(json_is_null(json_array_get(vcpus, 1)));
    g_assert_cmpstr(string_at(before, 0), ==, "0-15");
    g_assert_nonnull(string_at(vcpus, 3));
    json_t *cells = json_object_get(domain, "cells");
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(cells, 0), "vcpus")), ==, "0-1");
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(cells, 0), "nodes")), ==, "");
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(cells, 1), "nodes")), ==, "1");
    json_t *share = json_object_get(domain, "memory_share");
    g_assert_cmpfloat(json_real_value(json_object_get(share, "0")), ==, 0.75);
    g_assert_cmpfloat(json_real_value(json_object_get(share, "1")), ==, 0.25);
    json_t *device = json_array_get(json_object_get(domain, "devices"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(device, "address")), ==, "0000:3b:00.0");
    g_assert_true(json_is_null(json_object_get(device, "node")));
    g_assert_true(json_is_object(json_object_get(placement, "iothreads")));
    g_assert_true(json_is_string(json_object_get(json_object_get(placement, "iothreads"), "1")));
    g_assert_true(json_is_false(json_object_get(domain, "migratable")));
}

static void
test_guest_threads(void)
{
    g_autoptr(Scene) scene = rich_scene();
    scene_plan(scene, "[domain db]\ncpu.placement = shared-cache\n");

    g_autoptr(json_t) plan = parse(kt_view_plan_json(scene->plan));

    json_t *threads = json_object_get(json_array_get(json_object_get(plan, "domains"), 0), "threads");
    g_assert_cmpuint(json_array_size(threads), ==, 2);
    /* vCPU 1 is offline: it is in no group. */
    g_assert_cmpuint(json_array_size(json_array_get(threads, 0)), ==, 1);
    g_assert_cmpuint(json_array_size(json_array_get(threads, 1)), ==, 2);
}

static void
test_shut_off_domain(void)
{
    g_autoptr(Scene) scene = rich_scene();
    scene_plan(scene, "[domain *]\ncpu.placement = shared-cache\n");

    g_autoptr(json_t) plan = parse(kt_view_plan_json(scene->plan));
    json_t *domain = json_array_get(json_object_get(plan, "domains"), 1);

    g_autofree char *names = keys(domain);
    g_assert_cmpstr(names, ==, "name uuid running vcpus migratable migration pending notes");
    g_assert_true(json_is_false(json_object_get(domain, "running")));
    g_assert_cmpint(json_integer_value(json_object_get(domain, "vcpus")), ==, 2);
}

static void
test_actions_and_refusals(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene_plan(scene, "[host]\nthp.enabled = madvise\nthp.defrag = madvise\n");

    g_autoptr(json_t) plan = parse(kt_view_plan_json(scene->plan));
    json_t *action = json_array_get(json_object_get(plan, "actions"), 0);
    json_t *refusal = json_array_get(json_object_get(plan, "refused"), 0);

    g_autofree char *action_keys = keys(action);
    g_autofree char *refusal_keys = keys(refusal);
    g_assert_cmpstr(action_keys, ==, "id target setting item from to when risk reason source");
    g_assert_cmpstr(refusal_keys, ==, "target setting item reason source");
    g_assert_cmpint(json_integer_value(json_object_get(action, "id")), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(action, "target")), ==, "host");
    g_assert_cmpstr(json_string_value(json_object_get(action, "when")), ==, "now");
    g_assert_true(json_is_null(json_object_get(action, "item")));
    g_assert_cmpstr(json_string_value(json_object_get(refusal, "setting")), ==, "thp.defrag");
}

static void
test_numbers_stay_readable(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    scene_plan(scene, "[host]\nhousekeeping = none\n");
    scene->plan->cost.total = 13.8;
    scene->plan->cost.crowding = 5;

    g_autofree char *text = kt_view_plan_json(scene->plan);

    g_assert_nonnull(strstr(text, "\"total\": 13.8,"));
    g_assert_nonnull(strstr(text, "\"crowding\": 5.0,"));
}

static void
test_drift_and_pending(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autofree char *live = scene_xml("p", 1, "",
                                      "<interface type='user'><mac address='52:54:00:00:00:01'/>"
                                      "<model type='e1000'/></interface>");
    g_autofree char *staged = scene_xml("p", 1, "",
                                        "<interface type='user'><mac address='52:54:00:00:00:01'/>"
                                        "<model type='virtio'/></interface>");
    scene_add(scene, live, staged);
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene_plan(scene, "[host]\nthp.enabled = madvise\n");

    g_autoptr(json_t) drift = parse(kt_view_drift_json(scene->plan));

    g_assert_true(json_equal(json_object_get(drift, "drift"), json_object_get(drift, "actions")));
    json_t *pending = json_array_get(json_object_get(drift, "pending"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(pending, "target")), ==, "domain:p");
    g_assert_cmpstr(json_string_value(json_object_get(pending, "item")), ==, "nic 52:54:00:00:00:01");
    g_assert_cmpstr(json_string_value(json_object_get(pending, "live")), ==, "e1000");
    g_assert_cmpstr(json_string_value(json_object_get(pending, "staged")), ==, "virtio");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/plan-json/contract", test_contract);
    g_test_add_func("/view/plan-json/running", test_running_domain);
    g_test_add_func("/view/plan-json/threads", test_guest_threads);
    g_test_add_func("/view/plan-json/shut-off", test_shut_off_domain);
    g_test_add_func("/view/plan-json/actions", test_actions_and_refusals);
    g_test_add_func("/view/plan-json/numbers", test_numbers_stay_readable);
    g_test_add_func("/view/plan-json/drift", test_drift_and_pending);
    return g_test_run();
}
