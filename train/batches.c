/* The batches of a training: which pictures, how they are changed, who reads them. */
#include "train/trainer_parts.h"

#include "base/file.h"
#include "base/memory.h"
#include "train/run_folder.h"

#include <math.h>

/* A set smaller than the batches that nobody asked for gets smaller ones. */
void kin_trainer_fit_batches(kin_trainer *t)
{
    kin_config *c = &t->network.config;
    int64_t classes = 0;
    bool plain = c->sampler != KIN_SAMPLING_BALANCED;
    int *seen = kin_alloc_zero((size_t)t->set->classes + 1, sizeof *seen);
    for (int64_t i = 0; seen && i < t->set->count; i++) {
        int label = t->set->items[i].label;
        if (label >= 0 && label < t->set->classes) classes += !seen[label]++;
    }
    kin_free(seen);
    if (t->pk && c->open_batch_classes && classes >= 2 && classes < c->batch_classes)
        c->batch_classes = classes;
    if (!t->pk && plain && c->open_batch && t->set->count >= 2 && t->set->count < c->batch)
        c->batch = t->set->count;
}

/* Whether the loss knows of no classes, and the pictures have none: they are drawn as if of one. */
static bool unlabelled(const kin_trainer *t)
{
    bool needs = (kin_loss_needs(&t->network.loss) & KIN_LOSS_NEEDS_LABELS) != 0, none = t->set->classes < 1;
    for (int64_t i = 0; !needs && !none && i < t->set->count; i++) none = t->set->items[i].label < 0;
    return !needs && none;
}

static bool enough_pictures(kin_trainer *t, kin_error *err)
{
    if (!(kin_loss_needs(&t->network.loss) & KIN_LOSS_NEEDS_LABELS)) return true;
    int64_t filled = 0, single = 0;
    for (int c = 0; c < t->sampler.classes; c++) {
        int64_t n = t->sampler.first[c + 1] - t->sampler.first[c];
        filled += n > 0;
        single += n == 1;
    }
    t->now.classes_filled = filled, t->now.classes_of_one = single;
    if (filled < 2)
        return kin_fail(err, KIN_ERR_DATA,
                        "the training set has one class only; a network learns to tell classes apart, so at "
                        "least two are needed");
    const kin_loss *pairs = kin_loss_first(&t->network.loss, KIN_LOSS_NEEDS_PAIRS);
    if (pairs && single == filled)
        return kin_fail(err, KIN_ERR_DATA,
                        "every class has one picture only; the loss %s compares pictures of a class, so at "
                        "least two are needed",
                        pairs->name);
    return true;
}

/* The pictures that can be read, for the sampler; the loader knows them by their places in the set. */
static bool choose_sound(kin_trainer *t, kin_error *err)
{
    const kin_dataset *set = t->set;
    kin_sample *items = kin_alloc_array((size_t)set->count, sizeof *items);
    t->sound = kin_alloc_array((size_t)set->count, sizeof *t->sound);
    bool ok = (items && t->sound) || kin_fail_memory(err, "the sampler", (size_t)set->count * sizeof *items),
         classless = unlabelled(t);
    if (classless && t->network.config.sampler == KIN_SAMPLING_PK)
        ok = kin_fail(err, KIN_ERR_ARGUMENT,
                      "--sampler pk draws several pictures of a class, and not all of these have one");
    for (int64_t i = 0; ok && i < set->count; i++)
        if (!kin_loader_is_broken(t->loader, i)) {
            items[t->now.pictures] = set->items[i];
            if (classless) items[t->now.pictures].label = 0;
            t->sound[t->now.pictures++] = i;
        }
    ok = ok && kin_sampler_new(items, t->now.pictures, classless ? 1 : set->classes, &t->sampler, err);
    kin_free(items);
    return ok;
}

/* Called ahead of the training: which pictures make up a step's batch. */
static int64_t draw_batch(void *user, int64_t step, int64_t *index, kin_error *err)
{
    kin_trainer *t = user;
    const kin_config *c = &t->network.config;
    uint64_t seed = (uint64_t)c->seed;
    bool ok = true;
    if (step >= c->steps) return 0;
    if (t->pk)
        ok = kin_sampler_pk(&t->sampler, (int)c->batch_classes, (int)c->batch_pictures, seed, step, index,
                            err);
    else if (c->sampler == KIN_SAMPLING_BALANCED)
        kin_sampler_balanced(&t->sampler, (int)c->batch, seed, step, index);
    else ok = kin_sampler_plain(&t->sampler, (int)c->batch, seed, step, index, err);
    for (int64_t i = 0; ok && i < t->now.batch; i++) index[i] = t->sound[index[i]];
    return ok ? t->now.batch : -1;
}

static bool by_recipe(const void *user, uint64_t key, kin_image *image, kin_error *err)
{
    return kin_recipe_apply(user, key, image, err);
}

/* The recipe's last size must be the network's, where it can be told beforehand. */
static bool read_recipe(kin_trainer *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    int width = 0, height = 0;
    if (!*c->augment) return true;
    if (!kin_recipe_parse_own(c->augment, c->own ? c->own->transforms : NULL, &t->recipe, err)) return false;
    /* What the network reads later, without the recipe, must be scaled alike. */
    kin_batch_opt scaling = kin_config_batch(c, 0);
    for (int k = 0; t->recipe.normalizes && k < 3; k++)
        if (fabs((double)t->recipe.mean[k] - scaling.mean[k]) > 1e-6 ||
            fabs((double)t->recipe.std[k] - scaling.deviation[k]) > 1e-6)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "normalize() in --augment differs from --normalize %s, which holds for embedding "
                            "too; leave it out of the recipe",
                            c->normalize);
    /* Erasing with the mean or with noise means this network's scaling, where it has one. */
    if (!t->recipe.normalizes && scaling.mean[0] > 0) {
        for (int k = 0; k < 3; k++)
            t->recipe.mean[k] = (float)scaling.mean[k], t->recipe.std[k] = (float)scaling.deviation[k];
        t->recipe.normalizes = true;
    }
    kin_recipe_output_size(&t->recipe, &width, &height);
    if ((width && width != kin_config_across(c)) || (height && height != c->size))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--augment makes pictures of %d x %d where the network takes %lld x %lld (width x height, "
            "--size)",
            width, height, (long long)kin_config_across(c), (long long)c->size);
    return true;
}

static bool open_loader(kin_trainer *t, const kin_reading *reading, kin_error *err)
{
    if (!read_recipe(t, err)) return false;
    kin_loader_opt load = kin_config_loader(&t->network.config);
    load.batch = t->now.batch, load.plan = draw_batch, load.plan_user = t, load.first_step = t->now.step,
    load.substitute = true;
    load.scaling = kin_config_batch(&t->network.config, 1);
    /* Sets that lie in memory as a whole need no cache. */
    if (!t->set->pixels) load.cache = reading->cache;
    load.limits = kin_config_limits(&t->network.config, reading->limits);
    if (t->recipe.count)
        load.change = by_recipe, load.change_user = &t->recipe,
        load.cache_side = (int)t->network.config.cache_side;
    if (!(t->loader = kin_loader_new(t->set, &load, err))) return false;
    return t->set->pixels || kin_loader_survey(t->loader, reading->progress, reading->user, err);
}

bool kin_trainer_open_batches(kin_trainer *t, const kin_reading *reading, kin_error *err)
{
    return open_loader(t, reading, err) && choose_sound(t, err) && enough_pictures(t, err);
}

bool kin_trainer_idles(const kin_trainer *t, int64_t count)
{
    for (int64_t i = 0; t->compares && i < count; i++)
        for (int64_t j = 0; j < i; j++)
            if (t->labels[i] == t->labels[j]) return false;
    return t->compares;
}

/* ---- whom it learns from ---- */

/* A teacher of more dimensions than a branch that it teaches is projected. */
static bool fit_teacher(kin_trainer *t, const kin_reading *reading, kin_error *err)
{
    const kin_network *n = &t->network;
    int64_t dim = kin_teacher_dim(t->teacher);
    if (n->taught_most > dim)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the teacher's descriptor has %lld numbers, and the student's %lld: it cannot have more; "
            "--embedding %lld or fewer, or distill@BRANCH",
            (long long)dim, (long long)n->taught_most, (long long)dim);
    return n->taught_least == dim || kin_teacher_fit(t->teacher, t->set, t->sound, t->now.pictures,
                                                     n->taught_most, reading->limits, err);
}

bool kin_trainer_open_teacher(kin_trainer *t, const kin_reading *reading, bool resume, kin_error *err)
{
    if (!*t->network.config.teacher) return true;
    if (!(t->teacher = kin_teacher_open(&t->network.config, err))) return false;
    if (!resume) return fit_teacher(t, reading, err);
    char *path = kin_path_join(t->run, KIN_RUN_TEACHER);
    bool ok = path ? kin_teacher_restore(t->teacher, path, err) : kin_fail_memory(err, KIN_RUN_TEACHER, 32);
    kin_free(path);
    return ok;
}
