/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/cost_weights.h"
#include "tuners/placement_room.h"

/**
 * A placement in the making: who sits where, and what that costs, kept up to date by every change of one vCPU
 * or one unit. Private to the placement engine.
 */

/** vCPUs of one hall that had one set before. */
typedef struct {
    guint before; /* index into KtModel.befores */
    guint n_vcpus;
    double move_cost;  /* of them together */
    guint n_differing; /* PUs by which that set and the hall's differ */
} KtHallBefore;

/** A common set: the sharable CPUs of some regions that nobody has to himself, with the units that have it.
 */
typedef struct {
    guint64 *regions; /* bits by region */
    guint *zones;
    guint n_zones;
    double n_cores;
    guint n_units;
    /* The rest is kept while it has units. */
    guint n_pus;
    guint64 *pus;    /* bits by PU: the set */
    double pair_sum; /* of the distances over all pairs of its CPUs */
    guint *node_pus; /* its CPUs by node */
    double load;
    double rate;          /* of it on each CPU, as its zones know it */
    double pair_weight;   /* of its units together */
    double *node_weight;  /* by node: what all its vCPUs would pay with all its CPUs there */
    double *apart_weight; /* by node: what they would pay on a CPU there, while it has others elsewhere */
    double *moving_cost;  /* by node: what they pay for memory there, while it has CPUs on several others */
    guint n_spread;       /* vCPUs whose memory counts as where their CPUs are */
    GArray *befores;      /* KtHallBefore */
    double move_cost;
    double cost;
    bool dirty;
} KtHall;

typedef struct {
    guint n_owned; /* exclusive vCPUs */
    bool isolated; /* by one of them */
    double own_load;
    guint n_obstacles; /* domains that stay and may run here */
    double obstacle_load;
    guint n_open;    /* CPUs that common sets may have */
    guint exposed;   /* exclusive vCPUs beside an open CPU */
    guint n_owners;  /* domains of the exclusive vCPUs */
    guint n_excused; /* of these vCPUs: their siblings don't count while nobody else may run here */
    guint n_doubled; /* exclusive vCPUs of `smt = auto` on a sibling of others */
    double cost;     /* of company */
    bool dirty;
} KtCoreState;

/** What an exclusive vCPU costs a zone on the best of its whole cores, apart from what its own domain pays.
 */
typedef struct {
    guint64 epoch; /* of the zone */
    double load;   /* of such a vCPU */
    double price;
    guint n_cores; /* whole cores that it can have */
} KtZonePrice;

/** What the overloaded cores of a zone pay at some rate: fixed + slope·rate + curve·rate², as long as it is
 * these cores: for rates above low, up to high. */
typedef struct {
    double fixed, slope, curve;
    double low, high;
} KtOverload;

typedef struct {
    double rate; /* shared load on each open CPU */
    guint n_open;
    guint n_domains; /* with a common set here */
    guint n_counted; /* as many its cores' cost was counted with */
    guint exposed;
    GPtrArray *halls; /* KtHall with units */
    KtOverload overload;
    double cost;  /* of overload */
    bool changed; /* some core's own load or open CPUs, since overload was found */
    bool dirty;
    guint64 epoch;         /* of its last change that was more than a trial */
    KtZonePrice prices[2]; /* for those who isolate: [1] */
} KtZoneState;

typedef struct {
    double fixed_load; /* of exclusive vCPUs and obstacles */
    double load;
    double cost;
    bool dirty;
} KtGroupState;

typedef struct {
    KtHall *hall;      /* of a unit that shares; NULL = it has no set yet */
    bool unbound;      /* the nodes that it is bound to have no CPU left for it */
    guint64 vain;      /* the epoch in which no better set was found for it; 0 = not looked since */
    guint *node_vcpus; /* of a unit with own CPUs: vCPUs by node */
    double pair_sum;   /* distances over its pairs */
} KtUnitState;

typedef struct {
    double cost;
    double broken; /* the part of it that is for wishes that aren't met */
    guint n_other_kind;
    guint n_cores; /* that its exclusive vCPUs sit on */
    guint n_seated;
    guint *group_vcpus; /* by group, for `spread`; else NULL */
    guint n_groups;     /* groups with its vCPUs, for `spread` */
    bool staying;       /* counted as an obstacle */
} KtDomainState;

typedef struct {
    const KtModel *model;
    double cost;   /* without moves */
    double broken; /* the part of it that is for wishes that aren't met */
    double move_cost;
    guint64 epoch;     /* counts changes */
    guint64 *epochs;   /* by zone: kt_state_save_epochs() */
    bool trying;       /* what changes now is taken back at once */
    bool counts_moves; /* whether moves count in kt_state_total() */
    gint *owner;       /* by PU: index of the vCPU that has it, -1 = none */
    bool *open;        /* by PU: common sets have it */
    guint n_open;
    gint *pu;        /* by vCPU with own CPU: where it sits, -1 = nowhere */
    guint n_doubled; /* of all cores */
    guint n_spare;   /* whole cores that exclusive vCPUs could have */
    double doubled_cost;
    KtRoom *room;    /* as things are */
    KtDemand demand; /* of the exclusive vCPUs that don't sit, without those of domains that stay */
    KtCoreState *cores;
    KtZoneState *zones;
    KtGroupState *groups;
    KtUnitState *units;
    KtDomainState *domains;
    guint spread_groups; /* groups with a usable CPU */
    guint core_threads;  /* the most CPUs of a core that exclusive vCPUs can have */
    KtHall **single;     /* by region: the hall of that region alone */
    GHashTable *halls;   /* regions → KtHall */
    guint region_words;
    guint16 *presence;     /* n_domains × n_zones: units of a domain that share in a zone */
    guint **zone_order;    /* by zone: all zones by distance, made when first asked for */
    KtIndices dirty_cores; /* beside those of dirty zones */
    KtIndices dirty_zones;
    KtIndices dirty_groups;
    bool suspended; /* kt_state_suspend() */
    GPtrArray *dirty_halls;
} KtState;

/** Domains that stay are in it, nobody else is. */
KtState *kt_state_new(const KtModel *model, bool counts_moves);
void kt_state_free(KtState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtState, kt_state_free)

/** What is to be minimised: the cost of section 10 of all who have a seat, and large amounts for what the
 * wishes say but the cost doesn't (whole cores before siblings; `share` on siblings; `spread` over groups;
 * cells on nodes of their own). */
static inline double
kt_state_total(const KtState *state)
{
    return state->cost + (state->counts_moves ? state->move_cost : 0);
}

/** The domain of a vCPU (index into KtModel.vcpus). */
static inline guint
kt_state_domain_of(const KtState *state, guint vcpu)
{
    return state->model->units[state->model->vcpus[vcpu].unit].domain;
}

/** Makes a domain an obstacle at its present affinity, or (@staying false) no more. */
void kt_state_stay(KtState *state, guint domain, bool staying);

/** Whether an exclusive vCPU of @domain may have @pu as things are: legally, and so that there is room for
 * those that don't sit yet. */
bool kt_state_can_take(const KtState *state, guint domain, guint pu);
/** Seats an exclusive vCPU (index into KtModel.vcpus); kt_state_can_take() holds. */
void kt_state_take(KtState *state, guint vcpu, guint pu);
void kt_state_release(KtState *state, guint vcpu);
/** Gives each of two seated vCPUs the CPU of the other. No CPU becomes free meanwhile, which those with
 * common sets would have to be told: it is several times as fast as releasing and taking. */
void kt_state_exchange(KtState *state, guint vcpu, guint other);
/** For several changes at once: until it is resumed no cost is counted, and totals and loads are those of
 * before.
 */
void kt_state_suspend(KtState *state);
void kt_state_resume(KtState *state);

/** The hall of these regions (bits); kept until the state is freed. */
KtHall *kt_state_hall(KtState *state, const guint64 *regions);
/** How many CPUs it has, with units or without. */
guint kt_state_hall_pus(const KtState *state, const KtHall *hall);
/** Gives a unit a common set. */
void kt_state_enter(KtState *state, guint unit, KtHall *hall);
void kt_state_leave(KtState *state, guint unit);

/** For what may be taken back: remembers when each zone last changed; and that it hasn't since. */
void kt_state_save_epochs(KtState *state);
void kt_state_restore_epochs(KtState *state);
/** What was looked for in vain is worth looking for again. */
void kt_state_forget_vain(KtState *state);

/** All zones by their distance from @zone, then number. */
const guint *kt_state_zone_order(KtState *state, guint zone);

/* ---- between the files of the state ---- */

/** Takes note of whose exclusive vCPUs a core has now. */
void kt_state_note_owners(KtState *state, guint core);
void kt_state_dirty_core(KtState *state, guint core);
void kt_state_dirty_zone(KtState *state, guint zone);
void kt_state_dirty_group(KtState *state, guint group);
/** Recomputes what the owners of a core pay for company; what a zone's cores pay for overload. */
void kt_state_refresh_core(KtState *state, guint core);
void kt_state_refresh_zone(KtState *state, guint zone);
/** All that a core costs. */
double kt_state_core_cost(const KtState *state, guint core);
/** Brings the cost of all that is dirty up to date. */
void kt_state_settle(KtState *state);
/** What the cells of a domain pay for having nodes in common. */
double kt_state_cells_cost(const KtState *state, guint domain);
/** Tells the halls of its zone that a PU has just opened or closed. */
void kt_hall_flip(KtState *state, guint pu, bool open);
/** Recomputes the cost of a hall. */
void kt_hall_refresh(KtState *state, KtHall *hall);
KtHall *kt_hall_new(const KtState *state, const guint64 *regions);
void kt_hall_free(gpointer hall);
