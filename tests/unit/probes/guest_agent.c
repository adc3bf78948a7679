/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/guest_agent.h"

static void
test_os(void)
{
    static const struct {
        KtAgentOs os;
        const char *text, *evidence;
    } samples[] = {
        {{"debian", "Debian GNU/Linux 12 (bookworm)", "6.1.0-13-amd64",
          "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1"},
         "Debian GNU/Linux 12 (bookworm), Linux 6.1.0-13-amd64",
         "its agent says that it runs Debian GNU/Linux 12 (bookworm), Linux 6.1.0-13-amd64, which drives virtio "
         "NICs by itself"},
        /* Without /etc/os-release. */
        {{NULL, NULL, "6.1.0-56-amd64", "#1 SMP"},
         "Linux 6.1.0-56-amd64",
         "its agent says that it runs Linux 6.1.0-56-amd64, which drives virtio NICs by itself"},
        /* CentOS 5 had it, others of that age hadn't. */
        {{"centos", NULL, "2.6.18-8.el5", "#1 SMP Thu Mar 15 2007"}, "centos, Linux 2.6.18-8.el5", NULL},
        {{"freebsd", "FreeBSD 13.1-RELEASE", "13.1-RELEASE", "FreeBSD 13.1-RELEASE releng/13.1"},
         "FreeBSD 13.1-RELEASE",
         NULL},
        {{"mswindows", "Windows 10 Pro", "19041", "10.0"}, "Windows 10 Pro", NULL},
        {{"debian", NULL, NULL, NULL}, "debian", NULL},
        {{NULL, NULL, NULL, NULL}, NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autofree char *text = kt_agent_os_text(&samples[i].os);
        g_autofree char *evidence = kt_agent_os_evidence(&samples[i].os);
        g_assert_cmpstr(text, ==, samples[i].text);
        g_assert_cmpstr(evidence, ==, samples[i].evidence);
        g_assert_true(kt_agent_os_is_windows(&samples[i].os) ==
                      (g_strcmp0(samples[i].os.id, "mswindows") == 0));
    }
}

#define DEVICE(driver, vendor, device)                                                                       \
    "{\"driver-name\":\"" driver                                                                             \
    "\",\"driver-date\":1600000000000000000,\"driver-version\":\"100.85.104.1\","                            \
    "\"id\":{\"type\":\"pci\",\"vendor-id\":" vendor ",\"device-id\":" device "}}"

static void
test_devices(void)
{
    static const struct {
        const char *answer, *evidence;
    } samples[] = {
        {"{\"return\":[" DEVICE("Red Hat VirtIO SCSI controller", "6900",
                                "4097") "," DEVICE("Red Hat VirtIO Ethernet Adapter", "6900", "4096") "]}",
         "its agent lists the driver 'Red Hat VirtIO Ethernet Adapter' at work"},
        {"{\"return\":[" DEVICE("Red Hat VirtIO Ethernet Adapter", "6900", "4161") "]}",
         "its agent lists the driver 'Red Hat VirtIO Ethernet Adapter' at work"},
        /* Disks, balloon and serial ports prove nothing. */
        {"{\"return\":[" DEVICE("VirtIO Balloon Driver", "6900", "4098") "]}", ""},
        {"{\"return\":[" DEVICE("Something", "32902", "4096") "]}", ""},
        /* A device without a driver. */
        {"{\"return\":[" DEVICE("", "6900", "4096") "]}", ""},
        {"{\"return\":[{\"driver-name\":\"VirtIO Ethernet\"}]}", ""},
        {"{\"return\":[{\"driver-name\":7,\"id\":[]},null,3]}", ""},
        {"{\"return\":[]}", ""},
        {"{\"return\":{}}", NULL},
        {"{\"error\":{\"class\":\"CommandNotFound\"}}", NULL},
        {"[]", NULL},
        {"{\"return\":[", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_test_message("%s", samples[i].answer);
        g_autofree char *evidence = kt_agent_devices_evidence(samples[i].answer);
        g_assert_cmpstr(evidence, ==, samples[i].evidence);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-agent/os", test_os);
    g_test_add_func("/guest-agent/devices", test_devices);
    return g_test_run();
}
