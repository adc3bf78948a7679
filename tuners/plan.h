/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/domain_xml.h"
#include "probes/snapshot.h"
#include "profiles/settings.h"
#include "tuners/cost.h"
#include "tuners/ksm_governor.h"
#include "tuners/placement.h"

/** When a change takes effect, in growing disruption. */
typedef enum { KT_WHEN_NOW, KT_WHEN_PAUSE, KT_WHEN_REPLUG, KT_WHEN_RESTART, KT_WHEN_NEXT_BOOT } KtWhen;

/** What may go wrong: nothing; slower for a while; the guest notices; data. */
typedef enum { KT_RISK_NONE, KT_RISK_LOW, KT_RISK_MEDIUM, KT_RISK_HIGH } KtRisk;

/** Kinds of step; each has a row in the executor's table. Their names are kept in the journal. */
typedef enum {
    KT_STEP_SYSFS,     /* one value of a file below /sys or /proc/sys */
    KT_STEP_DEFINE,    /* one define of a domain's persistent definition, for all that is staged of it */
    KT_STEP_PIN,       /* the live affinity of threads of one domain */
    KT_STEP_WEIGHT,    /* the live CPU weight of one domain */
    KT_STEP_PAGES,     /* memory of one running domain moves to other nodes */
    KT_STEP_KSM_MERGE, /* merge_across_nodes, by the safe procedure */
    KT_STEP_SERVICES,  /* the CPUs of a group of host services */
    KT_STEP_PAUSE,     /* a running domain is saved, its image edited, and resumed */
    KT_STEP_REPLUG,    /* NICs of a running domain are unplugged and plugged in as they are staged */
    KT_STEP_RESTART,   /* a domain is shut down and started */
    KT_N_STEP_KINDS,
} KtStepKind;

/** One difference that the user sees. */
typedef struct {
    guint id;    /* from 1, in the plan's order */
    gint domain; /* index into the snapshot's domains, -1 = host */
    const KtSetting *setting;
    char *item; /* "vcpu 0", "emulator", "disk vda", "nic MAC", "node 0", or NULL */
    char *from; /* as users read it; NULL = absent */
    char *to;
    KtWhen when;
    KtRisk risk;
    char *reason;    /* one line */
    char *source;    /* "x.conf:14:1" */
    KtStepKind kind; /* how it is carried out: */
    char *path;     /* host steps: the file, relative to the root; of KT_STEP_SERVICES under systemd the unit,
                     * see tuners/services.h */
    char *raw_from; /* its text, where it differs from `from` (NULL: the same) */
    char *raw_to;
    KtXmlField field; /* KT_STEP_DEFINE: the place in the XML */
} KtAction;

/** Something that the profile wants and that is not done. */
typedef struct {
    gint domain; /* -1 = host */
    const KtSetting *setting;
    char *item;
    char *reason; /* why, and the way out */
    char *source;
} KtRefusal;

/** A staged value that the running domain will only have after it was powered off and on. */
typedef struct {
    const KtSetting *setting;
    char *item;
    char *live; /* NULL = absent */
    char *staged;
} KtPending;

/** What a live migration meets: something that stops it, or that the destination needs. */
typedef enum { KT_MIGRATION_STOPS, KT_MIGRATION_NEEDS } KtMigrationWeight;

/** When it does: what is staged, by this plan or from before, changes it with the next power cycle. */
typedef enum {
    KT_MIGRATION_ALWAYS,
    KT_MIGRATION_UNTIL_NEXT_BOOT,
    KT_MIGRATION_FROM_NEXT_BOOT
} KtMigrationTime;

/** One such thing. */
typedef struct {
    KtMigrationWeight weight;
    KtMigrationTime time;
    bool planned; /* an action of this plan brings it about */
    char *reason; /* one line: a sentence, or of KT_MIGRATION_NEEDS what is needed */
} KtMigrationReason;

/** What the plan says of one domain, acted upon or not. */
typedef struct {
    GPtrArray *notes;   /* char * */
    GPtrArray *pending; /* KtPending */
    GPtrArray *actions; /* KtAction, borrowed from the plan, as they were added */
    bool carried; /* transient, and its section allows that what others have staged is brought to it now */
    char *memory_stays; /* why memory that should move to other nodes now doesn't; NULL = it does, or is there
                         */
    char *memory_at;    /* the nodes that it stays on */
    gint64 pause_usec;  /* how long it is expected to stand still for this plan; 0 = not at all */
    gint seat;          /* index into the placement, -1 = not active */
    gint boot_seat;     /* index into that of KtPlan.boot, -1 = it doesn't start by itself */
    KtCpuset *emulator; /* after the plan; NULL = not active */
    GPtrArray *iothreads; /* KtIoThread after the plan */
    bool migratable; /* it could migrate live after the plan, as it runs now; shut off: as it would start */
    GPtrArray *migration; /* KtMigrationReason */
} KtDomainPlan;

/** One unit of execution. It carries one or more actions: indices into KtPlan.actions. */
typedef struct {
    KtStepKind kind;
    gint domain;
    GArray *actions; /* guint */
} KtStep;

/** The account of memory by node, tuners/ledger.h. */
typedef struct KtLedger KtLedger;

/** Where shut-off domains that start by themselves boot, tuners/seats.h. */
typedef struct KtBootSeats KtBootSeats;

/** Filled by the tuners in their order, const for everybody after. */
typedef struct {
    const KtSnapshot *snapshot;
    GPtrArray *actions;    /* KtAction */
    GPtrArray *refused;    /* KtRefusal */
    GPtrArray *steps;      /* KtStep, in the order of execution */
    KtDomainPlan *domains; /* one for each of the snapshot's */
    guint n_domains;
    guint restart_parallel; /* how many guests may be away at once */
    KtCpuset *housekeeping;
    KtPlacementProblem *problem; /* of all active domains; owns its arrays */
    KtPlacement *placement;
    KtBootSeats *boot;  /* of those that start by themselves; NULL = there are none */
    KtLedger *ledger;   /* from the memory tuner on */
    KtCost cost;        /* after the plan */
    KtCost cost_before; /* of the present placement, for the same wishes */
    bool governs_ksm;   /* the daemon's governor is to set KSM's knobs, by ksm_wish */
    KtKsmWish ksm_wish;
} KtPlan;

void kt_plan_free(KtPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPlan, kt_plan_free)

KtPlan *kt_plan_new(const KtSnapshot *snapshot);

/** Names as in the JSON contract: "now", "next-boot"; "none"; "sysfs". */
const char *kt_when_name(KtWhen when);
const char *kt_risk_name(KtRisk risk);
const char *kt_step_kind_name(KtStepKind kind);
/** "stops", "needs"; "always", "until-next-boot", "from-next-boot". */
const char *kt_migration_weight_name(KtMigrationWeight weight);
const char *kt_migration_time_name(KtMigrationTime time);

void kt_migration_reason_free(KtMigrationReason *reason);

/**
 * Adds a copy-free action: strings in @action are taken over. Its id is the next one until kt_plan_order().
 * Nothing is added, and false returned, when from and to are equal.
 */
bool kt_plan_add(KtPlan *plan, KtAction action);

/** What this plan stages at that place of a domain's definition, or NULL. */
const KtAction *kt_plan_find_edit(const KtPlan *plan, guint domain, KtXmlField field, const char *item);

/** Adds a refusal; the reason is formatted. */
void kt_plan_refuse(KtPlan *plan, gint domain, const KtValue *value, const char *item, const char *format,
                    ...) G_GNUC_PRINTF(5, 6);

/** Adds a note to a domain; a note already there isn't repeated. */
void kt_plan_note(KtPlan *plan, gint domain, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * Whether what is staged of this domain takes effect at a next boot; else that is refused for @value and
 * @item: a transient domain has none, and a managed-save image resumes its old settings (safety rule 8).
 */
bool kt_plan_may_stage(KtPlan *plan, gint domain, const KtValue *value, const char *item);

/** As kt_plan_may_stage(), of what a pause or a replug can bring: a transient domain that is `carried` may
 * get it. It is staged in its live definition then, as far as this plan goes. */
bool kt_plan_may_carry(KtPlan *plan, gint domain, const KtValue *value, const char *item);

/** Whether this host's own settings may be changed; else that is refused for @value (safety rule 14). */
bool kt_plan_may_touch_host(KtPlan *plan, const KtValue *value);

/** Brings actions and refusals into their final order, host first, then by domain, each in the tuners' order,
 * and numbers the actions. */
void kt_plan_order(KtPlan *plan);

/**
 * Groups the actions into steps: staged definitions before live changes of the same domain, host steps first,
 * all else in the actions' order.
 */
void kt_plan_group_steps(KtPlan *plan);
