/* Pictures in a terminal: what a sixel terminal would draw of them, and what a terminal says that it can. */
#include "base/memory.h"
#include "cli/terminal/sixel.h"
#include "cli/terminal/terminal.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 50, HEIGHT = 31, SIDE = 64 };

/* A terminal's screen: [HEIGHT, WIDTH] colours in percent, -1 where nothing was drawn. */
typedef struct screen {
    int palette[256][3], colour, x, y, width, height;
    int pixel[SIDE * SIDE][3];
    bool wrong;
} screen;

static int number(const char **at)
{
    char *end;
    long value = strtol(*at, &end, 10);
    *at = end;
    return (int)value;
}

static void put(screen *s, int bits, int count)
{
    for (; count > 0; count--, s->x++)
        for (int k = 0; k < 6; k++) {
            if (!(bits >> k & 1)) continue;
            if (s->x >= s->width || s->y + k >= s->height) s->wrong = true;
            else memcpy(s->pixel[(s->y + k) * SIDE + s->x], s->palette[s->colour], sizeof s->pixel[0]);
        }
}

static void take_colour(screen *s, const char **at)
{
    s->colour = number(at) & 255;
    if (**at != ';') return;
    ++*at;
    if (number(at) != 2) s->wrong = true;
    for (int c = 0; c < 3; c++) ++*at, s->palette[s->colour][c] = number(at);
}

/* What a DEC VT340 does with it. */
static void draw(const char *text, screen *s)
{
    static const char begin[] = "\x1bP0;1;0q\"1;1;";
    const char *at = text + strlen(begin);
    *s = (screen){.wrong = strncmp(text, begin, strlen(begin)) != 0};
    for (int i = 0; i < SIDE * SIDE; i++) s->pixel[i][0] = -1;
    if (s->wrong) return;
    s->width = number(&at), at++, s->height = number(&at);
    if (s->width > SIDE || s->height > SIDE) s->wrong = true;
    while (!s->wrong && *at && *at != '\x1b') {
        char c = *at++;
        if (c == '#') take_colour(s, &at);
        else if (c == '$') s->x = 0;
        else if (c == '-') s->x = 0, s->y += 6;
        else if (c == '!') {
            int count = number(&at);
            put(s, *at++ - '?', count);
        } else if (c >= '?' && c <= '~') put(s, c - '?', 1);
        else s->wrong = true;
    }
    if (strcmp(at, "\x1b\\") != 0) s->wrong = true;
}

static kin_image picture(int width, int height, int channels)
{
    kin_image image = {.width = width, .height = height, .channels = channels};
    size_t n = (size_t)(width * height * channels);
    image.data = kin_alloc(n);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                image.data[(y * width + x) * channels + c] = (uint8_t)(c == 0   ? x * 255 / (width - 1)
                                                                       : c == 1 ? y * 255 / (height - 1)
                                                                                : (x + y) % 200);
    return image;
}

/* Dithered colours are right in the mean of some pixels. */
static void check_means(const screen *s, const kin_image *image)
{
    enum { BLOCK = 8 };
    double worst = 0;
    for (int y = 0; y + BLOCK <= image->height; y += BLOCK)
        for (int x = 0; x + BLOCK <= image->width; x += BLOCK)
            for (int c = 0; c < 3; c++) {
                double want = 0, got = 0;
                for (int i = 0; i < BLOCK * BLOCK; i++) {
                    int px = x + i % BLOCK, py = y + i / BLOCK;
                    want += image->data[(py * image->width + px) * image->channels +
                                        (image->channels < 3 ? 0 : c)];
                    got += s->pixel[py * SIDE + px][c] * 2.55;
                }
                worst = fmax(worst, fabs(want - got) / (BLOCK * BLOCK));
            }
    CHECK_MSG(worst < 8, "means differ by %g", worst);
}

static void test_pictures(void)
{
    static screen s;
    for (int channels = 1; channels <= 3; channels += 2) {
        check_begin("sixel: a picture of %d channels is what a terminal draws", channels);
        kin_error err = {0};
        kin_text text = {0};
        kin_image image = picture(WIDTH, HEIGHT, channels);
        bool every = true;
        CHECK(kin_sixel_add(&text, &image, WIDTH, HEIGHT, &err));
        draw(text.data ? text.data : "", &s);
        CHECK(!s.wrong && s.width == WIDTH && s.height == HEIGHT);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) every = every && s.pixel[y * SIDE + x][0] >= 0;
        CHECK(every);
        check_means(&s, &image);
        kin_text_free(&text), kin_image_free(&image);
        check_end();
    }
    check_begin("sixel: a picture is made to fit, and a single pixel is one");
    for (int i = 0; i < 2; i++) {
        kin_error err = {0};
        kin_text text = {0};
        kin_image image = picture(i ? 2 : 300, i ? 2 : 100, 3);
        CHECK(kin_sixel_add(&text, &image, i ? 1 : 60, i ? 1 : 60, &err));
        draw(text.data ? text.data : "", &s);
        CHECK(!s.wrong && s.width == (i ? 1 : 60) && s.height == (i ? 1 : 20));
        kin_text_free(&text), kin_image_free(&image);
    }
    check_end();
}

static void test_answers(void)
{
    static const struct {
        const char *answer;
        bool sixel;
    } rows[] = {
        {"\x1b[?62;4;22c", true},
        {"\x1b[?4c", true},
        {"\x1b[?62;22;4c", true},
        {"typed\x1b[?1;4c", true},
        {"\x1b[?62;14;40;44c", false},
        {"\x1b[?1;2c", false},
        {"\x1b[?62;4", false},
        {"", false},
        {"\x1b[?c", false},
        {"\x1b[>0;4;0c", false},
        {"\x1b[?4x\x1b[?1c", false},
        {"4c", false},
        {"\x1b[?99999999999999999994c", false},
    };
    check_begin("terminal: 4 among its attributes is sixel");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_MSG(kin_terminal_tells_sixel(rows[i].answer, strlen(rows[i].answer)) == rows[i].sixel,
                  "row %zu", i);
    check_end();
}

int main(void)
{
    test_pictures();
    test_answers();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
