#include "nn/files/pth_globals.h"

#include <string.h>

static const struct {
    const char *name;
    kin_dtype dtype;
} types[] = {
    {"torch.FloatStorage", KIN_F32},
    {"torch.HalfStorage", KIN_F16},
    {"torch.BFloat16Storage", KIN_BF16},
    {"torch.DoubleStorage", KIN_F64},
    {"torch.LongStorage", KIN_I64},
    {"torch.IntStorage", KIN_I32},
    {"torch.ShortStorage", KIN_I16},
    {"torch.CharStorage", KIN_I8},
    {"torch.ByteStorage", KIN_U8},
    {"torch.BoolStorage", KIN_BOOL},
    {"torch.storage.UntypedStorage", KIN_U8},
    {"torch.float32", KIN_F32},
    {"torch.float16", KIN_F16},
    {"torch.bfloat16", KIN_BF16},
    {"torch.float64", KIN_F64},
    {"torch.int64", KIN_I64},
    {"torch.int32", KIN_I32},
    {"torch.int16", KIN_I16},
    {"torch.int8", KIN_I8},
    {"torch.uint8", KIN_U8},
    {"torch.uint16", KIN_U16},
    {"torch.uint32", KIN_U32},
    {"torch.uint64", KIN_U64},
    {"torch.bool", KIN_BOOL},
};

/* Names that stand in files beside the tensors: none of them is ever called. */
static const char *const others[] = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "collections.deque",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._tensor._rebuild_from_type_v2",
    "torch._tensor.Tensor",
    "torch.nn.parameter.Parameter",
    "torch.Tensor",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",
    "numpy._core.numeric._frombuffer",
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pathlib.PosixPath",
    "pathlib._local.PosixPath",
    "datetime.datetime",
    "datetime.timedelta",
    "_codecs.encode",
};

/* Python's own kinds of values; Python 2's name of their module is what protocol 2 writes. */
static const char *const builtins[] = {"set",  "frozenset", "int",  "float", "complex", "bool",
                                       "list", "tuple",     "dict", "slice", "range",   "bytearray"};

kin_dtype kin_pth_type(const kin_pickle *p)
{
    for (size_t i = 0; p && p->kind == KIN_PICKLE_GLOBAL && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, p->text) == 0) return types[i].dtype;
    return KIN_DTYPE_NONE;
}

bool kin_pth_knows(const char *global)
{
    const char *builtin = strncmp(global, "builtins.", 9) == 0       ? global + 9
                          : strncmp(global, "__builtin__.", 12) == 0 ? global + 12
                                                                     : NULL;
    for (size_t i = 0; builtin && i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(builtins[i], builtin) == 0) return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i], global) == 0) return true;
    return kin_pth_type(&(kin_pickle){.kind = KIN_PICKLE_GLOBAL, .text = global}) != KIN_DTYPE_NONE;
}
