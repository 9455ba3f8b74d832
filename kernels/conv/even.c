#include "kernels/conv/even_lines.h"
#include "kernels/isa.h"

extern const kin_even_lines kin_even_lines_generic, kin_even_lines_avx2, kin_even_lines_avx512;

const kin_even_lines *kin_even_lines_get(void)
{
    static const kin_even_lines *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_even_lines);
    return tables[kin_isa()];
}
