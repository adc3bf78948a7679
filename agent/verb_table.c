/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verb_table.h"

#include "agent/daemon/daemon.h"

/* For the manual page of a verb. */
#define EXAMPLES(...) ((const KtExample[]){__VA_ARGS__, {NULL, NULL}})

const KtVerb kt_verbs[] = {
    {
        .name = "check",
        .arguments = "",
        .summary = "is this host fit to run KVM well",
        .details =
            "Looks at everything that running guests well depends on: the CPU and KVM, libvirt, networks, "
            "control groups, the CPUs and memory that guests may use, huge pages, KSM, other tuners, the "
            "guests' own definitions and images. For what isn't right it says why it matters and which "
            "command mends it. Changes nothing. Exit code 2 where there is something to mend.",
        .takes = KT_TAKES_CAPTURE,
        .examples = EXAMPLES(
            {"kvm-tune check", "what is wrong on this host"},
            {"kvm-tune check --json | jq -r '.findings[].mend // empty'", "just the commands that mend it"}),
        .run = kt_verb_check,
    },
    {
        .name = "status",
        .arguments = "[DOMAIN...]",
        .summary = "the topology with who sits where, memory, and each domain",
        .details =
            "Draws the host's CPUs by the caches they share, with the domains that sit on them, and lists "
            "each domain's pins, memory, disks, NICs, how long its vCPUs wait for a CPU, and what waits for "
            "a power cycle. DOMAIN is a name, a glob or a UUID. A domain that is shut off takes one line "
            "unless it is named. With --why also the seats that each running domain could have instead, all "
            "others staying: the difference in points of cost, and what it is made of.",
        .most = G_MAXUINT,
        .takes = KT_TAKES_CAPTURE | KT_TAKES_WHY,
        .examples = EXAMPLES({"kvm-tune status", "the whole host on a page"},
                             {"kvm-tune status 'db-*'", "the databases alone"},
                             {"kvm-tune status --why db-1", "why it sits there, and not elsewhere"}),
        .run = kt_verb_status,
    },
    {
        .name = "recommend",
        .arguments = "",
        .summary = "write a profile for this host and these domains",
        .details =
            "Prints a profile that suits this host and the domains that it has now, each line with its reason "
            "above it, and after that what it does not recommend, and why. Nothing in it would be refused. It "
            "is a start to be read and changed: it can't know which of the guests matter most.",
        .takes = KT_TAKES_CAPTURE,
        .examples = EXAMPLES({"kvm-tune recommend > ours.conf", "keep it, read it, change it"},
                             {"kvm-tune plan ./ours.conf", "and see what it would do"}),
        .run = kt_verb_recommend,
    },
    {
        .name = "explain",
        .arguments = "[SETTING]",
        .summary = "what a setting means, its values and risk; or all settings",
        .details =
            "Says of one setting what it does, which values it takes, what counts when no profile names it, "
            "when it takes effect, what may go wrong, where its advice differs from the common manuals and "
            "why, and the source; of host settings also the present value. Without SETTING it lists all.",
        .most = 1,
        .takes = KT_TAKES_CAPTURE,
        .examples = EXAMPLES({"kvm-tune explain cpu.smt", "why two vCPUs get two cores, not two threads"},
                             {"kvm-tune explain", "all settings and their values"}),
        .run = kt_verb_explain,
    },
    {
        .name = "plan",
        .arguments = "PROFILE",
        .summary = "what apply would do; changes nothing",
        .details =
            "Compares this host and its domains with PROFILE and shows each change that apply would make: old "
            "and new value, when it takes effect, why, and the line of the profile that asks for it; what it "
            "refuses, and the way out; and the cost of the CPU placement before and after. Exit code 2 where "
            "there is something to change. PROFILE is a name ('kvm-tune profile list') or a path.",
        .least = 1,
        .most = 1,
        .takes = KT_TAKES_CAPTURE | KT_TAKES_DOMAIN | KT_TAKES_XML_DIR,
        .examples = EXAMPLES({"kvm-tune plan -v balanced", "what a shipped profile would change, drawn too"},
                             {"kvm-tune plan latency --capture /tmp/other", "the same for a host far away"}),
        .run = kt_verb_plan,
    },
    {
        .name = "apply",
        .arguments = "PROFILE",
        .summary = "show the plan, ask, do it, read it back",
        .details =
            "Makes the plan, shows it, asks, and carries it out step by step. Each step is recorded before it "
            "is done and read back after; a value that somebody changed meanwhile is left alone, and a failure "
            "undoes what this run had done. What a running guest can't take is staged for its next power-on. "
            "'kvm-tune rollback' undoes it all. With --persist the daemon keeps the profile from then on, at once "
            "where it runs, else as soon as it is started. With --prove the guests are measured before and after, in "
            "turns as bench does it; what makes a figure worse is rolled back. Where there is more than one kind of "
            "change (cpu, memory, disk, nic, thp, ksm …) each is then measured alone, on top of those that were "
            "kept. Exit code 3 where some was rolled back, 4 where all was; with --persist the daemon is given what "
            "was kept.",
        .least = 1,
        .most = 1,
        .takes = KT_TAKES_DOMAIN | KT_TAKES_YES | KT_TAKES_PERSIST | KT_TAKES_PROVE,
        .examples = EXAMPLES({"kvm-tune apply balanced", "asks first"},
                             {"kvm-tune apply balanced --domain 'db-*'", "for the databases alone"},
                             {"kvm-tune apply balanced --persist", "and from now on"},
                             {"kvm-tune apply latency --domain db-1 --prove timer --prove memory",
                              "keep only what doesn't hurt"}),
        .run = kt_verb_apply,
    },
    {
        .name = "verify",
        .arguments = "PROFILE",
        .summary = "what isn't as the profile wants it, with both values",
        .details =
            "Lists every setting that differs from PROFILE, with the value that is there and the one that is "
            "wanted, and apart from that what waits for a power cycle. Exit code 2 where something differs.",
        .least = 1,
        .most = 1,
        .takes = KT_TAKES_CAPTURE | KT_TAKES_DOMAIN,
        .examples =
            EXAMPLES({"kvm-tune verify -q balanced || logger -p daemon.warning 'KVM settings drifted'",
                      "from a timer"}),
        .run = kt_verb_verify,
    },
    {
        .name = "rollback",
        .arguments = "[RUN]",
        .summary = "undo the newest run, or RUN and all later ones",
        .details =
            "Puts back what the newest run that isn't undone yet had changed; with RUN what that and all later "
            "runs changed, newest first; with --all what any run changed. Shows it and asks first. What "
            "somebody changed since is left alone and named. A run that was interrupted, by a power failure "
            "too, is undone the same way.",
        .most = 1,
        .takes = KT_TAKES_YES | KT_TAKES_ALL,
        .examples = EXAMPLES({"kvm-tune rollback", "as it was before the newest run"},
                             {"kvm-tune rollback --all", "as it was before the first"}),
        .run = kt_verb_rollback,
    },
    {
        .name = "history",
        .arguments = "[RUN]",
        .summary = "past runs, or the changes of one",
        .details =
            "Lists the runs of apply and rollback, newest first; with RUN each of its changes, and what became "
            "of it.",
        .most = 1,
        .examples = EXAMPLES({"kvm-tune history", "all runs"}, {"kvm-tune history 3", "what run 3 changed"}),
        .run = kt_verb_history,
    },
    {
        .name = "daemon",
        .arguments = "[PROFILE]",
        .summary = "keep a profile true while guests come and go",
        .details =
            "Applies PROFILE, or the one that 'kvm-tune apply --persist' has named, and again whenever "
            "something changes: a guest starts or stops, gets a CPU or a device, is defined anew or moves; "
            "every ten minutes it looks at everything. Each run is in the history and can be undone. "
            "Stays in the foreground and runs until SIGTERM, which leaves the tuning as it is; SIGHUP has it "
            "read the profile again. Without libvirt it keeps what needs no guest, and waits for libvirt. With "
            "'ksm.mode = auto' it governs KSM by what that saves for its CPU time; at its end the kernel's advisor "
            "goes on.",
        .most = 1,
        .takes = KT_TAKES_METRICS,
        .examples = EXAMPLES({"kvm-tune daemon", "as the service does"},
                             {"kvm-tune daemon -v ./ours.conf", "to see each look that it takes"}),
        .run = kt_verb_daemon,
    },
    {
        .name = "reload",
        .arguments = "",
        .summary = "have the daemon read its profile again",
        .details =
            "The new profile is checked first: where something is wrong with it each mistake is reported, and "
            "the daemon goes on with the profile that it had.",
        .examples = EXAMPLES({"kvm-tune reload", "after the profile was changed"}),
        .run = kt_verb_reload,
    },
    {
        .name = "release",
        .arguments = "[DOMAIN...]",
        .summary = "give what is manual back to the daemon",
        .details =
            "What somebody changed after kvm-tune had set it, or rolled back while the daemon was at work, is manual: "
            "the daemon leaves it alone, and 'kvm-tune status' shows it. This gives back all that is manual of "
            "DOMAIN, a name or a UUID, or with --host of the host itself: the profile counts for it again, at once "
            "where the daemon runs. Applying a profile by hand gives back what it sets.",
        .most = G_MAXUINT,
        .takes = KT_TAKES_HOST,
        .examples = EXAMPLES({"kvm-tune release db-1", "after a trial with virsh vcpupin"},
                             {"kvm-tune release --host", "after one in /sys"}),
        .run = kt_verb_release,
    },
    {
        .name = "bench",
        .arguments = "PROFILE",
        .summary = "measure guests with and without a profile",
        .details =
            "Runs workloads with the guests as they are and with PROFILE applied, in turns: blocks of four runs in "
            "the order ABBA or BAAB by chance, so that a drift of the machine cancels. Says of each figure what the "
            "profile brought, how sure that is, and where nothing was seen what would have been. The profile is "
            "applied and rolled back as apply and rollback do it, and the host ends as it began, also when it is "
            "interrupted; after kill -9 'kvm-tune rollback' mends it. Each workload is tried before anything is "
            "changed; later a run that fails is repeated, and where that doesn't help the workload is given up on that "
            "guest (exit code 3). What only a power cycle brings is measured with --restart, which powers guests off "
            "and on. Each workload runs on each running domain, with --domain on those, and then only they are tuned, "
            "with --measure on those while all are. Workloads are shipped ones, those in /etc/kvm-tune/workloads, or "
            "a path to a file; without --workload all are listed.",
        .least = 0,
        .most = 1,
        .takes = KT_TAKES_DOMAIN | KT_TAKES_YES | KT_TAKES_BENCH,
        .examples = EXAMPLES({"kvm-tune bench latency --domain db-1 --workload timer --workload memory",
                              "does it help that guest?"},
                             {"kvm-tune bench", "which workloads there are"}),
        .run = kt_verb_bench,
    },
    {
        .name = "report",
        .arguments = "[BENCHMARK] | --compare ONE OTHER",
        .summary = "what a benchmark showed",
        .details =
            "Shows the newest benchmark, or BENCHMARK: its number, or a file that report --json wrote. On the "
            "terminal, with --html as one page with drawings by gnuplot where that is installed, as Markdown, CSV of "
            "every run, or JSON. --compare puts two side by side: other hosts, kernels, profiles.",
        .most = 2,
        .takes = KT_TAKES_REPORT,
        .examples = EXAMPLES({"kvm-tune report --html report.html", "the newest one, to be shown around"},
                             {"kvm-tune report --compare here.json there.json", "two hosts"}),
        .run = kt_verb_report,
    },
    {
        .name = "profile",
        .arguments = "list | show P | check P",
        .summary = "the profiles there are; one with what it inherits; is it right",
        .details =
            "list: the shipped profiles and those in /etc/kvm-tune/profiles. show: one with all that it "
            "inherits, flattened, each value with where it is written. check: every mistake in it, with line "
            "and column.",
        .least = 1,
        .most = 2,
        .takes = KT_TAKES_CAPTURE,
        .examples = EXAMPLES({"kvm-tune profile show latency", "what it comes to, with what it inherits"},
                             {"kvm-tune profile check ./ours.conf", "before it is used"}),
        .run = kt_verb_profile,
    },
    {
        .name = "capture",
        .arguments = "DIR",
        .summary = "save what the probes see, to plan elsewhere",
        .details =
            "Writes to DIR, which must be new or empty, the topology, the definitions of all domains (without "
            "passwords) and the files of /sys and /proc that a plan is made from: for planning on another "
            "machine with --capture DIR, for bug reports and for tests.",
        .least = 1,
        .most = 1,
        .examples = EXAMPLES({"kvm-tune capture /tmp/other", "on the host in question"},
                             {"kvm-tune status --capture /tmp/other", "where the directory was copied to"}),
        .run = kt_verb_capture,
    },
    {0},
};
