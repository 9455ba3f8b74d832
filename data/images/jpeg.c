/* JPEG [ITU-T T.81] with the marks that JFIF, Adobe and EXIF leave: baseline, extended and progressive
 * pictures with 8-bit samples and Huffman codes, of 1, 3 or 4 components in any sampling. Values are those
 * of libjpeg's accurate integer transform and its smooth upsampling. Damage inside the data is tolerated
 * and remarked on, as libjpeg does; headers that lie are refused. */
#include "data/images/jpeg.h"

#include "base/memory.h"
#include "data/images/formats.h"

#include <string.h>

enum {
    SOF0 = 0xc0,
    SOF2 = 0xc2,
    DHT = 0xc4,
    DAC = 0xcc,
    RST0 = 0xd0,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP14 = 0xee,
    TEM = 0x01
};

enum {
    /* A scan goes through all blocks of its components, whatever little its data say. In a progressive JPEG
     * of the most pixels allowed each block may be gone through 16 times (libjpeg's script: 14), in a
     * sequential one, which computes samples each time, 5 times (one of four components: 4). */
    PIXELS_A_VISIT = 4,
    PIXELS_A_BLOCK = 12,
    LEAST_WORK = 1 << 16,
    SHOWN_ANYWAY = 1 << 22 /* pixels: a file cut short is shown as far as it goes */
};

static int at16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int smaller(int a, int b) { return a < b ? a : b; }

static void remark(kin_jpeg *j, const char *text)
{
    if (!j->remark) j->remark = text;
}

/* ---- tables ---- */

static bool read_quant(kin_jpeg *j, const uint8_t *p, const uint8_t *end, kin_error *err)
{
    while (p < end) {
        int wide = *p >> 4, table = *p & 15, bytes = wide ? 128 : 64;
        if (wide > 1 || table >= KIN_JPEG_TABLES || end - p - 1 < bytes)
            return kin_fail(err, KIN_ERR_DATA,
                            "a quantisation table of the JPEG is cut short or has an impossible number");
        p++;
        for (int k = 0; k < 64; k++)
            j->quant[table][kin_jpeg_natural[k]] = (uint16_t)(wide ? at16(p + 2 * k) : p[k]);
        j->has_quant[table] = true;
        p += bytes;
    }
    return true;
}

static bool read_codes(kin_jpeg *j, const uint8_t *p, const uint8_t *end, kin_error *err)
{
    while (p < end) {
        int ac = *p >> 4, table = *p & 15, values = 0;
        if (end - p < 17 || ac > 1 || table >= KIN_JPEG_TABLES)
            return kin_fail(err, KIN_ERR_DATA,
                            "a Huffman table of the JPEG is cut short or has an impossible number");
        for (int i = 0; i < 16; i++) values += p[1 + i];
        if (values > 256 || end - p - 17 < values)
            return kin_fail(err, KIN_ERR_DATA,
                            "a Huffman table of the JPEG states %d values where %d bytes are left", values,
                            (int)(end - p - 17));
        kin_jpeg_code_make(ac ? &j->ac[table] : &j->dc[table], p + 1, p + 17, !ac);
        p += 17 + values;
    }
    return true;
}

static bool read_restart(kin_jpeg *j, const uint8_t *p, const uint8_t *end, kin_error *err)
{
    if (end - p != 2)
        return kin_fail(err, KIN_ERR_DATA, "the restart interval of the JPEG has %d bytes, not 2",
                        (int)(end - p));
    j->restart_interval = at16(p);
    return true;
}

static void read_application(kin_jpeg *j, int marker, const uint8_t *p, const uint8_t *end)
{
    size_t size = (size_t)(end - p);
    if (marker == APP0 && size >= 14 && memcmp(p, "JFIF", 5) == 0) j->jfif = true;
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/"; /* and its zero */
    if (marker == APP1 && size >= 6 && memcmp(p, "Exif\0", 6) == 0 && !j->orientation)
        j->orientation = kin_exif_orientation(p + 6, size - 6);
    if (marker == APP1 && size >= sizeof xmp && memcmp(p, xmp, sizeof xmp) == 0 && !j->xmp_orientation)
        j->xmp_orientation = kin_xmp_orientation(p + sizeof xmp, size - sizeof xmp);
    if (marker == APP14 && size >= 12 && memcmp(p, "Adobe", 5) == 0) {
        j->adobe = true;
        j->adobe_transform = p[11];
    }
}

/* ---- the frame ---- */

static const char *unread_frame(int marker)
{
    switch (marker) {
    case 0xc3:
    case 0xc7: return "lossless";
    case 0xc5:
    case 0xc6: return "hierarchical";
    case 0xc9:
    case 0xca: return "arithmetic-coded";
    case 0xcb:
    case 0xcf: return "lossless arithmetic-coded";
    case 0xcd:
    case 0xce: return "hierarchical arithmetic-coded";
    default: return NULL;
    }
}

/* 1/2, 1/4 or 1/8 of the size, where both sides stay at least `reduce_to` long. */
static int scale_for(const kin_jpeg *j, int reduce_to)
{
    int scale = 1;
    if (reduce_to <= 0) return 1;
    while (scale < 8 && smaller(ceil_div(j->width, scale * 2), ceil_div(j->height, scale * 2)) >= reduce_to)
        scale *= 2;
    return scale;
}

/* Sizes that follow from the sampling factors [T.81 A.1.1, A.2]. A component that is sampled more coarsely
 * than the picture is reduced less, so that it needs no widening afterwards. */
static void lay_out(kin_jpeg *j, kin_jpeg_component *c)
{
    int full = 8 / j->scale;
    c->size = full;
    while (c->size < 8 && j->h_max * full % (c->h * c->size * 2) == 0 &&
           j->v_max * full % (c->v * c->size * 2) == 0)
        c->size *= 2;
    int wide = ceil_div(j->width * c->h, j->h_max), high = ceil_div(j->height * c->v, j->v_max);
    c->blocks_wide = ceil_div(wide, 8);
    c->blocks_high = ceil_div(high, 8);
    c->stride_blocks = j->mcus_wide * c->h;
    c->rows_blocks = j->mcus_high * c->v;
    c->width = (int)(((int64_t)j->width * c->h * c->size + j->h_max * 8 - 1) / (j->h_max * 8));
    c->height = (int)(((int64_t)j->height * c->v * c->size + j->v_max * 8 - 1) / (j->v_max * 8));
    c->stride = (size_t)c->stride_blocks * (size_t)c->size;
    memset(c->known, -1, sizeof c->known);
}

static bool reserve(kin_jpeg *j, kin_error *err)
{
    for (int i = 0; i < j->components; i++) {
        kin_jpeg_component *c = &j->component[i];
        size_t blocks = (size_t)c->stride_blocks * (size_t)c->rows_blocks, bytes;
        if (!kin_mul_size(blocks, (size_t)(c->size * c->size), &bytes) || !(c->plane = kin_alloc(bytes)))
            return kin_fail_memory(err, "a JPEG's samples", blocks * 64);
        memset(c->plane, 128, bytes);
        if (j->progressive && !(c->coefficients = kin_alloc_zero(blocks, 64 * sizeof(int16_t))))
            return kin_fail_memory(err, "a JPEG's coefficients", blocks * 128);
    }
    return true;
}

/* Equal names are told apart by their order: the second of them gets one that no other has, in the frame and
 * in the scans alike [libjpeg's rule]. */
static void rename_component(kin_jpeg *j, int i)
{
    int most = 0;
    bool twice = false;
    for (int k = 0; k < i; k++) {
        twice |= j->component[k].id == j->component[i].id;
        if (j->component[k].id > most) most = j->component[k].id;
    }
    if (!twice) return;
    j->component[i].id = most + 1;
    remark(j, "two of its colours have one name: they are taken in their order");
}

/* 1 bit a block is the least that any code takes: a file without them does not hold the picture, and memory
 * for it would be taken for nothing. Small ones are shown as far as they go. */
static bool plausible(const kin_jpeg *j, kin_error *err)
{
    uint64_t blocks = 0;
    for (int i = 0; i < j->components; i++)
        blocks += (uint64_t)j->component[i].blocks_wide * (uint64_t)j->component[i].blocks_high;
    if ((uint64_t)j->width * (uint64_t)j->height <= SHOWN_ANYWAY ||
        blocks / 8 <= (uint64_t)(j->end - j->bytes))
        return true;
    return kin_fail(err, KIN_ERR_DATA, "the JPEG is cut short: %lld bytes cannot hold %d x %d pixels",
                    (long long)(j->end - j->bytes), j->width, j->height);
}

static bool read_frame(kin_jpeg *j, int marker, const uint8_t *p, const uint8_t *end,
                       const kin_image_limits *limits, kin_error *err)
{
    const char *unread = unread_frame(marker);
    if (unread)
        return kin_fail(err, KIN_ERR_DATA,
                        "is a %s JPEG; baseline, extended and progressive ones are read: convert it first",
                        unread);
    if (j->components) return kin_fail(err, KIN_ERR_DATA, "the JPEG has two frames");
    if (end - p < 6) return kin_fail(err, KIN_ERR_DATA, "the frame of the JPEG is cut short");
    int bits = p[0], count = p[5];
    if (bits != 8)
        return kin_fail(err, KIN_ERR_DATA, "is a JPEG of %d bits a sample; 8 are read: convert it first",
                        bits);
    if (count != 1 && count != 3 && count != 4)
        return kin_fail(err, KIN_ERR_DATA, "the JPEG has %d components; 1, 3 and 4 are read", count);
    if (end - p != 6 + 3 * count)
        return kin_fail(err, KIN_ERR_DATA, "the frame of the JPEG is %d bytes long, not %d", (int)(end - p),
                        6 + 3 * count);
    j->height = at16(p + 1);
    j->width = at16(p + 3);
    if (!kin_image_allowed((uint64_t)j->width, (uint64_t)j->height, limits, err)) return false;
    j->progressive = marker == SOF2;
    for (int i = 0; i < count; i++, p += 3) {
        kin_jpeg_component *c = &j->component[i];
        *c = (kin_jpeg_component){.id = p[6], .h = p[7] >> 4, .v = p[7] & 15, .table = p[8]};
        rename_component(j, i);
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->table >= KIN_JPEG_TABLES)
            return kin_fail(
                err, KIN_ERR_DATA,
                "component %d of the JPEG has sampling %dx%d and table %d; 1 to 4 and 0 to 3 are possible",
                i + 1, c->h, c->v, c->table);
        if (c->h > j->h_max) j->h_max = c->h;
        if (c->v > j->v_max) j->v_max = c->v;
    }
    j->components = count;
    j->scale = scale_for(j, limits ? limits->reduce_to : 0);
    j->mcus_wide = ceil_div(j->width, 8 * j->h_max);
    j->mcus_high = ceil_div(j->height, 8 * j->v_max);
    for (int i = 0; i < count; i++) lay_out(j, &j->component[i]);
    uint64_t most = limits && limits->max_pixels ? limits->max_pixels : KIN_IMAGE_PIXELS;
    j->work_most = most / (j->progressive ? PIXELS_A_VISIT : PIXELS_A_BLOCK);
    if (j->work_most < LEAST_WORK) j->work_most = LEAST_WORK;
    return plausible(j, err) && reserve(j, err);
}

/* ---- scans ---- */

static bool scan_components(kin_jpeg *j, const uint8_t *p, kin_error *err)
{
    int ids[KIN_JPEG_COMPONENTS]; /* renamed as the frame's are */
    for (int i = 0; i < j->scan_components; i++) {
        int found = -1, id = p[2 * i], most = 0;
        bool twice = false;
        for (int k = 0; k < i; k++) {
            twice |= ids[k] == id;
            if (ids[k] > most) most = ids[k];
        }
        ids[i] = twice ? most + 1 : id;
        for (int k = 0; k < j->components && found < 0; k++)
            if (j->component[k].id == ids[i]) found = k;
        for (int k = 0; k < i; k++)
            if (j->scan[k] == found) found = -1;
        int dc = p[2 * i + 1] >> 4, ac = p[2 * i + 1] & 15;
        if (found < 0 || dc >= KIN_JPEG_TABLES || ac >= KIN_JPEG_TABLES)
            return kin_fail(err, KIN_ERR_DATA,
                            "a scan of the JPEG names a component or table that is not there");
        j->scan[i] = found;
        j->component[found].dc = dc;
        j->component[found].ac = ac;
    }
    return true;
}

static bool usable(kin_jpeg_code *code, int table, bool dc, kin_error *err)
{
    if (code->broken)
        return kin_fail(err, KIN_ERR_DATA, "Huffman table %s %d of the JPEG is no code", dc ? "DC" : "AC",
                        table);
    return code->given || (table <= 1 && kin_jpeg_code_standard(code, table, dc)) ||
           kin_fail(err, KIN_ERR_DATA, "the JPEG has no Huffman table %s %d", dc ? "DC" : "AC", table);
}

/* The quantisation table that stands when a component's first scan begins is the one it keeps. */
static bool take_tables(kin_jpeg *j, kin_error *err)
{
    bool dc = !j->progressive || (j->first == 0 && j->high == 0), ac = !j->progressive || j->first > 0;
    for (int i = 0; i < j->scan_components; i++) {
        kin_jpeg_component *c = &j->component[j->scan[i]];
        if (!c->has_quant && !j->has_quant[c->table])
            return kin_fail(err, KIN_ERR_DATA, "the JPEG has no quantisation table %d", c->table);
        if (!c->has_quant) memcpy(c->quant, j->quant[c->table], sizeof c->quant);
        c->has_quant = true;
        if ((dc && !usable(&j->dc[c->dc], c->dc, true, err)) ||
            (ac && !usable(&j->ac[c->ac], c->ac, false, err)))
            return false;
    }
    return true;
}

/* Which coefficients and which of their bits a progressive scan brings [T.81 G.1.1.1]. */
static bool progression(kin_jpeg *j, const uint8_t *p, kin_error *err)
{
    j->first = p[0], j->last = p[1], j->high = p[2] >> 4, j->low = p[2] & 15;
    if (!j->progressive) {
        if (j->first != 0 || j->last != 63 || j->high != 0 || j->low != 0)
            remark(j, "a scan of a sequential JPEG states a progression, which is ignored");
        j->first = 0, j->last = 63, j->high = 0, j->low = 0;
        return true;
    }
    bool right = j->first == 0 ? j->last == 0
                               : j->last >= j->first && j->last < 64 && j->scan_components == 1;
    if (!right || j->low > 13 || (j->high != 0 && j->low != j->high - 1))
        return kin_fail(err, KIN_ERR_DATA,
                        "a scan of the progressive JPEG brings coefficients %d to %d, bits %d to %d: that is "
                        "no progression",
                        j->first, j->last, j->high, j->low);
    for (int i = 0; i < j->scan_components; i++)
        for (int k = j->first; k <= j->last; k++) j->component[j->scan[i]].known[k] = (int8_t)j->low;
    return true;
}

/* Counts the blocks that the scan at hand goes through. */
static bool affordable(kin_jpeg *j, kin_error *err)
{
    for (int i = 0; i < j->scan_components; i++) {
        const kin_jpeg_component *c = &j->component[j->scan[i]];
        j->work += (uint64_t)c->blocks_wide * (uint64_t)c->blocks_high;
    }
    return j->work <= j->work_most ||
           kin_fail(
               err, KIN_ERR_DATA,
               "the JPEG goes through its %d x %d pixels in %d scans or more, which is more work than is "
               "allowed; raise --max-pixels if the picture is trusted",
               j->width, j->height, j->scans);
}

static bool read_scan(kin_jpeg *j, const uint8_t *p, const uint8_t *end, kin_error *err)
{
    if (!j->components) return kin_fail(err, KIN_ERR_DATA, "the JPEG has a scan before its frame");
    if (++j->scans > KIN_JPEG_SCANS)
        return kin_fail(err, KIN_ERR_DATA, "the JPEG has more than %d scans", KIN_JPEG_SCANS);
    j->scan_components = end > p ? *p : 0;
    if (j->scan_components < 1 || j->scan_components > KIN_JPEG_COMPONENTS ||
        end - p != 4 + 2 * j->scan_components)
        return kin_fail(err, KIN_ERR_DATA, "the head of a scan of the JPEG has a wrong length");
    if (!scan_components(j, p + 1, err) || !progression(j, end - 3, err) || !take_tables(j, err))
        return false;
    if (!affordable(j, err)) return false;
    kin_jpeg_scan(j);
    return true;
}

/* ---- the file ---- */

/* The next marker, past fill bytes and whatever is not one; EOI at the end of the bytes. */
static int next_marker(kin_jpeg *j)
{
    while (j->end - j->at >= 2) {
        if (j->at[0] != 0xff || j->at[1] == 0 || j->at[1] == 0xff) {
            j->at++;
            continue;
        }
        j->at += 2;
        return j->at[-1];
    }
    remark(j, "it has no end marker: it may be cut short");
    j->at = j->end;
    return EOI;
}

static bool read_segment(kin_jpeg *j, int marker, const kin_image_limits *limits, kin_error *err)
{
    if ((marker >= RST0 && marker < RST0 + 8) || marker == TEM) return true;
    if (marker == SOI) return kin_fail(err, KIN_ERR_DATA, "the JPEG begins a second time inside");
    int length = j->end - j->at >= 2 ? at16(j->at) : 0;
    if (length < 2 || length > j->end - j->at) {
        if (j->scans) { /* what came before may be all of the picture */
            remark(j, "it has no end marker: it may be cut short");
            j->at = j->end;
            return true;
        }
        return kin_fail(err, KIN_ERR_DATA, "the JPEG is cut short in its headers, after %lld bytes",
                        (long long)(j->end - j->bytes));
    }
    const uint8_t *p = j->at + 2, *end = j->at + length;
    j->at = end;
    switch (marker) {
    case DQT: return read_quant(j, p, end, err);
    case DHT: return read_codes(j, p, end, err);
    case DRI: return read_restart(j, p, end, err);
    case SOS: return read_scan(j, p, end, err);
    case DAC: return true;
    default:
        if (marker >= SOF0 && marker <= 0xcf) return read_frame(j, marker, p, end, limits, err);
        read_application(j, marker, p, end);
        return true;
    }
}

static bool read_all(kin_jpeg *j, const kin_image_limits *limits, kin_error *err)
{
    for (int marker; (marker = next_marker(j)) != EOI;)
        if (!read_segment(j, marker, limits, err)) return false;
    if (!j->components) return kin_fail(err, KIN_ERR_DATA, "the JPEG holds no picture: it has no frame");
    if (!j->scans) return kin_fail(err, KIN_ERR_DATA, "the JPEG holds no picture: it has no scan");
    for (int i = 0; i < j->components; i++)
        if (!j->component[i].has_quant) remark(j, "one of its colours is missing");
    return true;
}

bool kin_jpeg_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                     kin_error *err)
{
    *out = (kin_image){0};
    kin_jpeg *j = kin_alloc_zero(1, sizeof *j); /* 60 KiB of tables: too much for a thread's stack */
    if (!j) return kin_fail_memory(err, "a JPEG's tables", sizeof *j);
    j->unstuffed = kin_alloc_array(size + KIN_JPEG_PAD, 1);
    if (!j->unstuffed) {
        kin_free(j);
        return kin_fail_memory(err, "a JPEG's data", size);
    }
    j->bytes = bytes, j->at = bytes, j->end = bytes + size;
    bool ok = size >= 2 && bytes[0] == 0xff && bytes[1] == SOI;
    if (!ok) kin_fail(err, KIN_ERR_DATA, "is no JPEG: it does not begin with FF D8");
    if (ok) {
        j->at += 2;
        ok = read_all(j, limits, err);
    }
    if (ok && j->progressive) kin_jpeg_finish(j);
    ok = ok && kin_jpeg_picture(j, out, err);
    if (ok) out->remark = j->remark;
    for (int i = 0; i < j->components; i++) {
        kin_free(j->component[i].plane);
        kin_free(j->component[i].coefficients);
    }
    kin_free(j->unstuffed);
    kin_free(j);
    return ok;
}
