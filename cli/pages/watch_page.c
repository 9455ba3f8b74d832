#include "cli/pages/watch_page.h"

#include "cli/pages/embedding_map.h"
#include "cli/pages/finds.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void add_facts(kin_page *page, const kin_live *l)
{
    enum { FACTS = 5 };
    char texts[FACTS][64];
    const kin_train_state *now = kin_trainer_state(l->trainer);
    snprintf(texts[0], sizeof texts[0], "%" PRId64 " of %" PRId64, l->last.step, l->last.steps);
    snprintf(texts[1], sizeof texts[1], "%" PRId64 " pictures of %d classes", now->pictures, l->set->classes);
    snprintf(texts[2], sizeof texts[2], "%.4f", l->last.smooth);
    snprintf(texts[3], sizeof texts[3], "%.3g", l->last.lr);
    snprintf(texts[4], sizeof texts[4], "mAP %.4f, at step %" PRId64, now->best, now->best_step);
    bool begun = l->last.loss == l->last.loss && l->last.lr > 0;
    kin_page_facts(page,
                   (kin_page_fact[FACTS]){{"Step", texts[0]},
                                          {"Trains on", texts[1]},
                                          {"Loss, averaged", begun ? texts[2] : NULL},
                                          {"Learning rate", begun ? texts[3] : NULL},
                                          {"Best on what is held out", now->best >= 0 ? texts[4] : NULL}},
                   FACTS);
}

static void add_curves(kin_page *page, const kin_live *l)
{
    const kin_train_state *now = kin_trainer_state(l->trainer);
    kin_curve loss = {.x = l->steps, .y = now->losses, .count = l->last.step, .smooth = true},
              held[2] = {{.name = "mAP", .x = l->at, .y = l->map, .count = l->validations},
                         {.name = "R@1", .x = l->at, .y = l->recall, .count = l->validations}};
    kin_curves charts[2] = {
        {.title = "Loss", .x_label = "training step", .y_label = "loss", .curves = &loss, .n_curves = 1},
        {.title = "Validation",
         .x_label = "training step",
         .y_label = "on held-out classes",
         .curves = held,
         .n_curves = 2}};
    if (l->last.step < 2) return;
    kin_page_section(page, "How it learns",
                     "Pale: each step's loss; strong: their moving average. It should fall. On what is held "
                     "out the figures should rise; where they fall for long, the network learns its training "
                     "pictures by heart.");
    kin_page_curves(page, charts, l->validations > 1 ? 2 : 1);
}

static void add_picture(kin_page *page, const kin_live *l, int64_t item, kin_tile_kind kind, double distance)
{
    const kin_sample *s = &l->set->items[item];
    kin_image image = {0};
    kin_error why = {0};
    char buffer[32], note[160];
    const char *class = kin_class_name(l->set->class_names, s->label, buffer);
    if (kind == KIN_TILE_ASKED) snprintf(note, sizeof note, "anchor: %.100s", class);
    else snprintf(note, sizeof note, "distance %.3f: %.100s", distance, class);
    bool read = kin_dataset_image(l->set, item, &page->limits, &image, &why);
    kin_page_tile(page, &(kin_tile){.kind = kind,
                                    .image = read ? &image : NULL,
                                    .missing = read ? NULL : why.message,
                                    .name = s->id,
                                    .note = note});
    kin_image_free(&image);
}

static void add_triplet(kin_page *page, const kin_live *l)
{
    const kin_hardest *h = &l->hardest;
    char title[200];
    if (!h->there) return;
    kin_page_section(
        page, "The hardest triplet of the last batch",
        "An anchor, the picture of its own class that lies farthest from it (✓), and the picture "
        "of another class that lies nearest (✗), by the network as it is now. A triplet loss pulls "
        "the first towards the anchor and pushes the second away.");
    snprintf(title, sizeof title, "%s by %.3f",
             h->d_ap > h->d_an ? "The other class is nearer," : "Its own class is nearer,",
             fabs(h->d_ap - h->d_an));
    kin_page_row_begin(page, &(kin_page_row){.title = title});
    add_picture(page, l, h->anchor, KIN_TILE_ASKED, 0);
    add_picture(page, l, h->positive, KIN_TILE_RIGHT, h->d_ap);
    add_picture(page, l, h->negative, KIN_TILE_WRONG, h->d_an);
    kin_page_row_end(page);
}

static bool sample_image(void *arg, int64_t index, kin_image *out, kin_error *err)
{
    const kin_image_limits limits = {.reduce_to = KIN_THUMBNAIL_TINY};
    return kin_dataset_image(arg, index, &limits, out, err);
}

/* The map's labels are the chosen classes' places, and so are these names. */
static void name_classes(const kin_forming *f, const char **names)
{
    for (int64_t i = 0; i < f->sample.count; i++)
        if (f->labels[i] >= 0) names[f->labels[i]] = f->sample.class_names[f->sample.items[i].label];
}

static void add_map(kin_page *page, const kin_live *l)
{
    const kin_forming *f = &l->forming;
    const char *names[KIN_FORMING_CLASSES] = {0};
    char title[80];
    if (f->frames < 1) return;
    const kin_learning_frame *last = &f->frame[f->frames - 1];
    if (f->sample.class_names) name_classes(f, names);
    snprintf(title, sizeof title, "The embedding at step %" PRId64, last->step);
    kin_page_section(page, title, "Pictures of one thing come to lie together as it learns.");
    kin_page_map(page, &(kin_embedding_map){.count = f->sample.count,
                                            .positions = last->positions,
                                            .labels = f->labels,
                                            .n_labels = f->sample.count,
                                            .class_names = f->sample.class_names ? names : NULL,
                                            .image = sample_image,
                                            .image_arg = (void *)&f->sample});
}

void kin_page_movement(kin_page *page, const kin_forming *forming)
{
    kin_learning learning = kin_forming_learning(forming);
    kin_text svg = {0};
    if (learning.n_frames < 3) return;
    kin_learning_svg(&svg, &learning);
    kin_page_heading(page, "How it came to be",
                     "Some pictures as marks, those of a class in one form and colour, wandering from map to "
                     "map while the network "
                     "learned; it begins anew at the end. mAP: how early a picture finds those of its class "
                     "among these.");
    if (svg.failed)
        kin_page_fail(page, &(kin_error){.code = KIN_ERR_MEMORY, .message = "out of memory for a drawing"});
    else kin_page_figure(page, svg.data, NULL);
    kin_text_free(&svg);
}

bool kin_watch_page_write(const kin_live *l, bool over, kin_error *err)
{
    kin_page page;
    char title[200], lead[200];
    const kin_config *c = &kin_trainer_network(l->trainer)->config;
    snprintf(title, sizeof title, "Training %.60s with %.100s", c->model, c->loss);
    if (over)
        snprintf(lead, sizeof lead, "It ended at step %" PRId64 " of %" PRId64 ".", l->last.step,
                 l->last.steps);
    else
        snprintf(lead, sizeof lead,
                 "It goes on, and this page loads itself anew every %d seconds until it ends.",
                 KIN_LIVE_SECONDS);
    kin_page_begin_live(&page, l->page, title, lead, over ? 0 : KIN_LIVE_SECONDS);
    add_facts(&page, l);
    add_curves(&page, l);
    add_triplet(&page, l);
    add_map(&page, l);
    kin_page_movement(&page, &l->forming);
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    return ok;
}
