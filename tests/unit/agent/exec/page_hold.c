/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_hold.h"

#include "base/error.h"
#include "tests/unit/fake_root.h"

/* More than any host has. */
#define MUCH "4398046511104"

#define DOMAIN(memory, backing)                                                                              \
    "<domain type='kvm'><name>d</name><memory unit='KiB'>" memory "</memory><vcpu>1</vcpu>" backing          \
    "<os><type>hvm</type></os></domain>"
#define HUGE "<memoryBacking><hugepages><page size='2' unit='M'/></hugepages></memoryBacking>"

static const FakeFile files[] = {
    {"sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "48\n"},
    {"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "40\n"},
    {"sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "3\n"},
    {"proc/meminfo", "Hugepagesize: 2048 kB\n"},
    {NULL, NULL},
};

static KtPageHold *
take(const char *live_xml, const char *next_xml, GError **error)
{
    g_autoptr(FakeHost) host = fake_host_new(files);
    g_autoptr(KtDomainDef) live = kt_domain_def_parse(live_xml, error);
    g_autoptr(KtDomainDef) next = live ? kt_domain_def_parse(next_xml, error) : NULL;
    return next ? kt_page_hold_take(host->root, live, next, error) : NULL;
}

/* What is needed and what is there, in one line; nothing stays held. */
static void
test_too_few(void)
{
    g_autoptr(GError) error = NULL;

    g_autoptr(KtPageHold) hold = take(DOMAIN(MUCH, ""), DOMAIN(MUCH, HUGE), &error);

    g_assert_null(hold);
    g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
    g_assert_cmpstr(error->message, ==,
                    "it needs 2147483648 huge pages of 2048 KiB, and they can't be set aside for it: 37 are "
                    "free on this host");
}

/* A guest that goes onto ordinary pages, or has the same huge pages already: they come free with it. */
static void
test_none_needed(void)
{
    static const char *const pairs[][2] = {
        {DOMAIN(MUCH, HUGE), DOMAIN(MUCH, "")},
        {DOMAIN(MUCH, HUGE), DOMAIN(MUCH, HUGE)},
        {DOMAIN(MUCH, ""), DOMAIN(MUCH, "")},
    };
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(KtPageHold) hold = take(pairs[i][0], pairs[i][1], &error);
        g_assert_no_error(error);
        g_assert_nonnull(hold);
    }
}

/* As many, but bound to a node now: those that it has may lie elsewhere. */
static void
test_other_node(void)
{
    g_autoptr(GError) error = NULL;

    g_autoptr(KtPageHold) hold =
        take(DOMAIN(MUCH, HUGE),
             DOMAIN(MUCH, HUGE "<numatune><memory mode='strict' nodeset='0'/></numatune>"), &error);

    g_assert_null(hold);
    g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "2048 KiB of node 0, "));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/exec/page_hold/too-few", test_too_few);
    g_test_add_func("/agent/exec/page_hold/none-needed", test_none_needed);
    g_test_add_func("/agent/exec/page_hold/other-node", test_other_node);
    return g_test_run();
}
