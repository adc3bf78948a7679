/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"

/**
 * The one table of settings (design section 5): the profile parser, the tuners, explain, the man page and
 * completion all read it.
 */

typedef enum {
    KT_SETTING_THP_ENABLED,
    KT_SETTING_THP_DEFRAG,
    KT_SETTING_THP_SHMEM,
    KT_SETTING_KSM_MODE,
    KT_SETTING_KSM_PAGES_TO_SCAN,
    KT_SETTING_KSM_SLEEP,
    KT_SETTING_KSM_MAX_CPU,
    KT_SETTING_KSM_MERGE_ACROSS_NODES,
    KT_SETTING_HUGEPAGES_2M,
    KT_SETTING_HUGEPAGES_1G,
    KT_SETTING_MEMORY_RESERVE,
    KT_SETTING_HOUSEKEEPING,
    KT_SETTING_SERVICES,
    KT_SETTING_NUMA_BALANCING,
    KT_SETTING_HALT_POLL,
    KT_SETTING_CONTESTED,
    KT_SETTING_CPU_PLACEMENT,
    KT_SETTING_CPU_EXCLUSIVE,
    KT_SETTING_CPU_SMT,
    KT_SETTING_CPU_KIND,
    KT_SETTING_CPU_EMULATOR,
    KT_SETTING_CPU_IOTHREADS,
    KT_SETTING_CPU_WEIGHT,
    KT_SETTING_PRIORITY,
    KT_SETTING_MOVE_THRESHOLD,
    KT_SETTING_MEMORY_NUMA,
    KT_SETTING_MEMORY_BACKING,
    KT_SETTING_MEMORY_KSM,
    KT_SETTING_DISK_CACHE,
    KT_SETTING_DISK_IO,
    KT_SETTING_DISK_DISCARD,
    KT_SETTING_DISK_IOTHREADS,
    KT_SETTING_NIC_MODEL,
    KT_SETTING_NIC_QUEUES,
    KT_SETTING_GUEST_VIRTIO,
    KT_SETTING_DISRUPTION,
    KT_SETTING_MAX_PAUSE,
    KT_SETTING_RESTART_WINDOW,
    KT_SETTING_RESTART_PARALLEL,
    KT_N_SETTINGS,
} KtSettingId;

typedef enum { KT_SCOPE_HOST, KT_SCOPE_DOMAIN } KtScope;

/** What "[item]" after a key names. */
typedef enum { KT_ITEM_NONE, KT_ITEM_DISK, KT_ITEM_NIC } KtItemKind;

/** What a value may be besides one of the setting's words. */
typedef enum {
    KT_VALUE_WORD_ONLY,
    KT_VALUE_BOOL,    /* yes, no → number 1, 0 */
    KT_VALUE_NUMBER,  /* decimal */
    KT_VALUE_TIME,    /* us, ms, s → number in µs */
    KT_VALUE_PERCENT, /* → number */
    KT_VALUE_SIZE,    /* KiB, MiB, GiB → number in KiB */
    KT_VALUE_CPUS,    /* kernel CPU list → set */
    KT_VALUE_NODES,   /* kernel node list → set */
    KT_VALUE_POOL,    /* "COUNT", or "NODE:COUNT …" → pools */
    KT_VALUE_WINDOW,  /* "Sun 02:00-05:00": checked, kept as text */
} KtValueKind;

typedef struct {
    KtSettingId id;
    KtScope scope;
    const char *key; /* "thp.enabled" */
    KtItemKind item;
    const char *const *words; /* NULL-terminated, or NULL */
    KtValueKind kind;
    gint64 least, most;       /* of number (or a pool's counts), in its unit; equal = any not negative */
    const char *takes_effect; /* "now", "next-boot", … for people */
    const char *default_text; /* what counts when no section names it */
    const char *meaning;      /* one or two sentences */
    const char *risk;         /* what may go wrong, in a sentence; NULL = nothing */
    const char *manuals; /* where this advice differs from the common manuals', and why; NULL = it doesn't */
    const char *source;  /* kernel document, libvirt page, measurement */
} KtSetting;

/** By id. */
const KtSetting *kt_setting(KtSettingId id);

/** By key, or NULL. */
const KtSetting *kt_setting_find(KtScope scope, const char *key);

/** All keys of a scope, NULL-terminated, in the table's order: for nearest words. Owned array, borrowed
 * strings. */
const char **kt_setting_keys(KtScope scope);

/** What @setting takes, for people: "auto, none, a CPU list such as 0-3,8". Owned. */
char *kt_setting_values(const KtSetting *setting);

/** The word that every setting takes besides its own: it un-names what an inherited profile says. */
#define KT_KEEP "keep"

/** Pages wanted of one node. */
typedef struct {
    gint node; /* kernel's number, -1 = all of the host together */
    guint64 count;
} KtPoolWish;

/** One value that a profile gives. */
typedef struct {
    const KtSetting *setting;
    char *item;        /* "vdb", "52:54:00:…", or NULL = all */
    char *text;        /* as written */
    const char *word;  /* one of the setting's words, borrowed from the table; NULL = another kind */
    gint64 number;     /* bool, number, µs, percent, KiB; 0 where it is a word */
    KtCpuset *set;     /* CPUs or nodes, or NULL */
    GArray *pools;     /* KtPoolWish, or NULL */
    char *source;      /* "FILE:LINE:COLUMN" */
    bool exact_domain; /* its section names nothing but single domains: names or UUIDs without wildcards */
} KtValue;

void kt_value_free(KtValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtValue, kt_value_free)

/** Whether the value is this word. NULL is no value: false. */
bool kt_value_is(const KtValue *value, const char *word);

/** What the profile says, for messages: "max-pause = 2s (balanced.conf:14)". Owned. */
char *kt_value_told(const KtValue *value);

/** Where it says so, as people read it: "balanced.conf:14" of "/etc/…/balanced.conf:14:1". Owned. */
char *kt_source_name(const char *source);

/**
 * Reads @text as a value of @setting. Errors: parse, invalid; the message names the text and what would be
 * right;
 * *@ret_suggestion (may be NULL) is the nearest known word, borrowed. @ret_offset (may be NULL): characters
 * from the start of @text to the wrong part.
 */
KtValue *kt_value_parse(const KtSetting *setting, const char *text, const char **ret_suggestion,
                        guint *ret_offset, GError **error);
