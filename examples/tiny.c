/* Image retrieval to read whole: a convolutional network, its gradient, the triplet loss and the search, with
 * nothing but the C library.
 *
 *     kin synth shop --products 40 --views 8 --size 32
 *     find shop -name '*.png' | sort | xargs kin convert --out shop.npy
 *     cc -O3 -std=c11 examples/tiny.c -lm -o tiny && ./tiny shop.npy
 *
 * Learns on the first 30 products and searches the 10 others. Three times 3 x 3 convolution, ReLU, maximum of
 * 2 x 2; then one matrix. Each forward has its backward below it: the same sums, read from the other side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE * 3, VIEWS = 8, LEARNED = 30, PICTURES = 40 * VIEWS, BINS = 512 };
enum { LAYERS = 3, CONV = 9 * (3 * 8 + 8 * 16 + 16 * 32), FLAT = 4 * 4 * 32, DIM = 64 };
enum { P = 8, K = 4, BATCH = P * K, STEPS = 400, WEIGHTS = CONV + FLAT * DIM };
static const int channels[LAYERS + 1] = {3, 8, 16, 32}, first[LAYERS + 1] = {0, 9 * 24, 9 * (24 + 128), CONV};

static unsigned char picture[PICTURES][PIXELS];
static float weight[WEIGHTS], grad[WEIGHTS], mean[WEIGHTS], square[WEIGHTS]; /* the last two are Adam's */

/* What the forward of one picture leaves for its backward: each layer's input, and of each 2 x 2 the largest. */
typedef struct trace {
    float in[LAYERS + 1][PIXELS], out[DIM], slope[DIM];
    int best[LAYERS][PIXELS];
} trace;
static trace traces[BATCH];

/* Where the channels of x, and the weights, begin that meet at one place of the kernel; false beyond the edge. */
static int meet(int l, int at, int place, int *x, int *w)
{
    int side = SIDE >> l, row = at / side + place / 3 - 1, column = at % side + place % 3 - 1;
    *x = (row * side + column) * channels[l], *w = first[l] + place * channels[l] * channels[l + 1];
    return row >= 0 && row < side && column >= 0 && column < side;
}

static void conv_forward(int l, trace *t)
{
    int side = SIDE >> l, in = channels[l], out = channels[l + 1], x, w;
    float *y = t->in[l + 1], z[32];
    for (int i = 0; i < side * side / 4 * out; i++) y[i] = 0, t->best[l][i] = -1; /* 0: the ReLU */
    for (int at = 0; at < side * side; at++) {
        memset(z, 0, sizeof z);
        for (int place = 0; place < 9; place++)
            for (int i = 0; meet(l, at, place, &x, &w) && i < in; i++)
                for (int o = 0; o < out; o++) z[o] += t->in[l][x + i] * weight[w + i * out + o];
        int to = (at / side / 2 * (side / 2) + at % side / 2) * out;
        for (int o = 0; o < out; o++)
            if (z[o] > y[to + o]) y[to + o] = z[o], t->best[l][to + o] = at;
    }
}

/* From dy, the gradient of the layer's output, to that of its input and weights. Only the largest has any. */
static void conv_backward(int l, const trace *t, const float *dy, float *dx)
{
    int side = SIDE >> l, in = channels[l], out = channels[l + 1], x, w;
    memset(dx, 0, PIXELS * sizeof *dx);
    for (int k = 0; k < side * side / 4 * out; k++)
        for (int place = 0; t->best[l][k] >= 0 && place < 9; place++)
            for (int i = 0; meet(l, t->best[l][k], place, &x, &w) && i < in; i++) {
                dx[x + i] += dy[k] * weight[w + i * out + k % out];
                grad[w + i * out + k % out] += dy[k] * t->in[l][x + i];
            }
}

static void forward(trace *t, const unsigned char *pixels, int shift)
{
    for (int i = 0; i < PIXELS; i++) t->in[0][i] = (float)pixels[(i + shift * 3 + PIXELS) % PIXELS] / 128 - 1;
    for (int l = 0; l < LAYERS; l++) conv_forward(l, t);
    for (int d = 0; d < DIM; d++) {
        t->out[d] = t->slope[d] = 0;
        for (int i = 0; i < FLAT; i++) t->out[d] += weight[CONV + d * FLAT + i] * t->in[LAYERS][i];
    }
}

static void backward(const trace *t)
{
    static float flow[2][PIXELS];
    memset(flow, 0, sizeof flow);
    for (int d = 0; d < DIM; d++)
        for (int i = 0; i < FLAT; i++) {
            flow[LAYERS % 2][i] += t->slope[d] * weight[CONV + d * FLAT + i];
            grad[CONV + d * FLAT + i] += t->slope[d] * t->in[LAYERS][i];
        }
    for (int l = LAYERS - 1; l >= 0; l--) conv_backward(l, t, flow[(l + 1) % 2], flow[l % 2]);
}

static float distance(int a, int b)
{
    float sum = 1e-6f;
    for (int d = 0; d < DIM; d++) sum += powf(traces[a].out[d] - traces[b].out[d], 2);
    return sqrtf(sum);
}

/* d(a, b) has the gradient (a - b) / d(a, b) by a, and minus that by b. */
static void push(int a, int b, float slope)
{
    for (int d = 0; d < DIM; d++) {
        float g = slope * (traces[a].out[d] - traces[b].out[d]) / distance(a, b);
        traces[a].slope[d] += g, traces[b].slope[d] -= g;
    }
}

/* Batch-hard triplets, soft margin: log(1 + exp(d(a, p) - d(a, n))), p the farthest of a's product, n the nearest
 * of another. Its slope by the gap is 1 / (1 + exp(-gap)). */
static float triplets(const int *product)
{
    float loss = 0;
    for (int a = 0; a < BATCH; a++) {
        int p = a, n = a / K ? 0 : K;
        for (int j = 0; j < BATCH; j++) {
            if (product[j] == product[a] && distance(a, j) > distance(a, p)) p = j;
            if (product[j] != product[a] && distance(a, j) < distance(a, n)) n = j;
        }
        float gap = distance(a, p) - distance(a, n), slope = 1 / (1 + expf(-gap)) / BATCH;
        loss += (fmaxf(gap, 0) + log1pf(expf(-fabsf(gap)))) / BATCH;
        push(a, p, slope), push(a, n, -slope);
    }
    return loss;
}

static void adam(int step)
{
    float rate = 2e-3f * (1 - (float)step / STEPS), n = (float)step + 1;
    rate *= sqrtf(1 - powf(.999f, n)) / (1 - powf(.9f, n)); /* both means began at 0 */
    for (int i = 0; i < WEIGHTS; i++) {
        mean[i] = .9f * mean[i] + .1f * grad[i];
        square[i] = .999f * square[i] + .001f * grad[i] * grad[i];
        weight[i] -= rate * mean[i] / (sqrtf(square[i]) + 1e-8f), grad[i] = 0;
    }
}

/* First values keep the size of numbers from layer to layer [He]; then P products in K shifted views, again. */
static void train(void)
{
    for (int i = 0, l = 0; i < WEIGHTS; i++) {
        if (l < LAYERS && i == first[l + 1]) l++;
        weight[i] = (2.0 * rand() / RAND_MAX - 1) * sqrtf(6.0f / (l < LAYERS ? 9 * channels[l] : FLAT));
    }
    for (int step = 0; step < STEPS; step++) {
        int product[BATCH], which = rand() % LEARNED;
        for (int i = 0; i < BATCH; i++) {
            if (i % K == 0) which = (which + 1 + rand() % (LEARNED / P)) % LEARNED;
            product[i] = which;
            int view = i % K * (VIEWS / K) + rand() % (VIEWS / K);
            forward(&traces[i], picture[which * VIEWS + view], rand() % 5 - 2 + SIDE * (rand() % 5 - 2));
        }
        float loss = triplets(product);
        for (int i = 0; i < BATCH; i++) backward(&traces[i]);
        adam(step);
        if (step % 100 == 99) printf("step %3d  loss %.3f\n", step + 1, loss);
    }
}

static float cosine(const float *a, const float *b, int n)
{
    float ab = 0, aa = 1e-12f, bb = 1e-12f;
    for (int i = 0; i < n; i++) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
    return ab / sqrtf(aa * bb);
}

/* Mean average precision of the new products: at each right picture, the share of right ones up to there. */
static float judge(const float *rows, int n)
{
    float sum = 0, near[PICTURES];
    for (int q = LEARNED * VIEWS; q < PICTURES; q++) {
        for (int g = 0; g < PICTURES; g++) near[g] = g == q ? -2 : cosine(rows + q * n, rows + g * n, n);
        for (int g = LEARNED * VIEWS; g < PICTURES; g++) {
            int rank = 1, right = 1;
            for (int j = LEARNED * VIEWS; j < PICTURES; j++)
                if (near[j] > near[g]) rank++, right += j / VIEWS == q / VIEWS;
            if (g != q && g / VIEWS == q / VIEWS) sum += (float)right / (float)rank / (VIEWS - 1);
        }
    }
    return sum / (PICTURES - LEARNED * VIEWS);
}

int main(int argc, char **argv)
{
    static float raw[PICTURES][PIXELS], colours[PICTURES][BINS], learned[PICTURES][DIM];
    unsigned char head[10];
    FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!f || fread(head, 1, 10, f) != 10 || fseek(f, 10 + head[8] + 256 * head[9], SEEK_SET) ||
        fread(picture, PIXELS, PICTURES, f) != PICTURES || fclose(f))
        return fprintf(stderr, "tiny: shop.npy was expected, made as the head of tiny.c says\n"), 1;
    train();
    for (int i = 0; i < PICTURES; i++) {
        const unsigned char *v = picture[i];
        for (int k = 0; k < PIXELS; k++) raw[i][k] = v[k];
        for (int k = 0; k < PIXELS; k += 3) /* of the middle, where the product is */
            if ((k / 3 / SIDE + 8) / 16 == 1 && (k / 3 % SIDE + 8) / 16 == 1)
                colours[i][v[k] / 32 * 64 + v[k + 1] / 32 * 8 + v[k + 2] / 32]++;
        forward(&traces[0], v, 0);
        memcpy(learned[i], traces[0].out, sizeof learned[i]);
    }
    printf("mAP of new products: pixels %.3f, colours %.3f, learned %.3f\n", judge(raw[0], PIXELS),
           judge(colours[0], BINS), judge(learned[0], DIM));
    return 0;
}
