/* Search over somebody else's .npy: each row's nearest others by cosine.
 *
 *     search_npy FILE.npy [K]          without a file, a small one is made and searched */
#include <kin/kin.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool make_one(const char *path, kin_error *err)
{
    float rows[6 * 3] = {1, 0, 0, .9f, .1f, 0, 0, 1, 0, 0, .9f, .2f, 0, 0, 1, .1f, 0, .9f};
    return kin_npy_write_float32(path, rows, 6, 3, err);
}

int main(int argc, char **argv)
{
    kin_error err = {0};
    kin_npy array = {0};
    kin_neighbours found = {0};
    char made[] = "/tmp/kin-example-XXXXXX";
    int handle = argc > 1 ? -1 : mkstemp(made);
    const char *path = argc > 1 ? argv[1] : made;
    int64_t k = argc > 2 ? strtol(argv[2], NULL, 10) : 2;
    bool ok = (argc > 1 || make_one(path, &err)) && kin_npy_read_matrix(path, &array, &err);
    kin_vectors rows = {array.data, array.shape[0], array.shape[1]};
    ok = ok && kin_search(rows, rows, &(kin_search_opt){.k = k, .metric = KIN_COSINE, .leave_one_out = true},
                          &found, &err);
    for (int64_t i = 0; ok && i < found.queries; i++) {
        printf("%lld:", (long long)i);
        for (int64_t j = 0; j < k; j++)
            printf("  %lld (%.3f)", (long long)found.index[i * k + j], (double)found.value[i * k + j]);
        printf("\n");
    }
    if (!ok) fprintf(stderr, "%s\n", err.message);
    kin_neighbours_free(&found);
    kin_npy_free(&array);
    if (handle >= 0) {
        close(handle);
        remove(path);
    }
    return ok ? 0 : 1;
}
