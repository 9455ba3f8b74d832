/* Networks as ONNX files (opset 17), which other runtimes read. */
#ifndef KIN_NN_FILES_ONNX_H
#define KIN_NN_FILES_ONNX_H

#include "nn/files/checkpoint.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_onnx_opt {
    kin_shape input;       /* [n, h, w, c] or [n, c] */
    bool any_batch;        /* the first axis of input and output is open; n is then of no account */
    const char *name;      /* of the graph */
    const kin_note *notes; /* kept as the model's properties */
    int n_notes;
} kin_onnx_opt;

/* Runs the network once in evaluation mode on zeros and writes a node (or a few) for each op that its
 * output depends on. Input and output are named "input" and "output"; pictures are [n, c, h, w] there, as
 * are all maps inside, and weights OIHW. Parameters keep their names. An op without an ONNX form is an
 * error that names it; an op of one's own brings its form in its field .onnx (autograd/op.h). */
bool kin_onnx_write(const char *path, kin_module *m, const kin_onnx_opt *opt, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
