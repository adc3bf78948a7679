/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/section.h"

#include <string.h>

static KtProfileContents *
read_text(const char *text, KtIni **ret_ini, GPtrArray *diagnostics)
{
    *ret_ini = kt_ini_parse("x.conf", text, strlen(text), diagnostics);
    return kt_profile_contents_read(*ret_ini, diagnostics);
}

static void
test_contents(void)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(KtIni) ini = NULL;
    g_autoptr(KtProfileContents) contents = read_text("[profile]\n"
                                                      "summary = A b c\n"
                                                      "inherit = balanced\n"
                                                      "[host]\n"
                                                      "ksm.sleep = 20ms\n"
                                                      "[domain db-* \"my guest\" title:x]\n"
                                                      "  disk.cache = none\n"
                                                      "disk.cache[vdb] = writeback\n"
                                                      "nic.model[52:54:00:AA:bb:CC] = virtio\n"
                                                      "[host]\n"
                                                      "ksm.sleep = keep\n",
                                                      &ini, diagnostics);

    g_assert_cmpuint(diagnostics->len, ==, 0);
    g_assert_cmpstr(contents->summary, ==, "A b c");
    g_assert_cmpstr(contents->inherit->value, ==, "balanced");
    g_assert_cmpuint(contents->sections->len, ==, 3);

    const KtProfileSection *domain = contents->sections->pdata[1];
    g_assert_cmpint(domain->scope, ==, KT_SCOPE_DOMAIN);
    g_assert_cmpuint(domain->patterns->len, ==, 3);
    g_assert_cmpstr(((const KtPattern *)domain->patterns->pdata[1])->glob, ==, "my guest");
    const KtValue *cache = domain->values->pdata[0], *vdb = domain->values->pdata[1];
    const KtValue *nic = domain->values->pdata[2];
    g_assert_null(cache->item);
    g_assert_cmpstr(cache->source, ==, "x.conf:7:3");
    g_assert_cmpstr(vdb->item, ==, "vdb");
    g_assert_cmpstr(vdb->source, ==, "x.conf:8:1");
    g_assert_cmpstr(nic->item, ==, "52:54:00:aa:bb:cc");

    const KtProfileSection *again = contents->sections->pdata[2];
    g_assert_true(kt_value_is(again->values->pdata[0], KT_KEEP));
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *message; /* what the first diagnostic begins with */
        const char *suggestion;
    } cases[] = {
        {"[hots]\n", "x.conf:1:2: 'hots' is no section: [profile], [host] or [domain PATTERN…]", "host"},
        {"[nonsense]\nx = 1\n", "x.conf:1:2: 'nonsense' is no section", NULL},
        {"[host db]\n", "x.conf:1:7: [host] takes no pattern, not 'db'", NULL},
        {"[profile x]\n", "x.conf:1:10: [profile] takes no pattern, not 'x'", NULL},
        {"[domain]\ncpu.smt = auto\n", "x.conf:1:1: [domain] needs a pattern; [domain *] is all domains",
         NULL},
        {"[domain a \"\"]\n", "x.conf:1:11: the pattern '' is empty", NULL},
        {"[domain title:]\n", "x.conf:1:9: the pattern 'title:' is empty", NULL},
        {"[domain a uuid:12]\n", "x.conf:1:11: '12' is no UUID", NULL},
        {"[domain \"a b]\n", "x.conf:1:9: ", NULL},
        {"[host]\n thp.enabeld = never\n", "x.conf:2:2: [host] has no setting 'thp.enabeld'", "thp.enabled"},
        {"[host]\nfrobnicate = 1\n", "x.conf:2:1: [host] has no setting 'frobnicate'", NULL},
        {"[host]\ncpu.placement = numa\n", "x.conf:2:1: 'cpu.placement' is a domain setting, this is [host]",
         NULL},
        {"[domain *]\nksm.mode = on\n", "x.conf:2:1: 'ksm.mode' is a host setting, this is [domain]", NULL},
        {"[host]\ninherit = balanced\n", "x.conf:2:1: 'inherit' is a word of [profile], this is [host]",
         NULL},
        {"[profile]\nksm.mode = on\n", "x.conf:2:1: 'ksm.mode' is a host setting, this is [profile]", NULL},
        {"[profile]\ninherits = x\n", "x.conf:2:1: [profile] has no setting 'inherits'", "inherit"},
        {"[profile]\ninherit[a] = x\n", "x.conf:2:9: 'inherit' takes no item, not 'a'", NULL},
        {"[profile]\ninherit =\n", "x.conf:2:10: inherit takes one profile's name, or a path", NULL},
        {"[profile]\ninherit = a b\n", "x.conf:2:12: inherit takes one profile's name, or a path", NULL},
        {"[host]\nthp.enabled = alwyas\n", "x.conf:2:15: thp.enabled: 'alwyas' is none of its values",
         "always"},
        {"[host]\nksm.sleep = 20 m\n", "x.conf:2:16: ksm.sleep: 'm' is no unit of it", NULL},
        {"[host]\nhousekeeping=0-3,z\n", "x.conf:2:18: housekeeping: ", NULL},
        {"[host]\nthp.enabled[x] = never\n", "x.conf:2:13: 'thp.enabled' takes no item, not 'x'", NULL},
        {"[domain *]\ncpu.smt[vda] = auto\n", "x.conf:2:9: 'cpu.smt' takes no item, not 'vda'", NULL},
        {"[domain *]\ndisk.cache[ ] = none\n", "x.conf:2:12: 'disk.cache' takes one disk's target", NULL},
        {"[domain *]\ndisk.cache[vda vdb] = none\n",
         "x.conf:2:12: 'disk.cache' takes one disk's target, such as [vdb], not 'vda vdb'", NULL},
        {"[domain *]\nnic.model[eth0] = virtio\n", "x.conf:2:11: 'nic.model' takes one NIC's MAC", NULL},
        {"[domain *]\ndisk.cache[a] = none\ndisk.cache[a] = none\n",
         "x.conf:3:1: 'disk.cache[a]' again in this section: line 2 has it already", NULL},
        {"[domain *]\nnic.model[52:54:00:00:00:0a] = virtio\nnic.model[52:54:00:00:00:0A] = virtio\n",
         "x.conf:3:1: 'nic.model[52:54:00:00:00:0a]' again in this section: line 2 has it already", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        g_autoptr(KtIni) ini = NULL;
        g_autoptr(KtProfileContents) contents = read_text(cases[i].text, &ini, diagnostics);
        g_assert_nonnull(contents);
        g_assert_cmpuint(diagnostics->len, ==, 1);
        const KtDiagnostic *diagnostic = diagnostics->pdata[0];
        g_autofree char *shown = kt_diagnostic_format(diagnostic);
        if (!g_str_has_prefix(shown, cases[i].message))
            g_error("wanted '%s', got '%s'", cases[i].message, shown);
        g_assert_cmpstr(diagnostic->suggestion, ==, cases[i].suggestion);
    }
}

/* All errors of a file are shown, in its order; what is right is read all the same. */
static void
test_all_errors(void)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_autoptr(KtIni) ini = NULL;
    g_autoptr(KtProfileContents) contents = read_text("[host]\n"
                                                      "thp.enabled = sometimes\n"
                                                      "ksm.max-cpu = 200%\n"
                                                      "ksm.mode = on\n"
                                                      "[domain *]\n"
                                                      "disk.cache[!] = fast\n",
                                                      &ini, diagnostics);

    static const guint places[][2] = {{2, 15}, {3, 15}, {6, 12}, {6, 17}};
    g_assert_cmpuint(diagnostics->len, ==, G_N_ELEMENTS(places));
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        const KtDiagnostic *diagnostic = diagnostics->pdata[i];
        g_assert_cmpuint(diagnostic->line, ==, places[i][0]);
        g_assert_cmpuint(diagnostic->column, ==, places[i][1]);
    }
    const KtProfileSection *host = contents->sections->pdata[0];
    g_assert_cmpuint(host->values->len, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/section/contents", test_contents);
    g_test_add_func("/section/errors", test_errors);
    g_test_add_func("/section/all-errors", test_all_errors);
    return g_test_run();
}
