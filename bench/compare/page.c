/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/page.h"

#include <string.h>

#include "agent/view/ink.h"
#include "agent/view/json.h"
#include "base/diagnostic.h"
#include "bench/compare/about.h"

#define SHELL_PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,=@%"

static const char style[] =
    ":root{color-scheme:light dark;--line:#d0d7de;--dim:#57606a;--good:#116329;--bad:#a40e26;"
    "--warn:#7d4e00;--page:#fff;--ink:#1f2328}"
    "@media(prefers-color-scheme:dark){:root{--line:#3d444d;--dim:#9198a1;--good:#56d364;--bad:#ff7b72;"
    "--warn:#e3b341;--page:#0d1117;--ink:#e6edf3}}"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}h1{font-size:1.6rem}"
    "h2{font-size:1.2rem;margin-top:2rem}.answer{font-size:1.2rem;font-weight:600}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}"
    "thead th{color:var(--dim);font-weight:500;white-space:nowrap}tbody th{font-weight:600}"
    ".better b{color:var(--good)}.worse b{color:var(--bad)}.noisy b,.few b{color:var(--warn)}"
    "figure{margin:1rem 0;break-inside:avoid}figcaption{color:var(--dim);overflow-wrap:anywhere}"
    ".remark{border-left:.25rem solid var(--warn);padding-left:.75rem}"
    ".note{color:var(--dim);font-size:.9em}.group{color:var(--dim);padding-top:.8rem}"
    "svg{display:block;width:100%;max-width:40rem;height:auto}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);padding:.6rem}"
    ".figure,.value{white-space:nowrap}"
    ".many{display:grid;grid-template-columns:repeat(auto-fill,minmax(24rem,1fr));column-gap:1.5rem}"
    "@media screen and (max-width:52rem){thead{display:none}"
    "tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}"
    "th,td{display:inline-block;border:0;padding:.1rem .6rem .1rem 0}.figure,.why{display:block}"
    ".many{display:block}.from::after{content:' \\2192'}}"
    "@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--line:#bbb;--dim:#444;--good:#060;"
    "--bad:#900;--warn:#640}body{font-size:9.5pt}.many{grid-template-columns:1fr 1fr}"
    "main{max-width:none;padding:0}tr{break-inside:avoid}h2,h2+p{break-after:avoid}}";

static void G_GNUC_PRINTF(2, 0) add_escaped(GString *out, const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);
    g_autofree char *safe = kt_printable(text);
    g_autofree char *markup = g_markup_escape_text(safe, -1);
    g_autoptr(GString) escaped = g_string_new(markup);
    g_string_replace(escaped, " %", "&nbsp;%", 0); /* no line ends between a figure and its unit */
    g_string_append(out, escaped->str);
}

void
kt_page_text(GString *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_escaped(out, format, args);
    va_end(args);
}

void
kt_page_cell(GString *out, const char *tag, const char *format, ...)
{
    va_list args;
    g_string_append_printf(out, "<%s>", tag);
    va_start(args, format);
    add_escaped(out, format, args);
    va_end(args);
    g_string_append_printf(out, "</%.2s>", tag);
}

void
kt_page_begin(GString *out, const char *profile)
{
    g_string_append(out,
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                    "'unsafe-inline'\">\n<title>kvm-tune: ");
    kt_page_text(out, "%s", profile);
    g_string_append_printf(out, "</title>\n<style>%s</style></head>\n<body><main>\n<h1>Does ", style);
    kt_page_text(out, "‘%s’ help?", profile);
    g_string_append(out, "</h1>\n");
}

/* Each value once: that it is staged for the next power cycle as well is left out. */
static void
add_changes(GString *out, json_t *about)
{
    json_t *actions = json_object_get(json_object_get(about, "plan"), "actions");
    g_string_append(
        out, "<h2>The changes that were measured</h2>\n<div class=\"wide\"><table><thead><tr><th>what</th>"
             "<th>setting</th><th>as it was</th><th>with the profile</th><th>why</th></tr></thead><tbody>\n");
    for (gsize i = 0; i < json_array_size(actions); i++) {
        json_t *action = json_array_get(actions, i);
        const char *item = kt_about_text(action, "item"), *from = kt_about_text(action, "from");
        if (kt_about_change(about, i) != KT_CHANGE_MEASURED)
            continue;
        g_string_append(out, "<tr>");
        kt_page_cell(out, "th", "%s", kt_about_target(action));
        kt_page_cell(out, "td", "%s%s%s", kt_about_text(action, "setting"), *item ? " " : "", item);
        kt_page_cell(out, "td class=\"from\"", "%s", *from ? from : "not set");
        kt_page_cell(out, "td", "%s", kt_about_text(action, "to"));
        kt_page_cell(out, "td", "%s", kt_about_text(action, "reason"));
        g_string_append(out, "</tr>\n");
    }
    g_string_append(out, "</tbody></table></div>\n");
}

static char *
count_of(json_t *json, const char *key, const char *one, const char *many)
{
    return kt_count((guint64)json_integer_value(json_object_get(json, key)), one, many);
}

static void
add_machine(GString *out, json_t *about)
{
    json_t *host = json_object_get(about, "host"), *domains = json_object_get(about, "domains");
    json_t *seen = json_object_get(json_object_get(about, "plan"), "host");
    g_autofree char *cpus = count_of(seen, "cpus", "CPU", "CPUs");
    g_autofree char *cores = count_of(seen, "cores", "core", "cores");
    g_autofree char *nodes = count_of(seen, "numa_nodes", "memory node", "memory nodes");
    const char *model = kt_about_text(host, "cpu");
    g_string_append(out, "<h2>Where</h2>\n<p>");
    kt_page_text(out, "Host: %s%s%s, %s, %s, %s, Linux %s, libvirt %s, QEMU %s.", model, *model ? ", " : "",
                 cpus, cores, nodes, kt_about_text(host, "machine"), kt_about_text(host, "kernel"),
                 kt_about_text(host, "libvirt"), kt_about_text(host, "qemu"));
    g_string_append(out, "</p>\n<ul>\n");
    for (gsize i = 0; i < json_array_size(domains); i++) {
        json_t *domain = json_array_get(domains, i);
        const char *os = kt_about_text(domain, "os");
        g_autofree char *vcpus = count_of(domain, "vcpus", "vCPU", "vCPUs");
        g_string_append(out, "<li>");
        kt_page_text(out, "%s: %s, %s, %d MiB%s%s", kt_about_text(domain, "name"),
                     g_str_equal(kt_about_text(domain, "type"), "kvm") ? "KVM" : "emulated, without KVM",
                     vcpus, (int)(json_integer_value(json_object_get(domain, "memory_kib")) / 1024),
                     *os ? ", " : "", os);
        g_string_append(out, "</li>\n");
    }
    g_string_append(out, "</ul>\n");
}

/* In quotes only where a shell would take it for something else. Owned. */
static char *
shell_word(const char *text)
{
    bool plain = *text && strspn(text, SHELL_PLAIN) == strlen(text);
    return plain ? g_strdup(text) : g_shell_quote(text);
}

static void
add_globs(GString *out, const char *option, json_t *globs)
{
    for (gsize i = 0; i < json_array_size(globs); i++) {
        const char *text = json_string_value(json_array_get(globs, i));
        g_autofree char *glob = shell_word(text ? text : "");
        kt_page_text(out, " %s %s", option, glob);
    }
}

/* A command that can be typed again. */
static void
add_repeat(GString *out, json_t *about, const KtBenchmark *benchmark)
{
    json_t *workloads = json_object_get(about, "workloads");
    g_autofree char *profile = shell_word(benchmark->profile);
    g_string_append(out, "<h2>How to do it again</h2>\n<pre>");
    kt_page_text(out, "kvm-tune bench %s", profile);
    for (gsize i = 0; i < json_array_size(workloads); i++) {
        json_t *workload = json_array_get(workloads, i);
        const char *given =
            kt_about_text(workload, "given"); /* a report of an older version has only its name */
        g_autofree char *name = shell_word(*given ? given : kt_about_text(workload, "name"));
        kt_page_text(out, " --workload %s", name);
    }
    add_globs(out, "--domain", json_object_get(about, "chosen"));
    add_globs(out, "--measure", json_object_get(about, "measured"));
    kt_page_text(out, " --blocks %u --seed %u%s", benchmark->n_blocks, benchmark->seed,
                 json_is_true(json_object_get(about, "restart")) ? " --restart" : "");
    g_string_append(out, "</pre>\n");
}

void
kt_page_about(GString *out, const KtBenchmark *benchmark)
{
    g_autoptr(json_t) about = json_loads(benchmark->about, 0, NULL);
    add_changes(out, about);
    add_machine(out, about);
    add_repeat(out, about, benchmark);
}
