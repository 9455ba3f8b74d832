#include "data/transforms/recipe.h"

uint64_t kin_recipe_key(uint64_t seed, uint64_t epoch, uint64_t picture)
{
    return kin_key(kin_key_text(seed, "recipe"), epoch, picture);
}

bool kin_recipe_apply(const kin_recipe *recipe, uint64_t key, kin_image *image, kin_error *err)
{
    if (!kin_image_convert(image, image->channels <= 2 ? 1 : 3, err)) return false;
    for (int i = 0; i < recipe->count; i++) {
        const kin_recipe_step *step = &recipe->step[i];
        kin_stream s = kin_stream_new(kin_key(key, (uint64_t)i, 0));
        if (!step->what->apply || step->what->apply(step, recipe, &s, image, err)) continue;
        kin_error_prefix(err, "%s", step->what->name);
        return false;
    }
    return true;
}

bool kin_recipe_output_size(const kin_recipe *recipe, int *width, int *height)
{
    for (int i = 0; i < recipe->count; i++)
        if (recipe->step[i].what->size) recipe->step[i].what->size(&recipe->step[i], width, height);
    return *width > 0 && *height > 0;
}

void kin_step_range(const kin_recipe_step *step, int param, double range[2])
{
    const kin_value *v = &step->value[param];
    kin_param_kind kind = step->what->params[param].kind;
    range[0] = v->number[0], range[1] = v->number[v->count > 1];
    if (v->count > 1) return;
    if (kind == KIN_PARAM_SWING) range[0] = -range[1];
    if (kind == KIN_PARAM_FACTOR) {
        range[0] = v->number[0] < 1 ? 1 - v->number[0] : 0;
        range[1] = 1 + v->number[0];
    }
}
