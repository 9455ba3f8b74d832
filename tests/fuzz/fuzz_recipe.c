/* Any text is a recipe or an error; a recipe printed and read again is the same; and small ones are
 * applied. */
#include "base/memory.h"
#include "data/transforms/recipe.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 12, SIDE_MAX = 64 };

/* Are pictures of that size small after each step? */
static bool small(const kin_recipe *recipe)
{
    kin_recipe first = *recipe;
    for (first.count = 0; first.count <= recipe->count; first.count++) {
        int width = SIDE, height = SIDE - 3;
        kin_recipe_output_size(&first, &width, &height);
        if (width > SIDE_MAX || height > SIDE_MAX) return false;
        /* margins that are cropped again */
        if (first.count < recipe->count && recipe->step[first.count].value[1].number[0] > SIDE_MAX * 16)
            return false;
    }
    return true;
}

static void apply(const kin_recipe *recipe, uint64_t key)
{
    kin_image image;
    kin_error err = {0};
    if (!kin_image_new(&image, SIDE, SIDE - 3, 1 + (int)(key % 4), &err)) return;
    for (int i = 0; i < SIDE * (SIDE - 3) * image.channels; i++)
        image.data[i] = (uint8_t)kin_random_bits(key, (uint64_t)i);
    kin_recipe_apply(recipe, key, &image, &err);
    kin_image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_recipe recipe, again;
    kin_text first = {0}, second = {0};
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    const char *text = (const char *)b.data;
    if (!text) return 0;
    if (kin_recipe_parse(text, &recipe, &err)) {
        kin_recipe_print(&recipe, &first);
        const char *printed = first.data ? first.data : "";
        if (!kin_recipe_parse(printed, &again, &err)) abort();
        kin_recipe_print(&again, &second);
        if (strcmp(printed, second.data ? second.data : "") != 0 || again.count != recipe.count) abort();
        if (small(&recipe)) apply(&recipe, size + 1);
    }
    kin_text_free(&first);
    kin_text_free(&second);
    kin_bytes_free(&b);
    return 0;
}
