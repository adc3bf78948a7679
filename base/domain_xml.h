/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"

/**
 * libvirt's domain XML: what kvm-tune reads of it, and the few edits it makes. Pure: text in, text out.
 * What isn't understood is carried through untouched. https://libvirt.org/formatdomain.html
 */

/** The longest XML that is read, bytes. */
#define KT_DOMAIN_XML_MAX (16 * 1024 * 1024)

/** The most disks, NICs or host devices of one domain; QEMU's buses have room for a few hundred. */
#define KT_DOMAIN_DEVICES_MAX 4096U

/** One explicit pin: <vcpupin vcpu= cpuset=>, <iothreadpin iothread= cpuset=>. */
typedef struct {
    guint id;
    KtCpuset *cpus;
} KtPinDef;

/** One <cell> of <cpu><numa>. */
typedef struct {
    guint id;
    KtCpuset *vcpus;
    guint64 memory_kib;
} KtCellDef;

/** One <memnode> of <numatune>. */
typedef struct {
    guint cell;
    char *mode;
    char *nodeset; /* as written */
} KtMemnodeDef;

/** One <page> of <memoryBacking><hugepages>. */
typedef struct {
    guint64 page_kib; /* 0 = the host's default size */
    KtCpuset *cells;  /* guest NUMA cells; NULL = all that no other names */
} KtPageDef;

/** One <disk>. Strings are as written, NULL where absent. */
typedef struct {
    char *target; /* "vda" */
    char *bus;    /* "virtio", "ide", … */
    char *device; /* "disk" (default), "cdrom", "floppy", "lun" */
    char *type;   /* "file", "block", "network", "volume", … */
    char *source; /* file, dev, name or volume; NULL when empty (no medium) */
    char *driver; /* "qemu" */
    char *format; /* driver type: "raw", "qcow2", … */
    char *cache;  /* libvirt's word; NULL = the hypervisor's default */
    char *io;
    char *discard;
    char *alias;
    char *address_type; /* <address type=>: "pci", "ccw", "drive", "virtio-mmio", …; NULL = libvirt will
                           choose */
    guint iothread;     /* 0 = none */
    bool readonly;
    bool shareable;
    bool transient_disk; /* <transient/> */
    bool mirror;         /* a block job copies this disk */
    bool chain_ends;     /* <backingStore/>, empty: libvirt knows that nothing is below this image */
} KtDiskDef;

/** One <interface>. */
typedef struct {
    char *mac;    /* lower case, "52:54:00:…" */
    char *type;   /* "network", "bridge", "user", "hostdev", "vhostuser", "vdpa", … */
    char *source; /* network, bridge or dev name */
    char *model;  /* "virtio", "e1000", …; NULL = the hypervisor's default */
    char *target; /* host-side device, "vnet0" */
    char *alias;
    guint queues; /* 0 = not given */
    guint boot_order;
} KtNicDef;

/** One PCI <hostdev>, or the PCI source of an <interface type='hostdev'>. */
typedef struct {
    char *address; /* "0000:3b:00.0" */
} KtHostdevDef;

/** What binds a domain to this host, or asks for another like it, besides its disks and NICs. */
typedef enum {
    KT_TIE_HOST_PCI,   /* name: its address, or NULL; not one that teams with a virtio NIC */
    KT_TIE_HOST_USB,   /* no name */
    KT_TIE_HOST_OTHER, /* another <hostdev>; name: its type, "scsi", "mdev" */
    KT_TIE_VIRTIOFS,   /* name: what the guest mounts */
    KT_TIE_9P,         /* name: the same */
    KT_TIE_SHMEM,      /* memory shared with others on this host; name: its */
    KT_TIE_NVDIMM,     /* name: the file behind it */
    KT_TIE_TPM,        /* the host's own TPM */
    KT_TIE_VIRGL,      /* 3D acceleration by the host */
    KT_TIE_ENCRYPTED,  /* memory that the host can't read; name: "sev", "s390-pv", "SGX" */
    KT_TIE_CPU,        /* the host's own CPU model; name: the mode */
    KT_TIE_INVTSC,     /* an invariant TSC of no given frequency */
    KT_TIE_KERNEL,     /* boots a kernel file of the host; name: its path */
} KtTieKind;

typedef struct {
    KtTieKind kind;
    char *name;
} KtTieDef;

/** What a definition says. Strings are NULL and numbers 0 where the XML has no word. */
typedef struct {
    char *type; /* "kvm", "qemu", … */
    char *name;
    char *uuid; /* lower case */
    char *title;
    char *arch;
    char *machine;
    char *os_id;            /* libosinfo's <os id=>, from metadata */
    guint vcpus;            /* the maximum, 1 where the XML has no word */
    KtCpuset *vcpus_online; /* by vCPU id: <vcpus>, or the first `current` */
    char *vcpu_placement;   /* "static", "auto" */
    KtCpuset *vcpu_cpuset;  /* <vcpu cpuset=>, or NULL */
    GPtrArray *vcpu_pins;   /* KtPinDef */
    KtCpuset *emulator_pin; /* or NULL */
    guint iothreads;
    KtCpuset *iothread_ids;              /* of <iothreadids>, the rest the lowest free ones from 1 on */
    GPtrArray *iothread_pins;            /* KtPinDef */
    guint64 shares;                      /* <cputune><shares>, 0 = none */
    guint sockets, dies, cores, threads; /* <cpu><topology>, 0 = none */
    GPtrArray *cells;                    /* KtCellDef */
    guint64 memory_kib;                  /* <memory> */
    guint64 current_memory_kib;
    char *numatune_mode; /* <numatune><memory mode=> */
    char *numatune_nodeset;
    GPtrArray *memnodes;  /* KtMemnodeDef */
    bool hugepages;       /* <memoryBacking><hugepages/> */
    guint64 hugepage_kib; /* first <page size=>, 0 = the host's default size */
    GPtrArray *pages;     /* KtPageDef; none = the host's default size for all */
    bool nosharepages;
    bool locked;
    char *memory_source;     /* <memoryBacking><source type=>: "memfd", "file", "anonymous" */
    char *memory_access;     /* "shared", "private" */
    char *memory_allocation; /* "immediate", "ondemand" */
    GPtrArray *disks;        /* KtDiskDef */
    GPtrArray *nics;         /* KtNicDef */
    GPtrArray *hostdevs;     /* KtHostdevDef */
    bool has_agent_channel;  /* a channel named org.qemu.guest_agent.0 */
    bool agent_connected;    /* live: the guest has opened it */
    GPtrArray *ties;         /* KtTieDef */
} KtDomainDef;

void kt_domain_def_free(KtDomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDomainDef, kt_domain_def_free)

/** Reads a definition. No network, no entities are expanded, at most KT_DOMAIN_XML_MAX. Errors: parse (not
 * XML, with line; not a <domain>; no name), never for what it doesn't understand. */
KtDomainDef *kt_domain_def_parse(const char *xml, GError **error);

void kt_memnode_def_free(KtMemnodeDef *memnode);

const KtDiskDef *kt_domain_def_find_disk(const KtDomainDef *def, const char *target);
/** The <memnode> of a guest cell, by its number; NULL = it has none. */
const KtMemnodeDef *kt_domain_def_find_memnode(const KtDomainDef *def, guint cell);
/** NULL also where several NICs have @mac: none of them can be addressed. */
const KtNicDef *kt_domain_def_find_nic(const KtDomainDef *def, const char *mac);
const KtPinDef *kt_domain_def_find_vcpu_pin(const KtDomainDef *def, guint vcpu);
const KtPinDef *kt_domain_def_find_iothread_pin(const KtDomainDef *def, guint iothread);

/** The places in a definition that kvm-tune edits. Names are kept in the journal: never renumber. */
typedef enum {
    KT_XML_NONE = 0,
    KT_XML_VCPU_PIN,      /* item "vcpu N", value a CPU list */
    KT_XML_EMULATOR_PIN,  /* item "emulator" */
    KT_XML_IOTHREAD_PIN,  /* item "iothread N" */
    KT_XML_DISK_CACHE,    /* item "disk vda", value libvirt's word */
    KT_XML_NIC_MODEL,     /* item "nic MAC" */
    KT_XML_SHARES,        /* item NULL: <cputune><shares>, value a number */
    KT_XML_NUMATUNE,      /* item NULL: <numatune><memory>, value "MODE NODESET": "strict 0-1" */
    KT_XML_HUGEPAGES,     /* item NULL: <memoryBacking><hugepages>, value "hugepages-2M", "hugepages-1G",
                             "hugepages-SKiB" for     other sizes, "hugepages" for the host's default size */
    KT_XML_NOSHAREPAGES,  /* item NULL: <memoryBacking><nosharepages/>, value "no" = it is there */
    KT_XML_DISK_IO,       /* item "disk vda" */
    KT_XML_DISK_DISCARD,  /* item "disk vda" */
    KT_XML_DISK_IOTHREAD, /* item "disk vda", value an IOThread's number */
    KT_XML_IOTHREADS,     /* item NULL: <iothreads>, value a number */
    KT_XML_NIC_QUEUES, /* item "nic MAC": <driver queues>, value a number; no backend is named: libvirt takes
                          vhost by itself where the host has it, and with a name refuses to start where it
                          doesn't */
    KT_XML_MEMNODE,    /* item "cell N" of the guest's: <numatune><memnode>, value as of KT_XML_NUMATUNE */
} KtXmlField;

/** Whether it is a pin: of a vCPU, the emulator or an IOThread. */
bool kt_xml_is_pin(KtXmlField field);

/** One edit; @value NULL removes the attribute or element. */
typedef struct {
    KtXmlField field;
    const char *item;
    const char *value;
} KtXmlEdit;

/** What the definition says at this place, NULL = nothing explicit. CPU lists in the kernel's normal form.
 * Errors: invalid, where the item isn't there. Owned. */
bool kt_domain_xml_get(const char *xml, KtXmlField field, const char *item, char **ret_value, GError **error);

/**
 * The definition with @edits made, everything else as it was. Elements that an edit needs are made in the
 * order and indentation that libvirt writes; a parent that an edit leaves empty (<cputune>, an attributeless
 * <driver>) goes too. Errors: parse, invalid (an item that isn't there). Owned.
 */
char *kt_domain_xml_edit(const char *xml, const KtXmlEdit *edits, guint n_edits, GError **error);
