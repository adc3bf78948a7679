/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare/load.h"
#include "probes/hypervisor.h"

static char *
attribute_at(xmlXPathContextPtr context, const char *path)
{
    xmlXPathObjectPtr found = xmlXPathEval(BAD_CAST path, context);
    xmlChar *text = found ? xmlXPathCastToString(found) : NULL;
    char *copy = text && *text ? g_strdup((const char *)text) : NULL;
    xmlFree(text);
    xmlXPathFreeObject(found);
    return copy;
}

/* The socket or terminal of the guest's first serial console, on this host. */
static bool
find_console(virDomainPtr domain, char **ret_socket, char **ret_terminal, GError **error)
{
    const char *name = virDomainGetName(domain);
    char *xml = virDomainGetXMLDesc(domain, 0);
    if (xml == NULL) {
        kt_hypervisor_set_error(error, "%s", name);
        return false;
    }
    xmlDocPtr document =
        xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    *ret_socket = attribute_at(context, "string(/domain/devices/serial[@type='unix'][1]/source/@path)");
    *ret_terminal = attribute_at(context, "string(/domain/devices/serial[@type='pty'][1]/source/@path)");
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
    free(xml);
    if (*ret_socket || *ret_terminal)
        return true;
    g_set_error(
        error, KT_ERROR, KT_ERROR_UNSUPPORTED,
        "%s has no serial console on a terminal or socket: add one, or use a workload for the guest agent",
        virDomainGetName(domain));
    return false;
}

static int
open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int kept = errno;
        close(fd);
        errno = kept;
        return -1;
    }
    return fd;
}

static int
open_terminal(const char *path)
{
    struct termios how;
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && tcgetattr(fd, &how) == 0) {
        cfmakeraw(&how);
        tcsetattr(fd, TCSANOW, &how);
    }
    return fd;
}

static bool
send_line(int fd, const char *line)
{
    /* The line feed before it ends what may be left unfinished. */
    g_autofree char *text = g_strdup_printf("\n%s\n", line);
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

char *
kt_load_in_serial(const KtWorkload *workload, const char *line, const char *until, virDomainPtr domain,
                  GCancellable *cancel, GError **error)
{
    g_autofree char *socket_path = NULL;
    g_autofree char *terminal = NULL;
    g_autoptr(GRegex) end = g_regex_new(until, G_REGEX_MULTILINE | G_REGEX_RAW, 0, error);
    g_auto(KtPrinted) printed = {-1, -1, 0, g_string_new(NULL), g_string_new(NULL)};
    if (end == NULL || !find_console(domain, &socket_path, &terminal, error))
        return NULL;
    int fd = printed.out_fd = socket_path ? open_socket(socket_path) : open_terminal(terminal);
    bool done = fd >= 0 && send_line(fd, line);
    if (!done)
        kt_set_error_errno(error, errno, "%s: the serial console %s", virDomainGetName(domain),
                           socket_path ? socket_path : terminal);
    done = done && kt_load_read(workload, &printed, end, cancel, error);
    if (fd >= 0)
        close(fd);
    return done ? g_strdup(printed.out->str) : NULL;
}
