#include "cli/pages/learning.h"

#include "base/file.h"
#include "cli/pages/embedding_map.h"

#include <inttypes.h>
#include <math.h>

enum { SIDE = 640, EDGE = 24, TITLE = 40, HOLD = 8 /* frames that the last one stays for */ };

static const double frame_seconds = 0.4;

static double at(const kin_learning *l, int frame, int64_t point, int axis)
{
    double middle = SIDE / 2.0, reach = middle - EDGE, place = l->frames[frame].positions[2 * point + axis];
    return middle + reach * fmin(fmax(place, -1), 1) + (axis ? TITLE : 0);
}

static bool drawn(const kin_learning *l, int frame, int64_t point)
{
    return isfinite(l->frames[frame].positions[2 * point]) &&
           isfinite(l->frames[frame].positions[2 * point + 1]);
}

/* A frame in which a point is missing shows it where it was last, at first where it will be. */
static int frame_with(const kin_learning *l, int frame, int64_t point)
{
    for (int f = frame; f >= 0; f--)
        if (drawn(l, f, point)) return f;
    for (int f = frame; f < l->n_frames; f++)
        if (drawn(l, f, point)) return f;
    return -1;
}

static void add_moves(kin_text *out, const kin_learning *l, int64_t point)
{
    kin_text_add(
        out, "<animateTransform attributeName=\"transform\" type=\"translate\" repeatCount=\"indefinite\"");
    kin_text_format(out, " dur=\"%.1fs\" values=\"", frame_seconds * (l->n_frames + HOLD - 1));
    for (int f = 0; f < l->n_frames + HOLD; f++) {
        int shown = frame_with(l, f < l->n_frames ? f : l->n_frames - 1, point);
        kin_text_format(out, "%s%.1f %.1f", f ? ";" : "", at(l, shown, point, 0), at(l, shown, point, 1));
    }
    kin_text_add(out, "\"/>");
}

static void add_point(kin_text *out, const kin_learning *l, int64_t point)
{
    int64_t mark = l->labels[point] < 0 ? 0 : l->labels[point];
    int last = frame_with(l, l->n_frames - 1, point);
    if (last < 0) return;
    kin_text_add(out, "<path class=\"");
    kin_map_colour(out, mark);
    kin_text_format(out, "\" transform=\"translate(%.1f %.1f)\" d=\"%s\">", at(l, last, point, 0),
                    at(l, last, point, 1), kin_map_shape(mark));
    add_moves(out, l, point);
    kin_text_add(out, "</path>\n");
}

/* The line above the map: each frame's own, for as long as the points wander towards the next. */
static void add_title(kin_text *out, const kin_learning *l, int f)
{
    const kin_learning_frame *frame = &l->frames[f];
    bool last = f == l->n_frames - 1;
    double all = l->n_frames + HOLD - 1, from = f / all, to = last ? 1 : (f + 1) / all;
    kin_text_format(out, "<text x=\"%d\" y=\"26\" visibility=\"%s\">step %" PRId64, EDGE,
                    last ? "visible" : "hidden", frame->step);
    if (!isnan(frame->map)) kin_text_format(out, ": mAP %.2f", frame->map);
    kin_text_format(out,
                    "<animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"%.1fs\" "
                    "repeatCount=\"indefinite\"",
                    frame_seconds * all);
    if (f == 0) kin_text_format(out, " values=\"visible;hidden\" keyTimes=\"0;%.5f\"/>", to);
    else if (last) kin_text_format(out, " values=\"hidden;visible\" keyTimes=\"0;%.5f\"/>", from);
    else kin_text_format(out, " values=\"hidden;visible;hidden\" keyTimes=\"0;%.5f;%.5f\"/>", from, to);
    kin_text_add(out, "</text>\n");
}

static void add_svg(kin_text *out, const kin_learning *l, const char *style)
{
    kin_text_format(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-map kin-moving\" viewBox=\"0 0 %d "
                    "%d\" role=\"img\" aria-label=\"How the map of %" PRId64 " descriptors forms, from step "
                    "%" PRId64 " to step %" PRId64 "\">",
                    SIDE, SIDE + TITLE, l->points, l->frames[0].step, l->frames[l->n_frames - 1].step);
    if (style) kin_text_format(out, "<style>%s</style>", style);
    kin_text_format(out,
                    "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"10\"/>"
                    "<g font-family=\"system-ui,sans-serif\" font-size=\"18\" class=\"kin-k7\" "
                    "fill=\"currentColor\">\n",
                    SIDE - 1, SIDE + TITLE - 1);
    for (int f = 0; f < l->n_frames; f++) add_title(out, l, f);
    kin_text_add(out, "</g>\n");
    for (int64_t i = 0; i < l->points; i++) add_point(out, l, i);
    kin_text_add(out, "</svg>\n");
}

void kin_learning_svg(kin_text *out, const kin_learning *l)
{
    if (l->n_frames > 0) add_svg(out, l, NULL);
}

bool kin_learning_write(const char *path, const kin_learning *l, kin_error *err)
{
    kin_text text = {0};
    if (l->n_frames < 1) return kin_fail(err, KIN_ERR_ARGUMENT, "%s: there is no frame to draw", path);
    add_svg(&text, l, kin_map_style);
    bool ok = !text.failed ? kin_write_file(path, text.data, text.size, err)
                           : kin_fail_memory(err, path, text.capacity);
    kin_text_free(&text);
    return ok;
}
