/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/options.h"

#define LEFT 24 /* columns of the left side */

const KtOptionHelp kt_option_helps[] = {
    {0, "-c, --connect URI", "the hypervisor; default as virsh for root: qemu:///system"},
    {KT_TAKES_CAPTURE, "--capture DIR", "look at a capture instead of this host"},
    {KT_TAKES_DOMAIN, "--domain GLOB",
     "only these domains (may be given several times); the host and the others stay as they are"},
    {KT_TAKES_YES, "-y, --yes", "do it without asking"},
    {KT_TAKES_HOST, "--host", "what is manual of the host itself"},
    {KT_TAKES_PERSIST, "--persist", "and have the daemon keep this profile, after the next boot too"},
    {KT_TAKES_XML_DIR, "--xml-dir DIR", "write each definition that would change to DIR, whole"},
    {KT_TAKES_ALL, "--all", "undo every run: back to before kvm-tune first touched anything"},
    {KT_TAKES_WHY, "--why", "where else each running domain could sit, and what that would cost"},
    {KT_TAKES_METRICS, "--metrics ADDRESS",
     "tell figures to Prometheus at 127.0.0.1:PORT, [::1]:PORT or unix:/PATH; default: nowhere"},
    {KT_TAKES_BENCH, "--workload W",
     "what to measure: a name or a path; may be given again; without it all are listed"},
    {KT_TAKES_PROVE, "--prove W",
     "measure with this workload, and keep only what makes nothing worse; may be given again"},
    {KT_TAKES_BENCH | KT_TAKES_PROVE, "--measure GLOB",
     "measure only these domains of those that are tuned; may be given again"},
    {KT_TAKES_BENCH | KT_TAKES_PROVE, "--blocks N", "measure so many blocks of four runs; default 8"},
    {KT_TAKES_BENCH | KT_TAKES_PROVE, "--restart",
     "power-cycle guests between the arms, for what only a power cycle brings"},
    {KT_TAKES_BENCH | KT_TAKES_PROVE, "--seed N", "of the arms' order, to repeat one"},
    {KT_TAKES_REPORT, "--html FILE", "write it as one self-contained page"},
    {KT_TAKES_REPORT, "--markdown", "as a table in Markdown"},
    {KT_TAKES_REPORT, "--csv", "every run, a line each"},
    {KT_TAKES_REPORT, "--compare", "two benchmarks side by side: numbers, or files of report --json"},
    {0, "--json", "one JSON object on stdout"},
    {0, "--color WHEN", "auto, always, never"},
    {0, "-v, --verbose", "say more; plan: draw who sits where now and then; apply, rollback: tell each step"},
    {0, "-q, --quiet",
     "print only what went wrong, the exit code tells the rest; status, explain, profile list: names only"},
    {0, "--state-dir DIR", "where the record of all runs is; default " KT_STATE_DIRECTORY},
    {0, "-h, --help", "this, or with a verb what it does"},
    {0, NULL, NULL},
};

bool
kt_option_fits(const KtOptionHelp *help, guint takes)
{
    return help->takes == 0 || (help->takes & takes);
}

static void
print_line(GString *out, const KtStyle *style, const char *left, const char *right)
{
    g_string_append(out, "  ");
    kt_pad(out, style, KT_INK_PLAIN, left, LEFT - 2);
    if (kt_columns(left) >= LEFT - 2)
        g_string_append_printf(out, "\n%*s", LEFT, "");
    kt_wrap(out, style, KT_INK_DIM, LEFT, LEFT, right);
}

/* @takes: of one verb; all for the general help. */
static void
print_options(GString *out, const KtStyle *style, guint takes)
{
    kt_ink(out, style, KT_INK_HEADING, "\nOptions\n");
    for (const KtOptionHelp *help = kt_option_helps; help->option; help++) {
        if (kt_option_fits(help, takes))
            print_line(out, style, help->option, help->words);
    }
}

static void
print_exits(GString *out, const KtStyle *style)
{
    kt_ink(out, style, KT_INK_HEADING, "\nExit code\n");
    print_line(out, style, "0", "done; nothing differs");
    print_line(out, style, "1", "error; what the run had done was undone");
    print_line(out, style, "2", "plan has changes, verify found drift, check found something to mend");
    print_line(out, style, "3", "done in part: the summary says which part");
    print_line(
        out, style, "4",
        "refused: another run is under way, not allowed, or nobody to ask; with --prove: nothing was kept");
}

char *
kt_help(const KtStyle *style, const KtVerb *verbs)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_ink(out, style, KT_INK_HEADING, "kvm-tune VERB [OPTIONS]\n");
    kt_wrap(out, style, KT_INK_PLAIN, 0, 0,
            "Tunes this Linux host and its KVM guests to a profile: shows every change before it is made, "
            "stages what "
            "can't be done live, and can undo all of it.");
    kt_ink(out, style, KT_INK_HEADING, "\nVerbs\n");
    for (; verbs->name; verbs++) {
        g_autofree char *left = g_strdup_printf("%s %s", verbs->name, verbs->arguments);
        print_line(out, style, left, verbs->summary);
    }
    print_options(out, style, ~0U);
    print_exits(out, style);
    g_string_append(out, "\nkvm-tune VERB --help says more of one; kvm-tune(8), kvm-tune-profile(5).\n");
    return g_strdup(out->str);
}

char *
kt_help_of(const KtStyle *style, const KtVerb *verb)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_ink(out, style, KT_INK_HEADING, "kvm-tune %s%s%s [OPTIONS]\n", verb->name, *verb->arguments ? " " : "",
           verb->arguments);
    kt_wrap(out, style, KT_INK_PLAIN, 0, 0, verb->details);
    print_options(out, style, verb->takes);
    return g_strdup(out->str);
}
