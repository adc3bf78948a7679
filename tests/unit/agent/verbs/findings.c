/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/findings.h"

#include "tests/unit/fake_root.h"
#include "tests/unit/tuners/scene.h"

/* A host seen through a fake root, with these domains. */
static KtHost *
host_of(const FakeHost *fake, const Scene *scene)
{
    KtHost *host = g_new0(KtHost, 1);
    host->root = fake->root;
    host->snapshot = scene->snapshot;
    return host;
}

/* The one finding of this check, or NULL. Owned by @findings. */
static const KtFinding *
find(void (*check)(const KtHost *, GPtrArray *), const FakeHost *fake, const Scene *scene,
     GPtrArray *findings)
{
    g_autofree KtHost *host = host_of(fake, scene);
    g_ptr_array_set_size(findings, 0);
    check(host, findings);
    g_assert_cmpuint(findings->len, <=, 1);
    return findings->len > 0 ? findings->pdata[0] : NULL;
}

static void
test_cpu_flags(void)
{
    static const struct {
        const char *cpuinfo;
        KtFindingState state;
        const char *words;
    } cases[] = {
        {"processor\t: 0\nflags\t\t: fpu svm npt\n", KT_FINDING_OK, "svm"},
        {"processor\t: 0\nflags\t\t: fpu vmx ept\n", KT_FINDING_OK, "vmx"},
        /* vmx in another line, or as part of a word, is none */
        {"processor\t: 0\nflags\t\t: fpu novmx\nvmx flags\t: vnmi\n", KT_FINDING_BAD, "neither svm nor vmx"},
        {"processor\t: 0\nFeatures\t: fp asimd\n", KT_FINDING_OK, "not an x86 CPU"},
    };
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) fake =
            fake_host_new((const FakeFile[]){{"proc/cpuinfo", cases[i].cpuinfo}, {NULL, NULL}});
        const KtFinding *finding = find(kt_find_cpu_flags, fake, scene, findings);
        g_assert_cmpint(finding->state, ==, cases[i].state);
        g_assert_nonnull(strstr(finding->found, cases[i].words));
    }
    g_autoptr(FakeHost) empty = fake_host_new(NULL);
    g_assert_cmpint(find(kt_find_cpu_flags, empty, scene, findings)->state, ==, KT_FINDING_UNKNOWN);
    /* Not asked of a capture: its device is that of another host. */
    g_assert_null(find(kt_find_kvm_device, empty, scene, findings));
}

static void
test_kvm_module(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) amd = fake_host_new(
        (const FakeFile[]){{"sys/module/kvm/x", ""}, {"sys/module/kvm_amd/x", ""}, {NULL, NULL}});
    g_autoptr(FakeHost) none = fake_host_new((const FakeFile[]){{"sys/module/ext4/x", ""}, {NULL, NULL}});
    g_assert_cmpstr(find(kt_find_kvm_module, amd, scene, findings)->found, ==, "kvm_amd is loaded");
    const KtFinding *bad = find(kt_find_kvm_module, none, scene, findings);
    g_assert_cmpint(bad->state, ==, KT_FINDING_BAD);
    g_assert_nonnull(strstr(bad->mend, "modprobe"));
}

static void
test_emulated_domains(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    scene_add(scene, NULL, "<domain type='qemu'><name>slow</name></domain>");
    scene_add_guest(scene, "fast", 1, "", "");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) with = fake_host_new((const FakeFile[]){{"sys/module/kvm/x", ""}, {NULL, NULL}});
    g_autoptr(FakeHost) without = fake_host_new(NULL);
    g_assert_cmpstr(find(kt_find_emulated_domains, with, scene, findings)->found, ==, "slow");
    g_assert_null(find(kt_find_emulated_domains, without, scene, findings));
}

static void
test_guest_cpus(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_assert_cmpstr(find(kt_find_guest_cpus, fake, scene, findings)->found, ==, "all, 0-3");

    hwloc_bitmap_clr(scene->snapshot->topology->placeable, 3);
    g_assert_true(g_str_has_prefix(find(kt_find_guest_cpus, fake, scene, findings)->found, "0-2 of 0-3"));

    /* given a guest on two CPUs that the scheduler doesn't balance */
    hwloc_bitmap_set_range(scene->snapshot->topology->isolated, 1, 2);
    scene_add_guest(scene, "db", 1, "<cputune><vcpupin vcpu='0' cpuset='1-2'/></cputune>", "");
    const KtFinding *piled = find(kt_find_guest_cpus, fake, scene, findings);
    g_assert_cmpint(piled->state, ==, KT_FINDING_WARN);
    g_assert_cmpstr(piled->found, ==, "db may run on several of the isolated CPUs 1-2");
}

static void
test_guest_memory(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    KtNodeMemory node = {0, 1536 * 1024, 0};
    g_array_append_val(scene->snapshot->memory->nodes, node);
    scene_add_guest(scene, "a", 1, "", "");
    g_assert_cmpstr(find(kt_find_guest_memory, fake, scene, findings)->found, ==,
                    "running guests may take 1 GiB of 1.5 GiB");
    scene_add_guest(scene, "b", 1, "", "");
    const KtFinding *finding = find(kt_find_guest_memory, fake, scene, findings);
    g_assert_cmpint(finding->state, ==, KT_FINDING_WARN);
    /* The guests of a remote hypervisor don't take this host's memory. */
    scene->snapshot->host_is_local = false;
    g_assert_null(find(kt_find_guest_memory, fake, scene, findings));
}

static void
test_thp(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_assert_cmpint(find(kt_find_thp, fake, scene, findings)->state, ==, KT_FINDING_UNKNOWN);
    static const struct {
        const char *word;
        KtFindingState state;
    } cases[] = {{"always", KT_FINDING_OK}, {"madvise", KT_FINDING_OK}, {"never", KT_FINDING_WARN}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_free(scene->snapshot->memory->thp.enabled);
        scene->snapshot->memory->thp.enabled = g_strdup(cases[i].word);
        g_assert_cmpint(find(kt_find_thp, fake, scene, findings)->state, ==, cases[i].state);
    }
}

static void
test_ksm(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    KtKsm *ksm = &scene->snapshot->memory->ksm;
    g_assert_cmpint(find(kt_find_ksm, fake, scene, findings)->state, ==, KT_FINDING_UNKNOWN);
    ksm->run = 0;
    g_assert_cmpstr(find(kt_find_ksm, fake, scene, findings)->found, ==, "off");
    ksm->run = 1;
    ksm->pages_sharing = 262144;
    g_assert_cmpstr(find(kt_find_ksm, fake, scene, findings)->found, ==, "on, saves 1 GiB");
    ksm->general_profit = -1;
    g_assert_cmpint(find(kt_find_ksm, fake, scene, findings)->state, ==, KT_FINDING_WARN);
    ksm->general_profit = KT_ABSENT;
    ksm->pages_sharing = 0;
    /* Just started: too early to say. */
    ksm->full_scans = 2;
    g_assert_cmpint(find(kt_find_ksm, fake, scene, findings)->state, ==, KT_FINDING_OK);
    ksm->full_scans = 10;
    g_assert_cmpint(find(kt_find_ksm, fake, scene, findings)->state, ==, KT_FINDING_WARN);
}

static void
test_libvirt(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autofree KtHost *host = host_of(fake, scene);
    host->unanswered = (char *)"no socket";
    kt_find_libvirt(host, findings);
    const KtFinding *finding = findings->pdata[0];
    g_assert_cmpint(finding->state, ==, KT_FINDING_BAD);
    g_assert_cmpstr(finding->found, ==, "no socket");
    g_assert_true(kt_findings_differ(findings));
    scene->snapshot->libvirt = g_strdup("9.0.0");
    scene->snapshot->qemu = g_strdup("7.2.0");
    scene->snapshot->uri = g_strdup("qemu:///system");
    g_assert_cmpstr(find(kt_find_libvirt, fake, scene, findings)->found, ==,
                    "9.0.0 with QEMU 7.2.0, qemu:///system, 0 domains");
    g_assert_false(kt_findings_differ(findings));
}

static void
test_arm(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) arm = fake_host_new(
        (const FakeFile[]){{"proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n"}, {NULL, NULL}});
    g_assert_true(g_str_has_prefix(find(kt_find_cpu_flags, arm, scene, findings)->found, "Arm"));
}

/* Without an IOMMU only guests with a device passed through are in trouble. */
static void
test_iommu(void)
{
    static const char device[] =
        "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x3b' "
        "slot='0' function='0'/></source></hostdev>";
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) with =
        fake_host_new((const FakeFile[]){{"sys/class/iommu/ivhd0/name", "ivhd0"}, {NULL, NULL}});
    g_autoptr(FakeHost) without = fake_host_new((const FakeFile[]){
        {"sys/class/iommu/.none", ""}, {"proc/cpuinfo", "vendor_id\t: GenuineIntel\n"}, {NULL, NULL}});
    g_autofree char *none = g_build_filename(without->directory, "sys/class/iommu/.none", NULL);
    g_assert_cmpint(g_unlink(none), ==, 0);
    g_assert_true(g_str_has_prefix(find(kt_find_iommu, with, scene, findings)->found, "1 unit"));
    g_assert_cmpint(find(kt_find_iommu, without, scene, findings)->state, ==, KT_FINDING_OK);

    scene_add_guest(scene, "gpu", 1, "", device);
    const KtFinding *bad = find(kt_find_iommu, without, scene, findings);
    g_assert_cmpint(bad->state, ==, KT_FINDING_BAD);
    g_assert_nonnull(strstr(bad->mend, "intel_iommu=on"));
}

static void
test_cgroup(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) whole = fake_host_new(
        (const FakeFile[]){{"sys/fs/cgroup/cgroup.controllers", "cpuset cpu io"}, {NULL, NULL}});
    g_autoptr(FakeHost) poor =
        fake_host_new((const FakeFile[]){{"sys/fs/cgroup/cgroup.controllers", "cpuset io"}, {NULL, NULL}});
    g_assert_null(find(kt_find_cgroup, whole, scene, findings));
    scene->snapshot->cgroup->layout = KT_CGROUP_V2;
    scene->snapshot->cgroup->cpuset_mount = g_strdup("sys/fs/cgroup");
    g_assert_cmpstr(find(kt_find_cgroup, whole, scene, findings)->found, ==, "version 2 with cpuset and cpu");
    const KtFinding *weak = find(kt_find_cgroup, poor, scene, findings);
    g_assert_cmpint(weak->state, ==, KT_FINDING_WARN);
    g_assert_cmpstr(weak->found, ==, "version 2, without the controller cpu");
}

static void
add_pool(Scene *scene, gint64 total)
{
    KtPageSize size = {.page_kib = 2048, .total = total};
    g_array_set_size(scene->snapshot->pools->sizes, 0);
    g_array_append_val(scene->snapshot->pools->sizes, size);
    scene->snapshot->pools->default_kib = 2048;
}

static void
test_huge_page_pools(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    add_pool(scene, 0);
    /* nobody wants any */
    g_assert_null(find(kt_find_huge_page_pools, fake, scene, findings));

    scene_add_guest(scene, "huge", 1, "<memoryBacking><hugepages/></memoryBacking>", "");
    g_assert_nonnull(
        strstr(find(kt_find_huge_page_pools, fake, scene, findings)->mend, "mount -t hugetlbfs"));

    KtHugetlbMount *mount = g_new0(KtHugetlbMount, 1);
    mount->directory = g_strdup("/dev/hugepages");
    g_ptr_array_add(scene->snapshot->pools->mounts, mount);
    const KtFinding *empty = find(kt_find_huge_page_pools, fake, scene, findings);
    g_assert_cmpstr(empty->found, ==, "guests want 1 GiB in pages of 2 MiB, there are 0 KiB");
    g_assert_cmpstr(empty->mend, ==, "echo 512 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");

    add_pool(scene, 512);
    g_assert_cmpint(find(kt_find_huge_page_pools, fake, scene, findings)->state, ==, KT_FINDING_OK);
}

static void
test_memory_risks(void)
{
    g_autoptr(Scene) scene = scene_new("core:2 pu:1");
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_autoptr(FakeHost) never =
        fake_host_new((const FakeFile[]){{"proc/sys/vm/overcommit_memory", "2"}, {NULL, NULL}});
    g_autoptr(FakeHost) usual =
        fake_host_new((const FakeFile[]){{"proc/sys/vm/overcommit_memory", "0"}, {NULL, NULL}});
    g_assert_cmpint(find(kt_find_overcommit, never, scene, findings)->state, ==, KT_FINDING_WARN);
    g_assert_null(find(kt_find_overcommit, usual, scene, findings));

    scene->snapshot->memory->ksm.run = 1;
    scene->snapshot->memory->thp.enabled = g_strdup("madvise");
    g_assert_null(find(kt_find_huge_pages_and_ksm, usual, scene, findings));
    g_free(scene->snapshot->memory->thp.enabled);
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    g_assert_cmpint(find(kt_find_huge_pages_and_ksm, usual, scene, findings)->state, ==, KT_FINDING_WARN);
}

static void
test_isolated_cpus(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    g_assert_null(find(kt_find_isolated_cpus, fake, scene, findings));
    hwloc_bitmap_set_range(scene->snapshot->topology->isolated, 2, 3);
    scene_add_guest(scene, "rt", 1, "<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>", "");
    g_assert_cmpstr(find(kt_find_isolated_cpus, fake, scene, findings)->found, ==, "no guest is pinned to 3");
}

static void
test_definitions_that_fight_pins(void)
{
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    scene_add_guest(scene, "calm", 1, "<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>", "");
    g_assert_null(find(kt_find_automatic_placement, fake, scene, findings));
    g_assert_null(find(kt_find_contrary_pins, fake, scene, findings));

    scene_add(scene, NULL, "<domain type='kvm'><name>numad</name><vcpu placement='auto'>2</vcpu></domain>");
    scene_add(scene, NULL,
              "<domain type='kvm'><name>torn</name><vcpu cpuset='0-1'>1</vcpu>"
              "<cputune><vcpupin vcpu='0' cpuset='3'/></cputune></domain>");
    g_assert_nonnull(strstr(find(kt_find_automatic_placement, fake, scene, findings)->found, "numad"));
    g_assert_nonnull(strstr(find(kt_find_contrary_pins, fake, scene, findings)->found, ": torn"));
}

static void
see_image(Scene *scene, const char *path, KtAllocation allocation)
{
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup(path);
    image->format = g_strdup("qcow2");
    image->chain = g_ptr_array_new_with_free_func(g_free);
    image->allocation = allocation;
    g_hash_table_insert(scene->snapshot->images, image->path, image);
}

static void
test_images(void)
{
    static const char disks[] =
        "<disk type='file' device='disk'><source file='/i/a'/><target dev='vda'/></disk>"
        "<disk type='file' device='disk'><source file='/i/b'/><target dev='vdb'/></disk>";
    g_autoptr(Scene) scene = scene_new("core:4 pu:1");
    g_autoptr(FakeHost) fake = fake_host_new(NULL);
    g_autoptr(GPtrArray) findings = kt_findings_new();
    scene_add_guest(scene, "web", 1, "", disks);
    g_assert_null(find(kt_find_images, fake, scene, findings));
    scene->snapshot->images = kt_images_new();
    see_image(scene, "/i/a", KT_ALLOCATED_METADATA);
    see_image(scene, "/i/b", KT_ALLOCATED_SPARSE);
    g_assert_cmpstr(find(kt_find_images, fake, scene, findings)->found, ==,
                    "qcow2 without preallocation: web vdb");
}

static void
test_table(void)
{
    const KtStyle style = {.width = 80, .utf8 = true};
    g_autoptr(GPtrArray) findings = kt_findings_new();
    kt_finding_ok(findings, "KSM", "off");
    kt_finding_add(findings, "KVM module", KT_FINDING_BAD, "because", "modprobe kvm", "none");
    kt_finding_add(findings, "THP", KT_FINDING_UNKNOWN, NULL, NULL, "?");
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_findings(out, &style, findings);
    g_assert_cmpstr(out->str, ==,
                    "ok       KSM         off\n"
                    "bad      KVM module  none\n"
                    "         because\n"
                    "         → modprobe kvm\n"
                    "unknown  THP         ?\n"
                    "\n1 ok, 1 to mend, 1 unknown\n");
    g_autofree char *json = kt_view_findings_json(findings);
    g_assert_nonnull(strstr(json, "\"mend\": \"modprobe kvm\""));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verbs/findings/cpu-flags", test_cpu_flags);
    g_test_add_func("/verbs/findings/kvm-module", test_kvm_module);
    g_test_add_func("/verbs/findings/emulated", test_emulated_domains);
    g_test_add_func("/verbs/findings/guest-cpus", test_guest_cpus);
    g_test_add_func("/verbs/findings/guest-memory", test_guest_memory);
    g_test_add_func("/verbs/findings/thp", test_thp);
    g_test_add_func("/verbs/findings/ksm", test_ksm);
    g_test_add_func("/verbs/findings/libvirt", test_libvirt);
    g_test_add_func("/verbs/findings/arm", test_arm);
    g_test_add_func("/verbs/findings/iommu", test_iommu);
    g_test_add_func("/verbs/findings/cgroup", test_cgroup);
    g_test_add_func("/verbs/findings/huge-page-pools", test_huge_page_pools);
    g_test_add_func("/verbs/findings/memory-risks", test_memory_risks);
    g_test_add_func("/verbs/findings/isolated-cpus", test_isolated_cpus);
    g_test_add_func("/verbs/findings/definitions-that-fight-pins", test_definitions_that_fight_pins);
    g_test_add_func("/verbs/findings/images", test_images);
    g_test_add_func("/verbs/findings/table", test_table);
    return g_test_run();
}
