/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"
#include "tests/unit/tuners/seating_rules.h"

#define HOST "pack:2 [numa] l3:2 core:4 pu:2" /* 32 CPUs, 16 a node */

/* Where the memory of two cells is, by cell and node: as it comes, and crosswise. */
static const bool straight[] = {true, false, false, true};
static const bool crosswise[] = {false, true, true, false};

/* A guest of two cells, the first of them with @n_first of its vCPUs. */
static KtSeatDomain *
add_guest(Case *it, guint n_vcpus, guint n_first, bool exclusive, const bool *cell_nodes)
{
    KtSeatDomain *domain = case_add(it, "big", n_vcpus, "0-31");
    domain->exclusive = exclusive;
    domain->cell_nodes = cell_nodes;
    for (guint i = 0; i < n_vcpus; i++)
        case_vcpus(domain)[i].cell = i >= n_first;
    return domain;
}

/* All vCPUs of each cell are on one node, the first cell's on @node. */
static void
assert_first_cell(const Case *it, const KtPlacement *placement, guint node)
{
    for (guint i = 0; i < it->domains[0].n_vcpus; i++) {
        guint wanted = it->domains[0].vcpus[i].cell == 0 ? node : 1 - node;
        g_assert_true(
            hwloc_bitmap_isincluded(placement->seats[0].vcpus[i], it->topology->nodes[wanted].cpus));
    }
}

static void
test_cells_are_at_their_memory(void)
{
    for (guint exclusive = 0; exclusive < 2; exclusive++) {
        for (guint cross = 0; cross < 2; cross++) {
            g_autoptr(Case) it = case_new(HOST);
            add_guest(it, 4, 2, exclusive, cross ? crosswise : straight);
            g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
            rules_check(it, placement);
            assert_first_cell(it, placement, cross);
            case_carry_out(it, placement);
            g_autoptr(KtPlacement) second = kt_placement_solve(case_problem(it));
            g_assert_cmpuint(case_moves(it, second), ==, 0);
        }
    }
}

static void
test_cells_of_unlike_sizes(void)
{
    for (guint exclusive = 0; exclusive < 2; exclusive++) {
        for (guint cross = 0; cross < 2; cross++) {
            g_autoptr(Case) it = case_new(HOST);
            add_guest(it, 6, 2, exclusive, cross ? crosswise : straight);
            g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
            rules_check(it, placement);
            assert_first_cell(it, placement, cross);
        }
    }
}

/* Of two cells only one has a word of its own. */
static void
test_one_cell_is_known(void)
{
    static const bool nodes[] = {false, false, true, false};
    g_autoptr(Case) it = case_new(HOST);
    add_guest(it, 4, 2, true, nodes);
    g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
    assert_first_cell(it, placement, 1);
}

static void
test_when_it_starts(void)
{
    for (guint cross = 0; cross < 2; cross++) {
        g_autoptr(Case) it = case_new(HOST);
        add_guest(it, 4, 2, true, cross ? crosswise : straight);
        g_autoptr(KtPlacement) placement = kt_placement_adjust(case_problem(it), 0, 2);
        assert_first_cell(it, placement, cross);
    }
}

/* What costs as much is all that is exchanged: moves cost, and the memory of the guest as a whole counts. */
static void
test_only_at_no_cost(void)
{
    g_autoptr(Case) it = case_new(HOST);
    KtSeatDomain *domain = add_guest(it, 4, 2, true, straight);
    g_autoptr(KtPlacement) placement = kt_placement_solve(case_problem(it));
    case_carry_out(it, placement);
    domain->cell_nodes = crosswise;
    g_autoptr(KtPlacement) second = kt_placement_solve(case_problem(it));
    g_assert_cmpuint(case_moves(it, second), ==, 0);
    assert_first_cell(it, second, 0);
}

/* ---- from the definition ---- */

#define CELLS                                                                                                \
    "<cpu><numa><cell id='0' cpus='0' memory='524288' unit='KiB'/>"                                          \
    "<cell id='1' cpus='1' memory='524288' unit='KiB'/></numa></cpu>"
#define MEMNODES(one, other)                                                                                 \
    "<numatune><memnode cellid='0' mode='preferred' nodeset='" one                                           \
    "'/><memnode cellid='1' mode='preferred' nodeset='" other "'/></numatune>"
#define PROFILE "[domain *]\ncpu.placement = numa\n"

static const struct {
    const char *rest, *first, *second;
} defined[] = {
    {CELLS MEMNODES("0", "1"), "0-1", "2-3"},
    {CELLS MEMNODES("1", "0"), "2-3", "0-1"},
};

static void
test_running(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(defined); i++) {
        g_autoptr(Scene) scene = scene_new("node:2 core:2 pu:1");
        scene_add_guest(scene, "g", 2, defined[i].rest, "");
        scene_plan(scene, PROFILE);
        scene_expect(scene, "g", "cpu.placement", "vcpu 0", KT_WHEN_NOW, "0-3", defined[i].first);
        scene_expect(scene, "g", "cpu.placement", "vcpu 1", KT_WHEN_NOW, "0-3", defined[i].second);
    }
}

static void
test_booting(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(defined); i++) {
        g_autoptr(Scene) scene = scene_new("node:2 core:2 pu:1");
        g_autofree char *xml = scene_xml("g", 2, defined[i].rest, "");
        scene_add(scene, NULL, xml)->autostart = true;
        scene_plan(scene, PROFILE);
        scene_expect(scene, "g", "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT, NULL, defined[i].first);
        scene_expect(scene, "g", "cpu.placement", "vcpu 1", KT_WHEN_NEXT_BOOT, NULL, defined[i].second);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placement-cells/memory", test_cells_are_at_their_memory);
    g_test_add_func("/placement-cells/unlike", test_cells_of_unlike_sizes);
    g_test_add_func("/placement-cells/one-known", test_one_cell_is_known);
    g_test_add_func("/placement-cells/starts", test_when_it_starts);
    g_test_add_func("/placement-cells/at-no-cost", test_only_at_no_cost);
    g_test_add_func("/placement-cells/running", test_running);
    g_test_add_func("/placement-cells/booting", test_booting);
    return g_test_run();
}
